import json
import re

import numpy as np
import pytest
import scipy.io
from conftest import write_photo
from PIL import Image

from kerasal import data
from kerasal.data import folder
from kerasal.errors import InputError
from kerasal.training.run_folder import ENTRIES, RunFolder


def by_name(dataset):
    return {sample.name: sample for sample in dataset.samples}


def test_fixations_come_back_per_observer_as_written(photo_folder):
    samples = by_name(folder.load(photo_folder))
    rows = [line.split(",") for line in (photo_folder / "fixations/p4.csv").read_text().split()[1:]]
    assert len(samples["p4"].fixations) == 3
    for number, fixations in enumerate(samples["p4"].fixations):
        expected = [[float(x), float(y)] for x, y, observer in rows if observer == str(number)]
        np.testing.assert_array_equal(fixations, expected)


@pytest.mark.parametrize("name", ["Subject", "participant_id", "observer ID"])
def test_other_words_for_observers_are_known(photo_folder, name):
    put(photo_folder, "p0.csv", f"{name},trial,x,y\nb,1,10,20\na,1,30,5\nb,1,11,21\n")
    found = by_name(folder.load(photo_folder))["p0"].fixations
    assert [xy.tolist() for xy in found] == [[[10, 20], [11, 21]], [[30, 5]]]


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
    words = {"images": f"no folder {photo_folder}/images", "fixations": "neither maps/ nor fixations/"}[
        missing
    ]
    with pytest.raises(InputError, match=words):
        folder.load(photo_folder)


def test_two_images_of_one_stem_are_refused(photo_folder):
    write_photo(photo_folder / "images/p1.png", (60, 90))
    with pytest.raises(InputError, match="same stem"):
        folder.load(photo_folder)


def put(photo_folder, name, content):
    """Fixations of p0, an image of 60 rows and 90 columns, in a file of another kind."""
    (photo_folder / "fixations/p0.csv").unlink()
    path = photo_folder / "fixations" / name
    if isinstance(content, str):
        path.write_text(content)
    elif path.suffix == ".npy":
        np.save(path, content)
    elif path.suffix == ".mat":
        scipy.io.savemat(path, {"fixations": content})
    else:
        Image.fromarray(content).save(path)
    return path


def dots(background, mark, dtype="uint8", size=(60, 90)):
    array = np.full(size, background, dtype)
    for x, y in ((5, 3), (7, 40), (30, 11)):
        array[y, x] = mark
    return array


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("p0.png", dots(0, 1)),
        ("p0.png", dots(0, 255)),
        ("p0.png", dots(255, 0)),  # black dots on white
        ("p0.png", dots(0, 1, "uint16")),
        ("p0.png", dots(0, 65535, "uint16")),
        ("p0.png", dots(False, True, bool)),
        ("p0.png", np.stack([dots(0, 200), dots(0, 20), dots(0, 30)], 2)),  # red dots
        ("p0.png", np.stack([dots(0, 0), dots(0, 0), dots(0, 0), dots(0, 255)], 2)),  # on nothing
        ("p0.tif", dots(0.0, 1.0, "float32")),
        ("p0.tif", dots(-1, 1, "int32")),
        ("p0.npy", dots(False, True, bool)),
        ("p0.npy", dots(1, 0)),
        ("p0.npy", dots(0, 0.5, "float16")),
        ("p0.mat", dots(0, 7, "int16")),
    ],
)
def test_the_rarer_of_two_values_marks_fixations_whatever_the_type(photo_folder, name, array):
    put(photo_folder, name, array)
    found = by_name(folder.load(photo_folder))["p0"].all_fixations()
    assert sorted(map(tuple, found.tolist())) == [(5, 3), (7, 40), (30, 11)]


def test_an_empty_fixation_map_has_no_fixations(photo_folder):
    put(photo_folder, "p0.png", dots(0, 0))
    assert len(by_name(folder.load(photo_folder))["p0"].all_fixations()) == 0


def blob(size=(60, 90)):
    y, x = np.mgrid[: size[0], : size[1]]
    return np.exp(-((x - 40) ** 2 + (y - 30) ** 2) / 200)


def mask(share):
    array = np.zeros(60 * 90, "uint8")
    array[: int(share * array.size)] = 255
    return array.reshape(60, 90)


@pytest.mark.parametrize(
    ("name", "array", "words"),
    [
        ("p0.png", (255 * blob()).astype("uint8"), "density map"),
        ("p0.npy", blob(), "density map"),
        ("p0.mat", blob(), "density map"),
        ("p0.jpg", dots(0, 255), "JPEG"),
        ("p0.npy", dots(0, 1) * (1 + np.arange(90) // 10), "counts"),
        ("p0.png", mask(0.2), "mask"),
        ("p0.png", mask(0.06), "mask"),  # the bound is a twentieth
        ("p0.png", mask(0.9), "mask"),
        ("p0.png", dots(255, 255), "all of it is 255"),
        ("p0.npy", np.where(dots(0, 1) > 0, np.nan, 0), "not finite"),
        ("p0.png", dots(0, 1, size=(90, 60)), "60x90 and 90x60.*transposed it would fit"),
        ("p0.npy", dots(0, 1, size=(90, 60)), "60x90 and 90x60.*transposed it would fit"),
    ],
)
def test_what_is_no_fixation_map_is_refused_as_what_it_seems_to_be(photo_folder, name, array, words):
    put(photo_folder, name, array)
    with pytest.raises(InputError, match=rf"{name}.*{words}") as error:
        folder.load(photo_folder)
    assert "\n" not in str(error.value)


def test_a_share_of_fixated_pixels_up_to_the_bound_is_taken(photo_folder):
    put(photo_folder, "p0.png", mask(0.05))
    assert len(by_name(folder.load(photo_folder))["p0"].all_fixations()) == 270


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x,y\n10,20\n30,5,40\n", "line 3 has 3 cells and the first 2.*30,5,40"),  # a decimal comma
        ("x,y,observer\n10,20,a\n\n30,5\n", "line 4 has 2 cells and the first 3"),
        ("10,20\n30,5,40\n", "line 2 has 3 cells"),
        ("0.1,250,300,1\n0.2,251,310,1\n", "4 columns: its first line must name them"),  # time first
        ("5\n6\n", "1 columns: its first line must name them"),
        ("x;y\n10;20\n", "columns x and y"),
        ("x\ty\n10\t20\n", "columns x and y"),
        ("x,y,x\n1,2,3\n", "columns x and y, once each"),
        ("x,y\n1,\n", "line 2: x and y must be numbers"),
        ("x,y\n10,5\n\n,5\n", "line 4: x and y must be numbers"),
        ("10,20\n3;5,7\n", "line 2: x and y must be numbers"),
        ("x,y,observer,subject id\n1,2,3,4\n", "columns observer and subject id: leave out one"),
    ],
)
def test_rows_that_do_not_fit_are_refused_with_their_line(photo_folder, content, message):
    put(photo_folder, "p0.csv", content)
    with pytest.raises(InputError, match=rf"p0\.csv.*{message}"):
        folder.load(photo_folder)


@pytest.mark.parametrize(
    "content",
    ["X , Y\n30, 5\n", "time,y,x\n0.1,5,30\n", "30,5\n", '"x","y"\r\n"30","5"\r\n\r\n', "\ufeffx,y\n30,5"],
)
def test_columns_are_found_by_their_names_in_any_order(photo_folder, content):
    put(photo_folder, "p0.csv", content)
    assert by_name(folder.load(photo_folder))["p0"].all_fixations().tolist() == [[30, 5]]


SHARES = np.array([[0.5, 0.25], [0.1, 0.9], [1.0, 1.0], [0.0, 0.0]])


@pytest.mark.parametrize("name", ["p0.csv", "p0.npy", "p0.mat"])
def test_coordinates_that_are_shares_are_refused_unless_they_are_said_to_be(photo_folder, name):
    for path in (photo_folder / "fixations").iterdir():
        path.unlink()
        np.save(path.with_suffix(".npy"), SHARES)
    if name != "p0.npy":
        (photo_folder / "fixations/p0.npy").unlink()
    content = "x,y\n" + "".join(f"{x},{y}\n" for x, y in SHARES) if name.endswith("csv") else SHARES
    (photo_folder / "fixations/p0.csv").touch()
    put(photo_folder, name, content)
    with pytest.raises(InputError, match=rf"{name} lie between 0 and 1.*90x60.*--normalized"):
        folder.load(photo_folder)
    sample = by_name(folder.load(photo_folder, normalized=True))["p0"]
    pixels = np.argwhere(sample.fixation_map())
    assert pixels.tolist() == [[0, 0], [15, 45], [54, 9], [59, 89]]  # rows, columns of 60x90


def test_a_run_that_was_trained_on_shares_loads_its_data_again(photo_folder, tmp_path):
    for path in (photo_folder / "fixations").iterdir():
        path.write_text("x,y\n" + "".join(f"{x},{y}\n" for x, y in SHARES))
    dataset = data.load(str(photo_folder), normalized=True)
    config = {"arguments": dataset.arguments, "fingerprint": "", "limit": None}
    ours = {name: kind() for name, kind in ENTRIES.items()} | {"schema": 1, "data": config}
    (tmp_path / "config.json").write_text(json.dumps(ours))
    again = data.load(**RunFolder(tmp_path).data_arguments())
    assert data.fingerprint(again.samples) == data.fingerprint(dataset.samples)


def test_shares_some_of_which_are_off_the_image_are_refused_too(photo_folder):
    shares = np.random.default_rng(0).uniform(0, 1, (30, 2))
    shares[3], shares[4] = (1.04, 0.5), (0.2, -0.3)
    put(photo_folder, "p0.npy", shares)
    with pytest.raises(InputError, match="--normalized"):
        folder.load(photo_folder)


def test_pixels_are_refused_where_shares_were_promised(photo_folder):
    with pytest.raises(InputError, match="leave out --normalized"):
        folder.load(photo_folder, normalized=True)


def test_one_fixation_in_the_first_pixel_among_others_is_taken(photo_folder):
    put(photo_folder, "p0.csv", "x,y\n0.5,0.5\n30,5\n")
    assert len(by_name(folder.load(photo_folder))["p0"].all_fixations()) == 2


def test_a_map_of_the_transposed_size_is_refused_with_both_sizes(photo_folder):
    (photo_folder / "maps").mkdir()
    for image in (photo_folder / "images").iterdir():
        rows, columns = np.array(Image.open(image)).shape[:2]
        turned = image.stem == "p4"
        np.save(
            photo_folder / f"maps/{image.stem}.npy",
            np.eye(rows, columns).T if turned else np.eye(rows, columns),
        )
    with pytest.raises(InputError, match=r"p4\.npy.*60x90 and 90x60.*transposed it would fit"):
        folder.load(photo_folder)


def test_images_in_folders_have_their_own_maps_and_fixations(tmp_path):
    for number, name in enumerate(("Action/001", "Art/001", "Art/002", "é")):
        write_photo(tmp_path / f"images/{name}.jpg", (60, 90), seed=number)
        for place in ("maps", "fixations"):
            (tmp_path / place / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(tmp_path / f"maps/{name}.npy", np.eye(60, 90, number))
        np.save(tmp_path / f"fixations/{name}.npy", np.array([[number + 2.0, 5]]))
    (tmp_path / "fixations/é.npy").rename(tmp_path / "fixations/e\u0301.npy")
    samples = by_name(folder.load(tmp_path))
    assert sorted(samples) == ["Action/001", "Art/001", "Art/002", "é"]
    for number, sample in enumerate(samples[name] for name in sorted(samples)):
        np.testing.assert_array_equal(sample.density(), np.eye(60, 90, number))
        assert sample.all_fixations().tolist() == [[number + 2, 5]]
    (tmp_path / "maps/Action/001.npy").rename(tmp_path / "maps/001.npy")
    with pytest.raises(InputError, match=r"001\.npy could belong to Action/001, Art/001"):
        folder.load(tmp_path)


def test_every_readable_image_is_read_and_other_files_are_named_and_counted(tmp_path):
    suffixes = ("jfif", "jpe", "avif", "ppm", "webp", "dib", "jp2", "PGM")
    for number, suffix in enumerate(suffixes):
        write_photo(tmp_path / f"images/{suffix}.png", (60, 90), seed=number)
        kind = {"jfif": "jpeg", "jpe": "jpeg", "dib": "bmp", "jp2": "jpeg2000", "PGM": "ppm"}.get(
            suffix, suffix
        )
        with Image.open(tmp_path / f"images/{suffix}.png") as image:
            image.save(tmp_path / f"images/{suffix}.{suffix}", kind)
        (tmp_path / f"images/{suffix}.png").unlink()
        (tmp_path / "fixations").mkdir(exist_ok=True)
        (tmp_path / f"fixations/{suffix}.csv").write_text("x,y\n30,5\n")
    (tmp_path / "images/phone.heic").write_bytes(b"ftypheic")
    (tmp_path / "images/notes.txt").touch()
    (tmp_path / "fixations/list.xlsx").touch()
    dataset = folder.load(tmp_path)
    assert sorted(by_name(dataset)) == sorted(suffixes)
    assert [
        note for note in dataset.notes if "2 files in images/" in note and "notes.txt, phone.heic" in note
    ]
    assert [note for note in dataset.notes if "1 file in fixations/" in note and "list.xlsx" in note]


def test_a_photograph_that_was_turned_is_seen_and_fixated_upright(photo_folder):
    stored = np.zeros((60, 90, 3), "uint8")
    stored[:30] = 255  # the upper half is bright; after a quarter turn clockwise the right half
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(stored).save(photo_folder / "images/p0.jpg", exif=exif)
    (photo_folder / "fixations/p0.csv").write_text("x,y\n59,89\n")  # the last pixel of the turned image
    sample = by_name(folder.load(photo_folder))["p0"]
    assert sample.size == (90, 60)
    assert np.argwhere(sample.fixation_map()).tolist() == [[89, 59]]
    shown = sample.read_stimulus()
    assert shown[:, :25].max() < 20
    assert shown[:, 35:].min() > 235
