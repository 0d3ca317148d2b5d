"""Several datasets as one: what is drawn, what is averaged, and that each set stays what it is alone."""

from collections import Counter

import numpy as np
import pytest
from conftest import write_photo_folder
from layouts import LAYOUTS

from kerasal import data, evaluation, models, training
from kerasal.data import mixture
from kerasal.data.pipeline import batch_samples
from kerasal.errors import InputError


@pytest.fixture
def sets(tmp_path):
    """The folders of a miniature of Scene, three sizes, and of nine photographs of two sizes."""
    LAYOUTS["scene"](tmp_path / "scene-files")
    return tmp_path / "scene-files", write_photo_folder(tmp_path / "photos")


def made(name, count, size=(6, 8)):
    """A dataset of `count` training samples, each fixated at a place of its own."""
    random = np.random.default_rng(count)
    samples = [
        data.Sample(
            f"{number}", size, lambda: np.zeros((*size, 3), "uint8"), (random.uniform(0, 6, (3, 2)),), 1.0
        )
        for number in range(count)
    ]
    return data.Dataset(name, {"train": samples, "validation": samples[:1], "test": samples[:2]}, name, "MIT")


@pytest.mark.parametrize(
    ("text", "names", "weights"),
    [
        ("osie+scene", ["osie", "scene"], None),
        ("osie*2+scene", ["osie", "scene"], [2, 1]),
        ("a/b-1.5*0.25 + c*3", ["a/b-1.5", "c"], [0.25, 3]),
        ("a*0.00001+b*1000000", ["a", "b"], [1e-5, 1e6]),
        ("a*2500000000000000+b*1e300", ["a", "b"], [2.5e15, 1e300]),
        ("two\nlines+b", ["two\nlines", "b"], None),
    ],
)
def test_names_and_weights_are_read_and_written_as_they_were(text, names, weights):
    assert mixture.parse(text) == (names, weights)
    assert mixture.parse(mixture.text(names, weights)) == (names, weights)


def test_each_set_keeps_its_own_splits_and_is_found_again(sets, tmp_path, monkeypatch):
    scene, photos = sets
    monkeypatch.chdir(tmp_path)
    mixed = data.load("scene*2+photos", {"scene": scene})
    alone = [data.load("scene", scene), data.load(str(photos))]
    for split in data.SPLITS:
        assert [sample.name for sample in mixed.splits[split]] == [
            f"{dataset.name}/{sample.name}" for dataset in alone for sample in dataset.splits[split]
        ]
    for part, dataset in zip(mixed.sets, alone, strict=True):
        assert data.fingerprint(part.samples) == data.fingerprint(dataset.samples)
    monkeypatch.chdir("/")
    again = data.load(**mixed.arguments)
    assert data.fingerprint(again.samples) == data.fingerprint(mixed.samples)
    assert (again.name, again.weights, again.draws) == ("scene+photos", (2, 1), mixed.draws)
    assert [len(part.samples) for part in mixed.limited(1).sets] == [2, 3]  # Scene's three: 2, 0, 1
    assert len({sample.size for sample in mixed["all"]}) == 5


def test_folders_of_ones_own_are_read_as_the_options_say_and_named_sets_as_they_are(sets, tmp_path):
    scene, photos = sets
    data.prepare(data.load(str(photos)), tmp_path / "prepared", size=None)
    (tmp_path / "photos").rename(tmp_path / "own")
    mixed = data.load(f"scene+{tmp_path / 'own'}+{tmp_path / 'prepared'}", {"scene": scene}, sigma=5.0)
    alone = data.load("scene", scene).samples, data.load(str(tmp_path / "prepared")).samples
    sigmas = [{sample.sigma for sample in part.samples} for part in mixed.sets]
    assert sigmas == [{s.sigma for s in alone[0]}, {5.0}, {s.sigma for s in alone[1]}]
    with pytest.raises(InputError, match=r"own, not for .*prepared, which is prepared"):
        data.load(str(tmp_path / "prepared"), sigma=5.0)


def test_a_tilde_that_no_shell_has_seen_is_the_home_folder(sets, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data.locate("osie", "~/osie") == ("osie", tmp_path / "osie")
    assert data.load("~/photos").arguments["data_dir"] == str(tmp_path / "photos")


def test_an_epoch_draws_the_shares_and_a_training_every_sample_alike():
    # 20 samples in all; weights 3:1 make 15 and 5 of them, of 8 and 12 samples.
    mixed = data.mix([made("a", 8), made("b", 12)], [3, 1])
    assert mixed.draws == [(8, 15), (12, 5)]
    seen, early = Counter(), Counter()
    for epoch in range(12):  # a: 180 draws of 8 samples, b: 60 of 12
        drawn = [s.name for s in batch_samples(mixed["train"], 20, 7, epoch, 0, mixed.draws)]
        assert Counter(name[0] for name in drawn) == {"a": 15, "b": 5}
        early.update(name[0] for name in drawn[:10])
        assert drawn == [s.name for s in batch_samples(mixed["train"], 20, 7, epoch, 0, mixed.draws)]
        seen.update(drawn)
    assert 15 < early["b"] < 45  # mingled, not one set after the other: 30 of 60 expected
    assert {seen[f"b/{number}"] for number in range(12)} == {5}
    assert {seen[f"a/{number}"] for number in range(8)} == {22, 23}


def test_training_is_fed_what_was_drawn_and_unweighted_every_sample_once():
    mixed = data.mix([made("a", 4), made("b", 6)], [4, 1])
    peaks = {}
    for weighted in (True, False):
        parts = mixed.draws if weighted else None
        found = data.batches(mixed["train"], (6, 8), 3, seed=1, epochs=2, parts=parts)
        fixated = np.concatenate([y_true[..., 1].numpy() for _, y_true in found])
        places = {s.fixation_map((6, 8)).tobytes(): s.name for s in mixed["train"]}
        peaks[weighted] = Counter(places[each.tobytes()] for each in fixated)
    assert sum(count for name, count in peaks[True].items() if name[0] == "a") == 16  # 8 of 10, twice
    assert set(peaks[False].values()) == {2}
    assert len(peaks[False]) == 10


def test_shares_are_whole_numbers_that_add_up():
    assert data.mix([made("a", 5), made("b", 5), made("c", 5)], [1, 1, 2]).draws == [(5, 4), (5, 4), (5, 7)]
    assert data.mix([made("a", 1), made("b", 2)], [1e-9, 1]).draws == [(1, 0), (2, 3)]


def test_the_centre_bias_is_that_of_the_samples_an_epoch_draws():
    a, b = made("a", 8), made("b", 12)
    means = [np.mean([s.density((6, 8), "float64") for s in dataset["train"]], axis=0) for dataset in (a, b)]
    np.testing.assert_allclose(
        data.mix([a, b], [3, 1]).center_bias((6, 8)), 0.75 * means[0] + 0.25 * means[1], atol=1e-6
    )
    np.testing.assert_allclose(
        data.mix([a, b]).center_bias((6, 8)), 0.4 * means[0] + 0.6 * means[1], atol=1e-6
    )


@pytest.mark.usefixtures("tiny_network")
def test_features_of_a_set_that_was_cached_alone_are_found_in_the_mixture(sets, tmp_path):
    scene, photos = sets
    model = models.build("tiny", input_size=(32, 48), activation="sigmoid", dropout=0.0, initial_density=0.1)
    alone = training.open_features(model, data.load(str(photos)), folder=tmp_path / "cache")
    computed = []  # Scene's miniature has no validation split

    def progress(items, what):
        computed.append(what)
        return items

    mixed = data.load(f"scene+{photos}", {"scene": scene})
    joined = training.open_features(model, mixed, folder=tmp_path / "cache", progress=progress)
    assert computed == ["features of 2 stimuli"]
    assert joined["train"].mirrored
    for split in ("train", "validation"):
        whole = training.FeatureCache.open(model, mixed[split], mirrored=True)
        first = len(mixed.sets[0].splits[split])
        for index in range(len(mixed[split])):
            for mirrored in (False, True) if split == "train" else (False,):
                ours = joined[split].read(index, mirrored)[0]
                np.testing.assert_array_equal(ours, whole.read(index, mirrored)[0])
                if index >= first:
                    np.testing.assert_array_equal(ours, alone[split].read(index - first, mirrored)[0])


def test_a_mixture_is_scored_set_by_set_with_each_its_own_centre_bias_and_together(sets):
    scene, photos = sets
    mixed = data.load(f"scene+{photos}", {"scene": scene})
    systems = [evaluation.baseline("center-bias"), evaluation.baseline("half-observers")]
    metrics = ["cc", "nss", "information_gain"]
    found = evaluation.evaluate(systems, mixed, "all", metrics=metrics)
    pooled = {system.name: {key: [] for key in metrics} for system in systems}
    for name, dataset in (("scene", data.load("scene", scene)), ("photos", data.load(str(photos)))):
        alone = evaluation.evaluate(systems, dataset, "all", metrics=metrics)
        assert found.sets[name].as_json() == alone.as_json()
        for system, scores in alone.scores.items():
            for key in metrics:
                pooled[system][key] += scores.values[key].tolist()
    for system, by_metric in pooled.items():
        for key, values in by_metric.items():
            np.testing.assert_equal(found.scores[system].values[key], values)
            mean = found.comparison.summaries[system][key].mean
            np.testing.assert_allclose(mean, np.nanmean(values), rtol=1e-12)
    assert found.scores["center-bias"].names[0] == "scene/" + data.load("scene", scene)["all"][0].name
    text = found.markdown()
    assert text.index(found.sets["scene"].title) < text.index(found.sets["photos"].title)
    assert found.title in text


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("scene+", {}, "an empty name"),
        ("photos+photos", {}, "photos is there twice: .* rename one"),
        ("photos+nowhere", {}, "unknown dataset 'nowhere'"),
        ("scene+photos", {"data_dir": "/d"}, r"--data-dir scene=/d; .* \$KERASAL_DATA/scene"),
        ("synthetic+scene", {"data_dir": {"osie": "/d"}}, "--data-dir names osie"),
        ("synthetic", {"data_dir": {"osie": "/d"}}, "--data-dir names osie"),
        ("synthetic+scene", {"split_file": "x.csv"}, "split file is for one"),
        ("synthetic+scene", {"crop_borders": True}, "cat2000"),
        ("synthetic+scene", {"sigma": 3.0}, "a sigma is for folders of your own"),
        ("synthetic", {"sigma": 3.0}, "a sigma is for folders of your own, not for synthetic"),
        ("synthetic", {"pixels_per_degree": 3.0}, "not for synthetic"),
        ("photos+scene", {"sigma": float("nan")}, "sigma must be positive"),
        ("photos", {"pixels_per_degree": float("inf")}, "pixels per degree must be positive"),
        ("photos*0+scene", {}, "weights must be positive"),
        ("photos*1.2.3+scene", {}, "is no number"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(sets, tmp_path, monkeypatch, name, arguments, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=words) as caught:
        data.load(name, **arguments)
    assert "\n" not in str(caught.value)


def test_a_mixture_is_not_prepared_as_one(tmp_path):
    with pytest.raises(InputError, match="prepare each dataset by itself"):
        data.prepare(data.mix([made("a", 2), made("b", 2)]), tmp_path / "p")
