import numpy as np
import pytest
import scipy.io
from conftest import write_photo

from kerasal.data import load
from kerasal.errors import InputError


def cell(values):
    """A MATLAB cell array of these values, as a column."""
    array = np.empty((len(values), 1), object)
    array[:, 0] = values
    return array


@pytest.fixture
def miniature(tmp_path):
    """Three stimuli and two observers in the official layout, with a uint8 axis and a point off the image."""

    def subject(x, y, duration, kind="float64"):
        return {
            "fix_x": np.array([x]),
            "fix_y": np.array([y], kind),
            "fix_duration": np.array([duration]),
        }

    points = {
        name: [
            subject([10.5, 799.2], [20.0, 30.0], [200, 90]),
            subject([400.0], [255], [110], kind="uint8"),
        ]
        for name in ("1001.jpg", "1002.jpg", "1003.jpg")
    }
    points["1002.jpg"][0]["fix_x"] = np.array([[10.5, 800.0]])
    (tmp_path / "eye").mkdir()
    records = [{"img": name, "subjects": cell(subjects)} for name, subjects in points.items()]
    scipy.io.savemat(tmp_path / "eye/fixations.mat", {"fixations": cell(records)})
    for name in points:
        write_photo(tmp_path / "stimuli" / name, (600, 800))
    return tmp_path


def test_miniature_comes_back_as_written(miniature):
    samples = load("osie", miniature)["train"]
    assert [sample.name for sample in samples] == ["1001", "1002", "1003"]
    np.testing.assert_array_equal(samples[0].fixations[0], [[10.5, 20], [799.2, 30]])
    np.testing.assert_array_equal(samples[0].fixations[1], [[400, 255]])


def test_a_fixation_off_the_image_is_dropped_and_counted(miniature):
    dataset = load("osie", miniature)
    assert len(dataset["train"][1].all_fixations()) == 2
    assert dataset.notes == ["1 fixation outside the image or not finite dropped, in 1 image"]


def test_the_repositorys_own_layout_is_found_too(miniature):
    (miniature / "repository").mkdir()
    for name in ("eye", "stimuli"):
        (miniature / name).rename(miniature / "repository" / name)
    (miniature / "repository").rename(miniature / "data")
    assert len(load("osie", miniature).samples) == 3


def test_a_missing_stimulus_is_refused_by_name(miniature):
    (miniature / "stimuli/1002.jpg").unlink()
    with pytest.raises(InputError, match=r"1002\.jpg is missing"):
        load("osie", miniature)


@pytest.mark.parametrize("content", [b"", b"MATLAB 5.0 MAT-file"])
def test_damaged_fixations_are_refused_by_name(miniature, content):
    (miniature / "eye/fixations.mat").write_bytes(content)
    with pytest.raises(InputError, match=r"fixations\.mat"):
        load("osie", miniature)


def test_a_mat_file_of_another_dataset_is_refused(miniature):
    scipy.io.savemat(miniature / "eye/fixations.mat", {"white": np.ones((3, 4))})
    with pytest.raises(InputError, match=r"fixations\.mat"):
        load("osie", miniature)


def test_the_whole_dataset_has_its_published_counts(shared):
    # 98,321 fixations with mean x 401.466 and y 283.583: pysaliency's tests on the official download.
    dataset = load("osie", shared / "data/osie")
    assert {split: len(samples) for split, samples in dataset.splits.items()} == {
        "train": 500, "validation": 100, "test": 100,
    }  # fmt: skip
    assert (dataset["train"][0].name, dataset["test"][-1].name) == ("1001", "1700")
    assert {len(sample.fixations) for sample in dataset.samples} == {15}
    fixations = np.concatenate([sample.all_fixations() for sample in dataset.samples])
    assert len(fixations) == 98_321
    np.testing.assert_allclose(fixations.mean(axis=0), [401.466, 283.583], atol=5e-4)
    assert dataset.notes == []
