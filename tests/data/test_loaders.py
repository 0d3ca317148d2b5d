"""The loaders of published datasets, on miniatures in their official layouts."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from conftest import write_photo
from layouts import LAYOUTS, binary, cell

from kerasal import data
from kerasal.data import DATASETS, INFO, load
from kerasal.errors import InputError


@pytest.mark.parametrize("name", LAYOUTS)
def test_fixations_come_back_as_written(name, tmp_path):
    expected = LAYOUTS[name](tmp_path)
    dataset = load(name, tmp_path)
    assert sorted(sample.name for sample in dataset.samples) == sorted(expected)
    for sample in dataset.samples:
        observers = expected[sample.name]
        assert len(sample.fixations) == len(observers)
        for found, points in zip(sample.fixations, observers, strict=True):
            np.testing.assert_array_equal(found, np.array(points, float).reshape(-1, 2))


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_sample_can_be_read_and_knows_its_size(name, tmp_path):
    LAYOUTS[name](tmp_path)
    for sample in load(name, tmp_path).samples:
        stimulus = sample.read_stimulus()
        assert stimulus.shape == (*sample.size, 3)
        target = sample.target((24, 32))
        assert target[..., 0].max() == (1 if len(sample.all_fixations()) else 0)
        assert sample.sigma > 0


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_folder_without_the_layout_is_refused_with_what_it_needs(name, tmp_path):
    (tmp_path / "something").mkdir()
    with pytest.raises(InputError, match="it needs"):
        load(name, tmp_path)
    with pytest.raises(InputError, match=rf"kerasal data fetch {name}"):
        load(name, tmp_path / "nowhere")


def test_a_folder_that_may_not_be_read_beside_a_datasets_is_passed_over(tmp_path, monkeypatch):
    LAYOUTS["osie"](tmp_path / "osie")
    closed = tmp_path / "lost+found"
    closed.mkdir()
    # As where another user's folder lies there, which root, too, may read.
    access, stat = os.access, Path.stat

    def of_a_closed_folder(path, **options):
        if closed in path.parents:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, **options)

    monkeypatch.setattr(os, "access", lambda path, mode: path != closed and access(path, mode))
    monkeypatch.setattr(Path, "stat", of_a_closed_folder)
    assert len(load("osie", tmp_path).samples) == 4


def test_every_published_dataset_has_facts_and_a_miniature():
    assert set(INFO) == set(LAYOUTS) == set(DATASETS) - {"synthetic", "folder"}
    for name, info in INFO.items():
        assert info.name == name
        assert info.licence
        assert info.page.startswith("http")
        assert info.archives or info.by_hand


@pytest.mark.parametrize(("name", "where"), [("mit1003", "DATA"), ("cat2000", "Stimuli")])
def test_a_folder_that_was_put_aside_is_no_observer_and_no_category(name, where, tmp_path):
    LAYOUTS[name](tmp_path)
    names = [sample.name for sample in load(name, tmp_path).samples]
    for folder in ("_old", "__MACOSX", ".hidden"):
        (next(tmp_path.rglob(where)) / folder).mkdir()
    assert [sample.name for sample in load(name, tmp_path).samples] == names


def test_mit1003_names_its_observers(tmp_path):
    LAYOUTS["mit1003"](tmp_path)
    samples = {s.name: s for s in load("mit1003", tmp_path).samples}
    assert samples["i1"].observers == ("CNG", "zb")


def test_mit1003_counts_what_was_off_the_image(tmp_path):
    LAYOUTS["mit1003"](tmp_path)
    # By hand: (-50, -50) of the blink, (500, 20), and (-9, 5).
    assert load("mit1003", tmp_path).notes == [
        "3 fixations outside the image or not finite dropped, in 3 images"
    ]


def test_gaze_of_another_image_is_refused(tmp_path):
    LAYOUTS["mit1003"](tmp_path)
    folder = tmp_path / "DATA/zb"
    (folder / "i1.mat").write_bytes((folder / "synthetic3.mat").read_bytes())
    with pytest.raises(InputError, match=r"zb/i1\.mat is of the image synthetic3\.jpeg"):
        load("mit1003", tmp_path)


def test_mit1003_is_split_by_the_papers_numbers():
    samples = [data.Sample(f"i{number}", (4, 4), None, (), 1.0) for number in range(1003)]
    parts = data.splits.ranked_split(samples, 500 / 1003, 200 / 1003, "mit1003")
    assert {split: len(part) for split, part in parts.items()} == {
        "train": 500, "validation": 200, "test": 303,
    }  # fmt: skip
    # Which ones must never change: sha256sum of "mit1003/i0" and so on, sorted, by coreutils.
    assert [sample.name for sample in parts["validation"][:3]] == ["i0", "i2", "i7"]
    again = data.splits.ranked_split(samples[::-1], 500 / 1003, 200 / 1003, "mit1003")
    assert {s.name for s in again["train"]} == {s.name for s in parts["train"]}


def test_cat2000s_grey_border_is_cropped_and_fixations_move_with_it(tmp_path):
    LAYOUTS["cat2000"](tmp_path)
    samples = {sample.name: sample for sample in load("cat2000", tmp_path, crop_borders=True).samples}
    cropped = samples["Satelite/003"]
    assert cropped.size == (80, 96)  # of 108 x 192, padded by 16 above and 48 at the left
    assert cropped.read_stimulus().shape == (80, 96, 3)
    # (60, 50) is at (12, 34) now; (6, 5) and (190, 100) lay on the grey.
    np.testing.assert_array_equal(cropped.all_fixations(), [[12, 34]])
    assert samples["Action/001"].size == (108, 192)


def test_cropping_is_for_cat2000_alone(tmp_path):
    LAYOUTS["fiwi"](tmp_path)
    with pytest.raises(InputError, match="cat2000"):
        load("fiwi", tmp_path, crop_borders=True)


def test_a_fixation_map_of_another_size_is_refused(tmp_path):
    LAYOUTS["cat2000"](tmp_path)
    path = tmp_path / "trainSet/FIXATIONLOCS/Action/007.mat"
    scipy.io.savemat(path, {"fixLocs": binary((192, 108), [(3, 4)])})
    with pytest.raises(InputError, match=r"007\.mat has the size"):
        load("cat2000", tmp_path)


def test_salicons_official_validation_set_is_the_test_split(tmp_path):
    LAYOUTS["salicon-2017"](tmp_path)
    dataset = load("salicon-2017", tmp_path)
    assert [sample.name for sample in dataset["test"]] == ["COCO_val2014_000000000042"]
    assert len(dataset.samples) == 3


def test_scene_with_a_stimulus_missing_is_refused(tmp_path):
    # Its fixations belong to files by their order: with one missing, others would get wrong ones.
    LAYOUTS["scene"](tmp_path)
    (tmp_path / "stimuli/002.jpg").unlink()
    with pytest.raises(InputError, match=r"3 images.* holds 2"):
        load("scene", tmp_path)


def test_a_matlab_7_3_file_says_what_to_do(tmp_path):
    LAYOUTS["toronto"](tmp_path)
    header = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM"
    (tmp_path / "eyetrackingdata/fixdens/origfixdata.mat").write_bytes(header + b"\0" * 512)
    with pytest.raises(InputError, match="-v7"):
        load("toronto", tmp_path)


@pytest.mark.parametrize("contents", [{"white": np.ones((3, 4))}, {"black": cell([np.ones((3, 4))])}])
def test_a_mat_file_of_another_structure_is_refused_by_name(tmp_path, contents):
    LAYOUTS["toronto"](tmp_path)
    scipy.io.savemat(tmp_path / "eyetrackingdata/fixdens/origfixdata.mat", contents)
    with pytest.raises(InputError, match=r"origfixdata\.mat"):
        load("toronto", tmp_path)


def test_the_whole_of_scene_has_its_published_counts(shared):
    # 500 images, 43,894 fixations, 52 empty cells of 500 x 12: the dataset's own README.
    dataset = load("scene", shared / "data/scene")
    assert {split: len(samples) for split, samples in dataset.splits.items()} == {
        "train": 350, "validation": 50, "test": 100,
    }  # fmt: skip
    observers = [xy for sample in dataset.samples for xy in sample.fixations]
    assert len(observers) == 500 * 12
    assert sum(map(len, observers)) == 43_894
    assert sum(len(xy) == 0 for xy in observers) == 52
    assert dataset.notes == []


def test_an_image_of_another_kind_in_the_stimuli_is_left_alone(tmp_path):
    LAYOUTS["mit1003"](tmp_path)
    write_photo(tmp_path / "ALLSTIMULI/notes.png", (5, 5))
    assert len(load("mit1003", tmp_path).samples) == 3
