"""Maps of other programs: found by their names, resized, refused with a reason."""

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from kerasal import data, evaluation
from kerasal.errors import InputError
from kerasal.metrics import resize_map


@pytest.fixture
def photos(photo_folder):
    return data.load(str(photo_folder))


def write_maps(folder, samples, size=None, suffix=".npy"):
    """A random map for each sample; returns them by name."""
    folder.mkdir()
    maps = {}
    for number, sample in enumerate(samples):
        values = np.random.default_rng(number).integers(0, 256, size or sample.size, dtype="uint8")
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
    maps = write_maps(tmp_path / "maps", photos["test"], size=(7, 9), suffix=".png")
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
    assert [note for note in result.notes if "1 of the files" in note and photos["train"][0].name in note]


def test_every_map_that_cannot_be_read_is_named_before_anything_is_scored(photos, tmp_path):
    write_maps(tmp_path / "maps", photos["test"], suffix=".png")
    bad = [tmp_path / "maps" / f"{sample.name}.png" for sample in photos["test"]]
    bad[0].write_bytes(bad[0].read_bytes()[:80])
    bad[1].write_text("no image")
    with pytest.raises(InputError, match=rf"{bad[0].name}.*; .*{bad[1].name}"):
        evaluation.evaluate([evaluation.MapFolder(tmp_path / "maps")], photos)


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
