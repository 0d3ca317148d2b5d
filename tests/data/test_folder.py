import re

import numpy as np
import pytest
import scipy.io
from conftest import write_photo
from PIL import Image

from kerasal.data import folder
from kerasal.errors import InputError


def by_name(dataset):
    return {sample.name: sample for sample in dataset.samples}


def test_fixations_come_back_per_observer_as_written(photo_folder):
    samples = by_name(folder.load(photo_folder))
    rows = [line.split(",") for line in (photo_folder / "fixations/p4.csv").read_text().split()[1:]]
    assert len(samples["p4"].fixations) == 3
    for number, fixations in enumerate(samples["p4"].fixations):
        expected = [[float(x), float(y)] for x, y, observer in rows if observer == str(number)]
        np.testing.assert_array_equal(fixations, expected)


def test_split_is_complete_disjoint_and_the_same_each_time(photo_folder):
    first, second = folder.load(photo_folder), folder.load(photo_folder)
    names = {split: [sample.name for sample in samples] for split, samples in first.splits.items()}
    assert names == {split: [sample.name for sample in samples] for split, samples in second.splits.items()}
    assert sorted(name for split in names.values() for name in split) == [f"p{number}" for number in range(9)]
    assert [len(names[split]) for split in ("train", "validation", "test")] == [6, 1, 2]


@pytest.mark.parametrize("kind", ["mat list", "mat map", "npy list", "npy map", "png map", "csv bare"])
def test_every_form_of_fixation_file_gives_the_same_fixations(photo_folder, kind):
    pixels = np.array([[3, 5], [40, 7], [11, 30]])  # x, y, of an image of 60 rows and 90 columns
    binary = np.zeros((60, 90), np.uint8)
    binary[pixels[:, 1], pixels[:, 0]] = 1
    (photo_folder / "fixations/p0.csv").unlink()
    path = photo_folder / "fixations/p0"
    if kind == "mat list":
        scipy.io.savemat(path.with_suffix(".mat"), {"xy": pixels.astype(float)})
    elif kind == "mat map":
        scipy.io.savemat(path.with_suffix(".mat"), {"fixLocs": binary})
    elif kind == "npy list":
        np.save(path.with_suffix(".npy"), pixels)
    elif kind == "npy map":
        np.save(path.with_suffix(".npy"), binary.astype(bool))
    elif kind == "png map":
        Image.fromarray(binary * 255).save(path.with_suffix(".png"))
    else:
        path.with_suffix(".csv").write_text("".join(f"{x},{y}\n" for x, y in pixels))
    found = by_name(folder.load(photo_folder))["p0"].all_fixations()
    assert sorted(map(tuple, found.astype(int).tolist())) == sorted(map(tuple, pixels.tolist()))


def test_given_maps_are_the_density_scaled_to_a_peak_of_one(photo_folder):
    (photo_folder / "maps").mkdir()
    for image in (photo_folder / "images").iterdir():
        rows, columns = np.array(Image.open(image)).shape[:2]
        y, x = np.mgrid[:rows, :columns]
        np.save(
            photo_folder / "maps" / f"{image.stem}.npy", 3.0 * np.exp(-((x - 20) ** 2 + (y - 30) ** 2) / 50)
        )
    sample = by_name(folder.load(photo_folder))["p1"]
    y, x = np.mgrid[:80, :50]
    np.testing.assert_allclose(sample.density(), np.exp(-((x - 20) ** 2 + (y - 30) ** 2) / 50), rtol=1e-6)


def test_maps_alone_are_a_dataset_without_fixations(photo_folder):
    (photo_folder / "fixations").rename(photo_folder / "maps")
    for path in (photo_folder / "maps").iterdir():
        number = int(path.stem[1:])
        path.unlink()
        Image.fromarray(np.full(((60, 80)[number % 2], (90, 50)[number % 2]), 9, np.uint8)).save(
            path.with_suffix(".png")
        )
    dataset = folder.load(photo_folder)
    assert not dataset.has_fixations
    assert len(dataset.samples) == 9


def test_sigma_is_taken_in_pixels_or_from_pixels_per_degree(photo_folder):
    assert {sample.sigma for sample in folder.load(photo_folder, sigma=5.0).samples} == {5.0}
    assert {sample.sigma for sample in folder.load(photo_folder, pixels_per_degree=7.0).samples} == {7.0}
    assert by_name(folder.load(photo_folder))["p0"].sigma == pytest.approx(0.03 * 90)


def test_an_image_without_fixations_and_fixations_without_image_are_counted_and_named(photo_folder):
    (photo_folder / "fixations/p3.csv").unlink()
    (photo_folder / "images/p5.jpg").unlink()
    dataset = folder.load(photo_folder)
    assert sorted(by_name(dataset)) == ["p0", "p1", "p2", "p4", "p6", "p7", "p8"]
    assert any(re.search(r"1 image without .*: p3", note) for note in dataset.notes)
    assert any(re.search(r"1 fixation file without .*: p5", note) for note in dataset.notes)


def test_fixations_outside_their_image_are_dropped_counted_and_named(photo_folder):
    with open(photo_folder / "fixations/p2.csv", "a") as file:
        file.write("90,10,0\n10,-1,1\n89.99,59.99,1\n")  # the image has 60 rows and 90 columns
    dataset = folder.load(photo_folder)
    assert len(by_name(dataset)["p2"].all_fixations()) == 16
    assert any(re.search(r"2 fixations outside .*: p2", note) for note in dataset.notes)


def test_truncated_image_stops_loading_by_name(photo_folder):
    path = photo_folder / "images/p6.jpg"
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match=r"p6\.jpg"):
        folder.load(photo_folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [("x,y\n1,two\n", "must be numbers"), ("a,b\n1,2\n", "columns x and y"), ("x,y\n5\n", "must be numbers")],
)
def test_malformed_csv_is_refused_by_name(photo_folder, content, message):
    (photo_folder / "fixations/p1.csv").write_text(content)
    with pytest.raises(InputError, match=rf"p1\.csv.*{message}"):
        folder.load(photo_folder)


def test_damaged_mat_file_is_refused_by_name(photo_folder):
    (photo_folder / "fixations/p1.csv").unlink()
    (photo_folder / "fixations/p1.mat").write_bytes(b"MATLAB 5.0 MAT-file, cut off")
    with pytest.raises(InputError, match=r"p1\.mat"):
        folder.load(photo_folder)


def test_map_of_another_size_than_its_image_is_refused(photo_folder):
    (photo_folder / "maps").mkdir()
    for image in (photo_folder / "images").iterdir():
        np.save(photo_folder / "maps" / f"{image.stem}.npy", np.ones((10, 10)))
    with pytest.raises(InputError, match="another size than its image"):
        folder.load(photo_folder)


@pytest.mark.parametrize("missing", ["images", "fixations"])
def test_missing_folders_are_refused(photo_folder, missing):
    for path in (photo_folder / missing).iterdir():
        path.unlink()
    (photo_folder / missing).rmdir()
    with pytest.raises(InputError, match=str(photo_folder)):
        folder.load(photo_folder)


def test_two_images_of_one_stem_are_refused(photo_folder):
    write_photo(photo_folder / "images/p1.png", (60, 90))
    with pytest.raises(InputError, match="same stem"):
        folder.load(photo_folder)
