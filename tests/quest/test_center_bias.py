"""The centre bias that a quest's losses have to beat: against numpy, and what is not made twice."""

import cv2
import numpy as np
import pytest
from conftest import write_photo_folder

from kerasal import data
from kerasal.evaluation import Scores
from kerasal.evaluation.scores import read_csv
from kerasal.quest import scoring
from kerasal.quest.folder import QuestFolder


def score(folder, dataset, metrics=("cc",)):
    sets = [scoring.TestSet(part, None) for part in scoring.scored_data(dataset, [])]
    scoring.score_center_bias(QuestFolder(folder), dataset, sets, metrics)


def written(folder, name):
    return read_csv(folder / f"scores/center-bias/{name}.csv")


def test_it_is_the_mean_density_of_the_training_split(photo_folder, tmp_path):
    dataset = data.load(str(photo_folder))
    score(tmp_path / "q", dataset, ["cc", "nss"])
    found = written(tmp_path / "q", dataset.name)
    assert found.names == [sample.name for sample in dataset["test"]]
    assert list(found.values) == ["cc", "nss"]
    stretched = [cv2.resize(sample.density().astype("float64"), (400, 300)) for sample in dataset["train"]]
    mean = np.mean([density / density.max() for density in stretched], axis=0)
    for sample, cc in zip(dataset["test"], found.values["cc"], strict=True):
        bias = cv2.resize(mean, sample.size[::-1], interpolation=cv2.INTER_AREA)
        expected = np.corrcoef(bias.ravel(), sample.density().ravel())[0, 1]
        assert cc == pytest.approx(expected, abs=0.01)  # other interpolations


def test_what_is_scored_is_not_scored_again(photo_folder, tmp_path):
    dataset, before = data.load(str(photo_folder)), Scores(["a"], {"cc": np.array([0.5])})
    QuestFolder(tmp_path / "q").write_scores(f"scores/center-bias/{dataset.name}.csv", before)
    score(tmp_path / "q", dataset)
    assert written(tmp_path / "q", dataset.name).names == ["a"]


def test_a_mixture_has_that_of_each_set_and_all_together(tmp_path):
    mixture = data.mix([data.load(str(write_photo_folder(tmp_path / name))) for name in "ab"])
    score(tmp_path / "q", mixture)
    together = written(tmp_path / "q", "a+b")
    assert together.names == [sample.name for sample in mixture["test"]]
    parts = [written(tmp_path / "q", name).values["cc"] for name in "ab"]
    np.testing.assert_array_equal(together.values["cc"], np.concatenate(parts))


def test_a_set_of_a_mixture_without_training_samples_has_that_of_the_others(tmp_path):
    a, b = (data.load(str(write_photo_folder(tmp_path / name))) for name in "ab")
    tested = data.Dataset("b", {**b.splits, "train": []}, "", "")
    mixture = data.mix([a, tested])
    score(tmp_path / "q", mixture, ["cc", "nss"])
    borrowed = data.Dataset("b", {**b.splits, "train": a["train"]}, "", "")
    score(tmp_path / "expected", borrowed, ["cc", "nss"])
    for metric in ("cc", "nss"):
        expected = written(tmp_path / "expected", "b").values[metric]
        np.testing.assert_array_equal(written(tmp_path / "q", "b").values[metric], expected)
    assert written(tmp_path / "q", "a+b").names == [sample.name for sample in mixture["test"]]
    assert scoring.scored_data(a, []) == [a]  # the same object: a quest asks whether it is among them
    assert scoring.scored_data(mixture, [])[0] is a
