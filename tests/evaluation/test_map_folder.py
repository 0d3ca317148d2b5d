"""Maps of other programs: found by their names, resized, refused with a reason."""

import json
import shutil
import threading
from functools import partial

import numpy as np
import pytest
from conftest import write_photo, write_photo_folder
from PIL import Image
from scipy import stats

from kerasal import data, evaluation
from kerasal.data.images import map_size, read_map, same_aspect
from kerasal.data.splits import split_by_file
from kerasal.errors import InputError
from kerasal.evaluation import map_folder
from kerasal.metrics import resize_map


@pytest.fixture
def photos(photo_folder):
    return data.load(str(photo_folder))


def write_maps(folder, samples, shrunk=1, suffix=".npy"):
    """A random map for each sample, of a part of its sides; returns them by name."""
    folder.mkdir(parents=True)
    maps = {}
    for number, sample in enumerate(samples):
        size = [side // shrunk for side in sample.size]
        values = np.random.default_rng(number).integers(0, 256, size, dtype="uint8")
        maps[sample.name] = values
        path = folder / f"{sample.name}{suffix}"
        np.save(path, values / 7.0) if suffix == ".npy" else Image.fromarray(values).save(path)
    return maps


@pytest.mark.parametrize("suffix", [".npy", ".png"])
def test_each_map_is_scored_against_the_stimulus_of_its_stem(photos, tmp_path, suffix):
    maps = write_maps(tmp_path / "maps", photos["test"], suffix=suffix)
    result = evaluation.evaluate([evaluation.MapFolder(tmp_path / "maps")], photos, metrics=["cc"])
    [scores] = result.scores.values()
    for sample, value in zip(photos["test"], scores.values["cc"], strict=True):
        density = sample.density(dtype="float64")
        expected = stats.pearsonr(maps[sample.name].ravel().astype(float), density.ravel())[0]
        assert value == pytest.approx(expected, rel=1e-9)


def test_a_map_of_another_size_is_resized_as_the_benchmark_does_and_stays_positive(photos, tmp_path):
    maps = write_maps(tmp_path / "maps", photos["test"], shrunk=7, suffix=".png")
    jobs = evaluation.MapFolder(tmp_path / "maps").jobs(photos, photos["test"])
    for job, sample in zip(jobs, photos["test"], strict=True):
        [(saliency_map, scored)] = job()
        assert scored is sample
        bicubic = resize_map(maps[sample.name].astype(float), sample.size)
        assert bicubic.min() < 0  # a case where it matters
        np.testing.assert_allclose(saliency_map, np.maximum(bicubic, 0), rtol=1e-12)


def test_stimuli_without_a_map_are_counted_and_named(photos, tmp_path):
    write_maps(tmp_path / "maps", photos["test"][1:])
    with pytest.raises(
        InputError, match=rf"no map for 1 of {len(photos['test'])} .*{photos['test'][0].name}"
    ):
        evaluation.evaluate([evaluation.MapFolder(tmp_path / "maps")], photos)


def test_maps_without_a_stimulus_are_noted_and_left_out(photos, tmp_path):
    write_maps(tmp_path / "maps", [*photos["test"], photos["train"][0]])
    result = evaluation.evaluate([evaluation.MapFolder(tmp_path / "maps")], photos, metrics=["nss"])
    assert [
        note for note in result.notes if "1 file of no stimulus" in note and photos["train"][0].name in note
    ]


def test_every_map_that_cannot_be_read_is_named_before_anything_is_scored(photos, tmp_path):
    write_maps(tmp_path / "maps", photos["test"], suffix=".png")
    bad = [tmp_path / "maps" / f"{sample.name}.png" for sample in photos["test"]]
    bad[0].write_bytes(bad[0].read_bytes()[:80])
    bad[1].write_text("no image")
    with pytest.raises(InputError, match=rf"{bad[0].name}.*; .*{bad[1].name}"):
        evaluation.evaluate([evaluation.MapFolder(tmp_path / "maps")], photos)


@pytest.fixture
def two_by_two(monkeypatch):
    """Maps are read by two threads, each of which waits for the other; gives who read which path."""
    read, meet = [], threading.Barrier(2)

    def together(reader, path):
        read.append((reader.__name__, path))
        meet.wait(20)
        return reader(path)

    monkeypatch.setattr("kerasal._threads.available_cores", lambda: 2)
    for reader in (map_size, read_map):
        monkeypatch.setattr(map_folder, reader.__name__, partial(together, reader))
    return read


def test_maps_are_checked_by_all_cores_before_they_are_scored(photos, tmp_path, two_by_two):
    samples = photos.samples[:8]
    write_maps(tmp_path / "maps", samples, suffix=".png")
    paths = [tmp_path / "maps" / f"{sample.name}.png" for sample in samples]
    evaluation.MapFolder(tmp_path / "maps").jobs(photos, samples)
    assert sorted(two_by_two) == [("map_size", path) for path in sorted(paths)]
    for path in paths[1:]:
        path.write_text("no image")
    with pytest.raises(InputError) as error:
        evaluation.MapFolder(tmp_path / "maps").jobs(photos, samples)
    named = [part.split(": ")[0] for part in str(error.value).split("; ")]
    assert named[:5] == [f"cannot read image {path}" for path in paths[1:6]]
    assert named[5:] == ["and 2 more"]


def test_a_check_reads_each_map_once(photos, tmp_path, two_by_two):
    samples = photos.samples[:8]
    write_maps(tmp_path / "maps", samples)
    evaluation.check_maps(tmp_path / "maps", photos)
    paths = sorted(tmp_path / "maps" / f"{sample.name}.npy" for sample in samples)
    assert sorted(two_by_two) == [("read_map", path) for path in paths]


@pytest.mark.parametrize("suffix", [".png", ".npy"])
def test_a_map_is_unpacked_once_to_be_scored(photos, tmp_path, monkeypatch, suffix):
    read = []
    monkeypatch.setattr(map_folder, "read_map", lambda path: read.append(path) or read_map(path))
    write_maps(tmp_path / "maps", photos["test"], suffix=suffix)
    evaluation.evaluate([evaluation.MapFolder(tmp_path / "maps")], photos, metrics=["cc"], processes=1)
    assert read == [tmp_path / "maps" / f"{sample.name}{suffix}" for sample in photos["test"]]


@pytest.mark.parametrize("value", [np.nan, -1.0])
def test_a_map_with_values_that_no_map_has_is_refused(photos, tmp_path, value):
    write_maps(tmp_path / "maps", photos["test"])
    path = tmp_path / "maps" / f"{photos['test'][0].name}.npy"
    values = np.load(path)
    values[3, 4] = value
    np.save(path, values)
    with pytest.raises(InputError, match=f"{path.name} has negative or non-finite values"):
        evaluation.evaluate([evaluation.MapFolder(tmp_path / "maps")], photos)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_map_that_cannot_be_scored_is_named_with_its_system(photos, tmp_path, processes):
    for name in ("good", "bad"):
        write_maps(tmp_path / name, photos["test"])
    last = photos["test"][-1]
    np.save(tmp_path / "bad" / f"{last.name}.npy", np.full(last.size, 1e307))
    systems = [evaluation.MapFolder(tmp_path / name) for name in ("good", "bad")]
    with pytest.raises(InputError, match=rf"bad: cannot score the map of {last.name}: .* sum within float64"):
        evaluation.evaluate(systems, photos, metrics=["nss"], processes=processes)


def categories(folder):
    """A dataset of two categories whose stimuli have the same numbers, as CAT2000's."""
    for number, name in enumerate(
        f"{category}/{n:03}" for category in ("Action", "Art") for n in range(1, 5)
    ):
        write_photo(folder / f"images/{name}.png", (20, 30), seed=number)
        (folder / "fixations" / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(
            folder / f"fixations/{name}.npy", np.array([[number + 1.0, 3], [20 - number, 15], [7, number]])
        )
    return data.load(str(folder))


def test_maps_in_folders_as_the_stimuli_are_scored_against_their_own(tmp_path):
    dataset = categories(tmp_path / "data")
    for sample in dataset.samples:
        path = tmp_path / "maps" / f"{sample.name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, sample.density(dtype="float64") ** 2)
    result = evaluation.evaluate([evaluation.MapFolder(tmp_path / "maps")], dataset, "all", metrics=["cc"])
    [scores] = result.scores.values()
    for sample, value in zip(dataset.samples, scores.values["cc"], strict=True):
        density = sample.density(dtype="float64").ravel()
        assert value == pytest.approx(stats.pearsonr(density**2, density)[0], rel=1e-9)
    [note] = result.notes
    assert "8 maps" in note
    assert "none of them resized" in note


@pytest.mark.parametrize("limit", [None, 1])
def test_one_categorys_maps_laid_flat_are_nobodys(tmp_path, limit):
    dataset = categories(tmp_path / "data")
    (tmp_path / "maps").mkdir()
    for number in range(1, 5):
        np.save(tmp_path / f"maps/{number:03}.npy", np.eye(20, 30))
    with pytest.raises(InputError, match=r"001\.npy could belong to Action/001, Art/001"):
        evaluation.evaluate(
            [evaluation.MapFolder(tmp_path / "maps")], dataset.limited(limit) if limit else dataset, "all"
        )


def test_a_map_of_a_sample_that_preparing_left_out_is_nobodys(tmp_path):
    dataset = categories(tmp_path / "data")
    kept = [sample.name for sample in dataset.samples if sample.name.startswith("Action")]
    (tmp_path / "split.json").write_text(json.dumps({"train": kept[1:], "test": kept[:1]}))
    some = split_by_file(dataset, tmp_path / "split.json")
    made = data.prepare(some, tmp_path / "prepared")
    assert set(made.left_out) == {sample.name for sample in dataset.samples} - set(kept)
    (tmp_path / "maps").mkdir()
    np.save(tmp_path / "maps" / f"{kept[0].removeprefix('Action/')}.npy", np.eye(20, 30))
    for found in (some, made, data.load(str(tmp_path / "prepared"))):
        with pytest.raises(InputError, match=r"could belong to Action/\d+, Art/\d+"):
            evaluation.evaluate([evaluation.MapFolder(tmp_path / "maps")], found, metrics=["cc"])


def test_one_set_of_maps_does_not_serve_two_sets_of_a_mixture(tmp_path):
    for name in ("one", "two"):
        write_photo_folder(tmp_path / name)
    mixed = data.load(f"{tmp_path / 'one'}+{tmp_path / 'two'}")
    write_maps(tmp_path / "flat", mixed.parts[0]["test"])
    maps = evaluation.MapFolder(tmp_path / "flat")
    with pytest.raises(InputError, match=r"could belong to one/p\d, two/p\d"):
        evaluation.evaluate([maps], mixed, metrics=["cc"])
    for part in mixed.parts:
        write_maps(tmp_path / "nested" / part.name, part["test"])
    maps = evaluation.MapFolder(tmp_path / "nested")
    both = evaluation.evaluate([maps], mixed, metrics=["cc"])
    for part in mixed.parts:
        alone = evaluation.evaluate(
            [evaluation.MapFolder(tmp_path / "nested" / part.name)], part, metrics=["cc"]
        )
        [scores], [in_mixture] = alone.scores.values(), both.sets[part.name].scores.values()
        np.testing.assert_array_equal(scores.values["cc"], in_mixture.values["cc"])


def test_a_transposed_map_is_refused_with_both_sizes(photos, tmp_path):
    write_maps(tmp_path / "maps", photos["test"])
    first = photos["test"][0]
    path = tmp_path / "maps" / f"{first.name}.npy"
    np.save(path, np.load(path).T)
    rows, columns = first.size
    words = rf"{path.name} has another aspect.*{rows}x{columns} and {columns}x{rows}.*transposed it would fit"
    with pytest.raises(InputError, match=words):
        evaluation.evaluate([evaluation.MapFolder(tmp_path / "maps")], photos, metrics=["nss"])


@pytest.mark.parametrize(
    ("found", "size", "fits"),
    [
        ((600, 800), (600, 800), True),
        ((300, 400), (600, 800), True),
        ((608, 800), (600, 800), True),  # rounded up to whole strides of 32
        ((19, 25), (600, 800), True),  # 18.75, rounded
        ((1, 1), (600, 800), False),  # a placeholder, no map
        ((1, 1), (1, 1), True),
        ((2, 3), (600, 800), True),
        ((768, 1366), (768, 1360), True),
        ((615, 800), (600, 800), False),
        ((256, 256), (600, 800), False),
        ((800, 600), (600, 800), False),
        ((197, 250), (250, 197), False),
        ((20, 25), (600, 800), False),
    ],
)
def test_an_aspect_fits_up_to_a_pixels_rounding_and_a_fiftieth(found, size, fits):
    assert same_aspect(found, size) is fits


def test_the_note_says_once_how_maps_were_matched_and_what_was_resized(photos, tmp_path):
    write_maps(tmp_path / "maps", photos["test"], shrunk=2)
    result = evaluation.evaluate([evaluation.MapFolder(tmp_path / "maps")], photos, metrics=["cc"])
    [note] = result.notes
    (rows, columns), name = photos["test"][0].size, photos["test"][0].name
    assert f"{len(photos['test'])} maps of {tmp_path / 'maps'}" in note
    assert f"{name}.npy with {name}; {len(photos['test'])} of them resized" in note
    assert f"{name} from {columns // 2}x{rows // 2} to {columns}x{rows}" in note


def test_a_folder_of_maps_is_checked_before_anything_is_scored(photos, tmp_path):
    samples = photos["test"]
    write_maps(tmp_path / "maps", samples, shrunk=2)
    report = evaluation.check_maps(tmp_path / "maps", photos)
    facts = dict(report.facts)
    assert (report.troubles, report.notes) == ([], [])
    assert facts["maps of test"] == f"{len(samples)} of {len(samples)} stimuli have one"
    assert facts["maps of train"].startswith("0 of ")
    assert f"{samples[0].name}.npy with {samples[0].name}" in facts["would be scored"]
    assert "resized" in facts


def test_maps_in_any_order_of_memory_are_checked(photos, tmp_path):
    write_maps(tmp_path / "maps", photos["test"])
    for path in (tmp_path / "maps").iterdir():
        np.save(path, np.asfortranarray(np.load(path)))
    assert evaluation.check_maps(tmp_path / "maps", photos).troubles == []


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path, sample: path.unlink(), "no map for 1 of 2 stimuli of the test split: {name}"),
        (lambda path, sample: np.save(path, np.zeros(sample.size)), "0 everywhere"),
        (lambda path, sample: np.save(path, np.eye(*sample.size)), "two values"),
        (lambda path, sample: np.save(path, np.random.default_rng(0).random(sample.size).T), "transposed"),
        (lambda path, sample: path.write_bytes(b"x"), "cannot read"),
        (lambda path, sample: shutil.copytree(path.parent, path.parent / "photos"), "has two files"),
    ],
)
def test_what_is_wrong_with_maps_is_found_by_the_check(photos, tmp_path, spoil, words):
    write_maps(tmp_path / "maps", photos["test"])
    first = photos["test"][0]
    spoil(tmp_path / "maps" / f"{first.name}.npy", first)
    report = evaluation.check_maps(tmp_path / "maps", photos)
    assert [what for _, what in report.troubles if words.format(name=first.name) in what]


def test_maps_of_two_stimuli_that_are_one_are_found_and_the_same_one_for_all_is_noted(photos, tmp_path):
    same = [sample for sample in photos.samples if sample.size == photos["test"][0].size]
    (tmp_path / "maps").mkdir()
    for sample in same:
        np.save(tmp_path / f"maps/{sample.name}.npy", np.random.default_rng(0).random(sample.size))
    report = evaluation.check_maps(tmp_path / "maps", photos)
    assert [note for note in report.notes if "one and the same" in note]
    np.save(tmp_path / f"maps/{same[0].name}.npy", np.random.default_rng(1).random(same[0].size))
    report = evaluation.check_maps(tmp_path / "maps", photos)
    assert len([what for _, what in report.troubles if "same map as" in what]) == len(same) - 2


def test_two_maps_of_one_stem_are_refused(photos, tmp_path):
    write_maps(tmp_path / "maps", photos["test"])
    Image.new("L", (5, 5)).save(tmp_path / "maps" / f"{photos['test'][0].name}.png")
    with pytest.raises(InputError, match="two maps"):
        evaluation.MapFolder(tmp_path / "maps")


def test_a_folder_that_is_missing_or_empty_is_refused(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        evaluation.MapFolder(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"no files .*\.npy"):
        evaluation.MapFolder(tmp_path)
