import json
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from conftest import forget_high_water, high_water, needs_linux, no_file_above, write_photo
from layouts import LAYOUTS

from kerasal import data, training
from kerasal.data import Dataset, Sample, batches, load, prepare
from kerasal.data.prepared import shrunk
from kerasal.errors import InputError
from kerasal.training.features import FeatureCache

SIZE = (24, 36)


@pytest.fixture
def photos(photo_folder):
    return load(str(photo_folder))


def same_sample(one, other):
    assert (one.name, one.size) == (other.name, other.size)
    assert one.sigma == pytest.approx(other.sigma)
    assert len(one.fixations) == len(other.fixations)
    for found, expected in zip(one.fixations, other.fixations, strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(one.read_stimulus(), other.read_stimulus())


def test_prepared_at_its_own_size_a_dataset_is_the_same(photos, tmp_path):
    made = prepare(photos, tmp_path / "p", size=None, per_shard=4)
    for split in data.SPLITS:
        for one, other in zip(made[split], photos[split], strict=True):
            same_sample(one, other)
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == [
        "center_bias.npy",
        "prepared.json",
        "test-00000-of-00001.tfrecord",
        "train-00000-of-00002.tfrecord",
        "train-00001-of-00002.tfrecord",
        "validation-00000-of-00001.tfrecord",
    ]
    loaded = load(str(tmp_path / "p"))
    assert data.fingerprint(loaded.samples) == data.fingerprint(load(**loaded.arguments).samples)


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_datasets_facts_survive(name, tmp_path):
    (tmp_path / "d").mkdir()
    LAYOUTS[name](tmp_path / "d")
    dataset = load(name, tmp_path / "d")
    made = prepare(dataset, tmp_path / "p", size=None)
    for one, other in zip(made.samples, dataset.samples, strict=True):
        same_sample(one, other)
        for fact in ("observers", "pixels_per_degree", "pooled"):
            assert getattr(one, fact) == getattr(other, fact)


def test_shrunk_stimuli_keep_their_proportions_and_their_fixations_places(photos, tmp_path):
    made = prepare(photos, tmp_path / "p", size=SIZE)
    for split in ("train", "validation"):
        for small, whole in zip(made[split], photos[split], strict=True):
            scale = max(SIZE[0] / whole.size[0], SIZE[1] / whole.size[1])
            assert small.size == tuple(round(side * scale) for side in whole.size)
            assert small.size[0] >= SIZE[0]
            assert small.size[1] >= SIZE[1]
            assert small.sigma == pytest.approx(whole.sigma * scale, rel=0.02)
            shares = [s.all_fixations() / s.size[::-1] for s in (small, whole)]
            np.testing.assert_allclose(*shares, atol=1e-9)
            assert len(small.fixations) == len(whole.fixations)
            assert small.read_stimulus().shape == (*small.size, 3)


def test_the_test_split_keeps_its_files(photos, tmp_path):
    made = prepare(photos, tmp_path / "p", size=SIZE)
    for one, other in zip(made["test"], photos["test"], strict=True):
        same_sample(one, other)


def test_training_sees_the_same_from_files_and_from_records(photos, tmp_path):
    # A stimulus of the same proportions as the network's input: bytes are rounded, nothing else differs.
    wide = Dataset(
        "w",
        {split: [s for s in photos[split] if s.size == (60, 90)] or photos[split] for split in data.SPLITS},
        "",
        "",
    )
    made = prepare(wide, tmp_path / "p", size=(24, 36))
    options = {"epochs": 2, "seed": 4, "flip": True}
    for (x, y), (small, target) in zip(
        batches(wide["train"], (24, 36), 2, **options).as_numpy_iterator(),
        batches(made["train"], (24, 36), 2, **options).as_numpy_iterator(),
        strict=True,
    ):
        np.testing.assert_allclose(np.clip(x, 0, 255), small, atol=0.5 + 1e-3)
        np.testing.assert_array_equal(y[..., 1], target[..., 1])
        np.testing.assert_allclose(y[..., 0], target[..., 0], atol=1e-5)


def test_a_size_that_shrunk_stimuli_do_not_have_is_refused_wherever_a_network_learns(photos, tmp_path):
    made = prepare(photos, tmp_path / "p", size=SIZE)
    assert {sample.size for sample in made["train"]} == {(24, 36), (58, 36)}
    assert [sample.shrunk for sample in made.samples] == [
        sample not in made["test"] for sample in made.samples
    ]
    high = made.with_splits({**made.splits, "train": [s for s in made["train"] if s.size == (58, 36)]})
    mixed = data.mix([prepare(photos, tmp_path / "own", size=None), replace(made, name="q")])
    for dataset, size, padded, enough in (
        (made, (24, 36), False, True),
        (made, (25, 36), False, False),
        (made, (24, 37), False, False),
        (made, (24, 72), True, True),  # where proportions are kept one side is
        (made, (25, 37), True, False),
        (high, (58, 36), False, True),
        (high, (57, 72), True, True),
        (photos, (600, 800), False, True),  # small files are as they are
        (mixed, (24, 36), False, True),
        (mixed, (48, 72), False, False),
        (prepare(photos, tmp_path / "large", size=(60, 90)), (48, 72), False, True),
    ):
        with nullcontext() if enough else pytest.raises(InputError, match=f"--size {size[0]}x{size[1]}"):
            dataset.check_size(size, padded)


@pytest.mark.usefixtures("tiny_network")
@pytest.mark.parametrize("way", ["train", "fit", "adapt", "quest"])
def test_what_learns_from_shrunk_stimuli_asks_for_their_size(photos, tmp_path, way):
    from kerasal import models, quest

    made, size = prepare(photos, tmp_path / "p", size=(32, 48)), (48, 72)
    network = models.build("tiny", input_size=size, activation="relu", dropout=0, initial_density=0.1)
    ways = {
        "train": lambda run: training.train(made, training.options(model="tiny", input_size=size), run),
        "fit": lambda run: training.fit(network, made, "kld", run=run, epochs=1),
        "adapt": lambda run: training.adapt(network, made, run),
        "quest": lambda run: quest.run(made, ["mse"], quest.options(input_size=size), run),
    }
    with pytest.raises(InputError, match=r"was shrunk below (48x72|64x96); prepare"):
        ways[way](tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_scores_of_shrunk_stimuli_are_told_from_the_dataset_s_own(photos, tmp_path):
    from kerasal import evaluation
    from kerasal.quest.scoring import scored_data

    made = prepare(photos, tmp_path / "p", size=SIZE)
    chance = [evaluation.baseline("chance")]

    def notes(dataset, split):
        found = evaluation.evaluate(chance, dataset, split, metrics=["cc"]).notes
        return [note for note in found if "shrunk" in note]

    shrunk = len(photos["train"]) + len(photos["validation"])
    [note] = notes(made, "all")
    assert note.startswith(f"{shrunk} of {len(photos.samples)} images were shrunk")
    assert len(notes(made, "validation")) == 1
    assert not notes(made, "test")
    assert not notes(photos, "all")
    moved = made.with_splits({"train": made["test"], "validation": [], "test": made["train"]})
    assert len(notes(moved, "test")) == 1
    assert not notes(prepare(photos, tmp_path / "own", size=None), "all")
    again = prepare(made, tmp_path / "again", size=None)
    assert len(notes(again, "all")) == 1
    assert [part.name for part in scored_data(made, [])] == ["photos"]
    for own, others in ((moved, []), (photos, [replace(made, name="others")])):
        with pytest.raises(InputError, match="to score that were shrunk"):
            scored_data(own, others)


def test_given_maps_are_kept_and_shrunk(photo_folder, tmp_path):
    (photo_folder / "maps").mkdir()
    for path in (photo_folder / "images").iterdir():
        number = int(path.stem[1])
        y, x = np.mgrid[: (60, 80)[number % 2], : (90, 50)[number % 2]]
        np.save(photo_folder / "maps" / f"{path.stem}.npy", np.exp(-((x - 30) ** 2 + (y - 20) ** 2) / 200))
    dataset = load(str(photo_folder))
    made = prepare(dataset, tmp_path / "p", size=(30, 25))
    for one, other in zip(made.samples, dataset.samples, strict=True):
        np.testing.assert_allclose(one.density((30, 45)), other.density((30, 45)), atol=0.03)
    assert data.fingerprint(made.samples) == data.fingerprint(load(str(tmp_path / "p")).samples)


def test_the_centre_bias_is_saved_beside_the_records(photos, tmp_path):
    prepare(photos, tmp_path / "p", size=None)
    expected = np.mean([sample.density((300, 400)) for sample in photos["train"]], axis=0)
    np.testing.assert_allclose(np.load(tmp_path / "p/center_bias.npy"), expected, atol=1e-6)


def test_the_records_are_plain_tfrecords(photos, tmp_path):
    prepare(photos, tmp_path / "p", size=None)
    names = []
    for data_ in tf.data.TFRecordDataset(
        str(tmp_path / "p/train-00000-of-00001.tfrecord")
    ).as_numpy_iterator():
        features = tf.train.Example.FromString(data_).features.feature
        names.append(features["name"].bytes_list.value[0].decode())
    assert names == [sample.name for sample in photos["train"]]


@pytest.mark.usefixtures("tiny_network")
def test_training_evaluation_and_feature_cache_work_on_prepared_data(photos, tmp_path):
    from kerasal import evaluation

    prepare(photos, tmp_path / "p", size=(32, 48))
    made = load(str(tmp_path / "p"))
    options = training.options(model="tiny", input_size=(32, 48), epochs=1, batch_size=4)
    run = training.train(made, options, tmp_path / "run", report=lambda _: None, verbose=0)
    again = load(**run.data_arguments())
    network = run.load_model()
    FeatureCache.open(network, again["train"], folder=tmp_path / "cache")
    system = evaluation.model(run.path)
    scores = [
        evaluation.evaluate([system], dataset).scores[system.name].values for dataset in (again, photos)
    ]
    np.testing.assert_allclose(scores[0]["nss"], scores[1]["nss"], rtol=1e-6)


def test_an_interrupted_preparation_leaves_nothing(photos, tmp_path):
    def stop(items, what):
        yield items[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(photos, tmp_path / "out/p", progress=stop)
    assert not list((tmp_path / "out").iterdir())


def test_an_existing_folder_is_refused_and_left_alone(photos, tmp_path):
    (tmp_path / "p").mkdir()
    with pytest.raises(InputError, match="is there already"):
        prepare(photos, tmp_path / "p")
    assert not list((tmp_path / "p").iterdir())


def test_a_full_disk_is_told_before_anything_is_written(photos, tmp_path, monkeypatch):
    import shutil

    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    with pytest.raises(InputError, match=r"needs .* MB and 1.00 kB are free"):
        prepare(photos, tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_a_disk_that_fills_while_preparing_is_one_line_and_no_folder(photos, tmp_path):
    whole = max(
        path.stat().st_size
        for path in prepare(photos, tmp_path / "p")["train"][0].stimulus.path.parent.iterdir()
    )
    for limit in (0, 10, 2000, whole // 2, whole - 1):
        with (
            no_file_above(limit),
            pytest.raises(InputError, match=f"^cannot write {tmp_path / 'out/p'}: File too large$"),
        ):
            prepare(photos, tmp_path / "out/p")
        assert not list((tmp_path / "out").iterdir()), limit


def test_what_is_added_at_the_end_appears_with_the_rest_or_nothing_does(photos, tmp_path):
    prepare(photos, tmp_path / "p", finish=lambda folder: (folder / "picture").write_text("whole"))
    assert (tmp_path / "p/picture").read_text() == "whole"
    with pytest.raises(ZeroDivisionError):
        prepare(photos, tmp_path / "out/p", finish=lambda _: 1 / 0)
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("damage", ["cut", "missing", "index", "schema", "escape", "place"])
def test_damaged_prepared_data_is_refused_by_name(photos, tmp_path, damage):
    prepare(photos, tmp_path / "p")
    shard, index = tmp_path / "p/train-00000-of-00001.tfrecord", tmp_path / "p/prepared.json"
    if damage == "cut":
        shard.write_bytes(shard.read_bytes()[:-10])
    elif damage == "missing":
        shard.unlink()
    elif damage == "index":
        index.write_text(index.read_text()[:100])
    else:
        values = json.loads(index.read_text())
        del values["crc32"]  # as in what was prepared before the index had a checksum
        if damage == "schema":
            values["schema"] = 99
        elif damage == "place":
            values["splits"]["train"][0]["start"] = "12"
        else:
            # A shard that is whole, but elsewhere.
            shard.rename(tmp_path / "secret")
            for entry in values["splits"]["train"]:
                entry["shard"] = "../secret"
        index.write_text(json.dumps(values))
    with pytest.raises(InputError, match="again"):
        load(str(tmp_path / "p"))


def test_a_size_is_never_enlarged_and_never_below_the_target():
    assert shrunk((600, 800), (300, 400)) == (300, 400)
    assert shrunk((1024, 768), (300, 400)) == (533, 400)
    assert shrunk((200, 900), (300, 400)) == (200, 900)
    assert shrunk((600, 800), None) == (600, 800)


@pytest.mark.slow
@needs_linux
def test_memory_does_not_grow_with_the_dataset(tmp_path):
    # 400 MB of pixels, prepared and read twice; a quarter of it may stay.
    write_photo(tmp_path / "a.jpg", (600, 800))
    fixations = (np.array([[5.0, 5.0]]),)
    samples = [Sample(f"s{i}", (600, 800), tmp_path / "a.jpg", fixations, 9.0) for i in range(280)]

    list(batches(samples[:16], (60, 80), 8))
    prepare(
        Dataset("w", {"train": samples[:16], "validation": [], "test": []}, "", ""), tmp_path / "w", size=None
    )
    forget_high_water()
    before = high_water()
    made = prepare(
        Dataset("b", {"train": samples, "validation": [], "test": []}, "", ""), tmp_path / "b", size=None
    )
    for _ in batches(made["train"], (60, 80), 8, epochs=2, seed=1):
        pass
    assert high_water() - before < 100e6
