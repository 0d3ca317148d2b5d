"""Evaluation from the maps to the files, in this process and in others."""

import csv
import json
import os
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
from conftest import ReadAhead, write_photo

from kerasal import data, evaluation
from kerasal.errors import InputError
from kerasal.metrics import METRICS, emd, information_gain, sauc


@pytest.fixture
def photos(photo_folder):
    return data.load(str(photo_folder))


def random_map(sample):
    return np.random.default_rng(len(sample.name) + int(sample.name[-1])).random(sample.size)


RANDOM = evaluation.Function("random", random_map)


def test_each_image_gets_the_metrics_of_its_own_map_and_truth(photos):
    result = evaluation.evaluate([RANDOM], photos, "train")
    scores = result.scores["random"]
    assert scores.names == [sample.name for sample in photos["train"]]
    assert list(scores.values) == list(METRICS)
    for index, sample in enumerate(photos["train"]):
        saliency_map, rows_columns = random_map(sample), np.argwhere(sample.fixation_map())
        z = (saliency_map - saliency_map.mean()) / saliency_map.std(ddof=1)
        assert scores.values["nss"][index] == pytest.approx(z[tuple(rows_columns.T)].mean(), rel=1e-9)
        density = sample.density(dtype="float64")
        assert scores.values["emd"][index] == emd(saliency_map, density)


class Waiting:
    """A predictor that waits until the batch after its first is read."""

    def __init__(self, watched):
        self.watched, self.waited = watched, []

    def saliency_maps(self, stimuli):
        self.waited.append(self.watched.enough.wait(20))
        return [stimulus[..., 0] / 255 for stimulus in stimuli]


def test_the_next_stimuli_are_read_by_other_threads_while_a_network_works():
    watched = ReadAhead(10, ahead=8)
    predictor = Waiting(watched)
    jobs = evaluation.Network("waiting", lambda: predictor).jobs(None, watched.samples)
    for number, job in enumerate(jobs):
        [(saliency_map, sample)] = job()
        assert sample is watched.samples[number]
        assert saliency_map.max() * 255 == pytest.approx(number)
    assert predictor.waited == [True] * 3
    assert threading.main_thread() not in watched.readers.values()


def test_of_damaged_stimuli_of_a_network_the_first_is_named():
    watched = ReadAhead(100, ahead=0, damaged=(5, 6))
    with pytest.raises(InputError, match=r"^s5 is damaged$"):
        list(evaluation.Network("waiting", lambda: Waiting(watched)).jobs(None, watched.samples))
    assert max(watched.readers) <= 5 + 4


def test_shuffled_auc_takes_the_fixations_of_every_other_image_at_their_relative_places(photos):
    result = evaluation.evaluate([RANDOM], photos, "train", metrics=["sauc"])
    for index, sample in enumerate(photos["train"]):
        rows, columns = sample.size
        pool = [
            (int(y * rows / other.size[0]), int(x * columns / other.size[1]))
            for other in photos["train"]
            if other is not sample
            for x, y in other.all_fixations()
        ]
        expected = sauc(random_map(sample), np.argwhere(sample.fixation_map()), pool)
        assert result.scores["random"].values["sauc"][index] == pytest.approx(expected, rel=1e-12)


def test_information_gain_is_over_the_center_bias_of_the_training_split(photos):
    result = evaluation.evaluate([RANDOM], photos, metrics=["information_gain"])
    biases = [job()[0][0] for job in evaluation.baseline("center-bias").jobs(photos, photos["test"])]
    for index, (sample, bias) in enumerate(zip(photos["test"], biases, strict=True)):
        expected = information_gain(random_map(sample), np.argwhere(sample.fixation_map()), bias)
        assert result.scores["random"].values["information_gain"][index] == expected


def test_data_without_training_samples_are_scored_by_all_else_than_information_gain(photos):
    untrained = replace(photos, splits={"train": [], "validation": [], "test": photos["test"]})
    result = evaluation.evaluate([RANDOM], untrained)
    assert list(result.scores["random"].values) == [key for key in METRICS if key != "information_gain"]
    assert any("IG is left out" in note and "no training samples" in note for note in result.notes)
    with pytest.raises(InputError, match=r"IG cannot be computed: .* no training samples"):
        evaluation.evaluate([RANDOM], untrained, metrics=["cc", "information_gain"])
    with pytest.raises(InputError, match="no samples in its train split"):
        evaluation.evaluate([evaluation.baseline("center-bias")], untrained)


def random_map_without_keras(sample):
    assert not {"tensorflow", "keras", "jax"} & set(sys.modules)
    return random_map(sample)


def test_scores_do_not_depend_on_the_number_of_processes_which_load_no_keras(photos):
    import tensorflow  # noqa: F401  # as when a network is evaluated

    alone = [evaluation.baseline("observers"), RANDOM]
    together = [alone[0], evaluation.Function("random", random_map_without_keras)]
    one = evaluation.evaluate(alone, photos, "train")
    two = evaluation.evaluate(together, photos, "train", processes=2)
    for system in one.scores:
        for key, values in one.scores[system].values.items():
            np.testing.assert_array_equal(two.scores[system].values[key], values)
    assert two.as_json() == one.as_json()


@pytest.mark.slow
def test_a_mistake_in_another_process_is_the_same_error(photos):
    nan = evaluation.Function("nan", map_of_nan)
    with pytest.raises(InputError, match=r"map of p.*finite"):
        evaluation.evaluate([nan], photos, processes=2)


def map_of_nan(sample):
    return np.full(sample.size, np.nan)


def test_data_without_fixations_get_the_metrics_on_density_alone(tmp_path):
    for number in range(4):
        write_photo(tmp_path / "images" / f"p{number}.png", (70, 90), seed=number)
        write_photo(tmp_path / "maps" / f"p{number}.png", (70, 90), seed=number + 9, mode="L")
    dataset = data.load(str(tmp_path))
    result = evaluation.evaluate([RANDOM], dataset)
    found = set(result.scores["random"].values)
    assert found >= {"cc", "sim", "emd", "kld"}
    assert not found & {"auc_judd", "auc_borji", "nss", "sauc", "information_gain"}
    assert any("NSS is left out" in note and "no fixations" in note for note in result.notes)
    with pytest.raises(InputError, match="NSS cannot be computed"):
        evaluation.evaluate([RANDOM], dataset, metrics=["nss"])


def test_images_too_small_for_the_grid_of_emd_lose_that_metric_alone(photos):
    small = replace(photos["test"][0], size=(20, 30), fixations=(np.array([[3.0, 4.0], [9.0, 9.0]]),))
    dataset = replace(photos, splits={**photos.splits, "test": [small, photos["test"][1]]})
    result = evaluation.evaluate([RANDOM], dataset)
    assert set(METRICS) - set(result.scores["random"].values) == {"emd"}
    assert any("EMD is left out" in note and small.name in note for note in result.notes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "exam"}, r"'exam'.*train"),
        ({"metrics": ["auc"]}, r"'auc'.*auc_judd"),
        ({"metrics": []}, "no metric"),
        ({"reference": "b"}, "'b': one of random"),
        ({"processes": 0}, "at least one process must work, got 0"),
        ({"processes": -1}, "at least one process must work, got -1"),
        ({"systems": []}, "no system"),
        ({"systems": [RANDOM, RANDOM]}, "named twice: random"),
        ({"systems": [evaluation.Function("nan", lambda s: np.full(s.size, np.nan))]}, "map of p.*finite"),
        ({"systems": [evaluation.Function("small", lambda s: np.eye(5))]}, "map of p.*one shape"),
        (
            {"systems": [evaluation.Function("large", lambda s: np.eye(300))], "metrics": ["nss"]},
            "map of p.*one shape",
        ),
    ],
)
def test_mistakes_are_named(photos, arguments, message):
    with pytest.raises(InputError, match=message):
        evaluation.evaluate(**{"systems": [RANDOM], "dataset": photos, **arguments})


def test_files_of_one_system_keep_the_form_that_readers_know(photos, tmp_path):
    result = evaluation.evaluate([RANDOM], photos)
    paths = result.write(tmp_path / "out")
    assert sorted(path.name for path in paths) == sorted(os.listdir(tmp_path / "out"))
    assert sorted(os.listdir(tmp_path / "out")) == [
        "metrics.csv",
        "metrics.json",
        "metrics.md",
        "metrics.tex",
    ]
    values = json.loads((tmp_path / "out/metrics.json").read_text())
    assert (values["schema"], values["system"], values["split"]) == (2, "random", "test")
    with open(tmp_path / "out/metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["image", *METRICS]
    for key in METRICS:
        mean = np.mean([float(row[key]) for row in rows])
        assert values["metrics"][key]["mean"] == pytest.approx(mean, rel=1e-12)
        low, high = values["metrics"][key]["interval"]
        assert low <= mean <= high


def test_files_of_several_systems_hold_each_and_the_differences(photos, tmp_path):
    systems = [evaluation.baseline("center-bias"), RANDOM]
    result = evaluation.evaluate(systems, photos, metrics=["cc", "nss"], reference="random")
    result.write(tmp_path)
    values = json.loads((tmp_path / "comparison.json").read_text())
    assert values["reference"] == "random"
    with open(tmp_path / "comparison.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["system"] for row in rows] == ["center-bias"] * 2 + ["random"] * 2
    by_hand = np.mean([float(rows[i]["nss"]) - float(rows[i + 2]["nss"]) for i in range(2)])
    assert values["differences"]["center-bias"]["nss"]["mean"] == pytest.approx(by_hand)
    assert list(values["differences"]) == ["center-bias"]
    assert "| center-bias | **" in (tmp_path / "comparison.md").read_text()
    assert r"\textbf{" in (tmp_path / "comparison.tex").read_text()


def test_what_is_not_known_is_null_in_valid_json(photos):
    dataset = replace(photos, splits={**photos.splits, "test": photos["test"][:1]})
    values = json.loads(evaluation.evaluate([RANDOM], dataset).as_json(), parse_constant=pytest.fail)
    assert values["metrics"]["cc"]["standard_error"] is None
    assert values["metrics"]["cc"]["interval"] == [None, None]
