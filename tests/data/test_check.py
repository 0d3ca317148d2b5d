"""`check` finds every damaged file and none of the good ones."""

import hashlib
import re
import shutil

import numpy as np
import pytest
import scipy.io
from conftest import write_photo
from layouts import LAYOUTS, binary, cell
from PIL import Image
from scipy.ndimage import binary_dilation

from kerasal.data import load, prepare
from kerasal.data.check import check, statistics
from kerasal.errors import InputError


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A miniature of every published dataset, and two folders of one's own: name -> (dataset, folder)."""
    root = tmp_path_factory.mktemp("good")
    made = {}
    for name, write in LAYOUTS.items():
        (root / name).mkdir()
        write(root / name)
        made[name] = (name, root / name)
    for kind in ("csv", "maps"):
        folder = root / kind
        random = np.random.default_rng(0)
        for number, size in enumerate([(60, 90), (80, 50), (64, 70), (66, 71)]):
            suffix = ".png" if number % 2 else ".jpg"
            write_photo(folder / "images" / f"p{number}{suffix}", size, seed=number)
            points = random.uniform(0, 1, (40, 2)) * size[::-1]
            (folder / "fixations").mkdir(exist_ok=True)
            lines = ["x,y", *(f"{x:.2f},{y:.2f}" for x, y in points)]
            (folder / "fixations" / f"p{number}.csv").write_text("\n".join(lines))
            if kind == "maps":
                write_photo(folder / "maps" / f"p{number}.png", size, seed=90 + number, mode="L")
        made[kind] = ("folder", folder)
    return made


def files_of(folder):
    """The files that a dataset needs, without the rubbish and the extras that loaders skip."""
    skipped = ("Thumbs.db", "CalibrationData.mat")
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and path.name not in skipped and not {"Output", "test"} & set(path.parts)
    )


def test_nothing_is_wrong_with_good_datasets(good):
    for name, folder in good.values():
        report = check(name, folder)
        assert report.troubles == [], name
        assert report.dataset.samples


def truncate(path, others):
    path.write_bytes(path.read_bytes()[: max(1, int(0.6 * path.stat().st_size))])


def empty(path, others):
    path.write_bytes(b"")


def zero_out(path, others):
    path.write_bytes(bytes(path.stat().st_size))


def zero_tail(path, others):
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] + bytes(len(data) - len(data) // 2))


def text(path, others):
    path.write_bytes(b"<html><body>404 not found</body></html>")


def another_type(path, others):
    if path.suffix.lower() in (".jpg", ".jpeg"):
        Image.open(path).save(path, format="PNG")
    elif path.suffix == ".png":
        Image.open(path).convert("L").save(path, format="JPEG")
    elif path.suffix == ".csv":
        scipy.io.savemat(str(path), {"x": 1.0}, appendmat=False)
    else:
        path.write_text("x,y\n1,2\n")


def swap(path, others):
    """The contents of two files exchanged, of the next one of the same kind."""
    other = others[(others.index(path) + 1) % len(others)]
    mine, theirs = path.read_bytes(), other.read_bytes()
    path.write_bytes(theirs)
    other.write_bytes(mine)


def remove(path, others):
    path.unlink()


DAMAGES = (truncate, empty, zero_out, zero_tail, text, another_type, remove)


def variants(good):
    """(key, file, damage) for every damage that a file's kind can show."""
    for key, (_, folder) in good.items():
        for path in files_of(folder):
            for damage in DAMAGES:
                # Half a CSV of fixations is a shorter CSV. A stimulus that is removed from a dataset
                # without an index is one stimulus less.
                if path.suffix == ".csv" and damage in (truncate, zero_tail):
                    continue
                if damage is remove and key in ("cat2000", "fiwi") and "timuli" in path.parent.as_posix():
                    continue
                if damage is remove and key.startswith("salicon") and path.suffix == ".jpg":
                    continue
                # A map without a fixation is black as a JPEG, too.
                if damage is another_type and path.suffix == ".png" and not np.any(Image.open(path)):
                    continue
                yield key, path.relative_to(folder), damage


@pytest.mark.ci
def test_two_hundred_damaged_variants_are_all_found(good, tmp_path):
    every = list(variants(good))
    order = np.random.default_rng(0).permutation(len(every))[:200]
    assert len(order) == 200
    assert {every[i][2] for i in order} == set(DAMAGES)
    assert {every[i][0] for i in order} == set(good)
    missed = []
    for number, i in enumerate(order):
        key, path, damage = every[i]
        name, folder = good[key]
        copy = tmp_path / f"copy-{number}"  # no stem of a file, such as 3.jpg
        shutil.copytree(folder, copy)
        others = [p for p in files_of(copy) if p.suffix == path.suffix and p.parent == (copy / path).parent]
        damage(copy / path, others)
        report = check(name, copy)
        blamed = {p.stem for p, _ in report.troubles}
        if not report.troubles or not ({path.stem} & blamed or copy.name in blamed):
            missed.append((key, str(path), damage.__name__, report.troubles))
        shutil.rmtree(copy)
    assert missed == []


@pytest.mark.parametrize(
    ("key", "file", "found"),
    [
        ("csv", "images/p0.jpg", "fixations outside"),
        ("maps", "maps/p1.png", "another size"),
        ("mit1003", "DATA/zb/i1.mat", "is of the image"),
        ("salicon-2015", "train/COCO_train2014_000000000009.mat", "is of the image"),
        ("salicon-2017", "train/COCO_train2014_000000000025.mat", "is of the image"),
        ("fiwi", "webpages/eyeMaps/all5/Amazon(2).png", "has the size"),
        ("mit1003", "ALLSTIMULI/i1.jpeg", "fixations outside"),
    ],
)
def test_files_that_were_exchanged_are_found_where_they_differ(good, tmp_path, key, file, found):
    name, folder = good[key]
    shutil.copytree(folder, tmp_path / "copy")
    path = tmp_path / "copy" / file
    others = [p for p in files_of(tmp_path / "copy") if p.suffix == path.suffix and p.parent == path.parent]
    swap(path, others)
    report, before = check(name, tmp_path / "copy"), check(name, folder)
    lines = {what for _, what in report.troubles} | set(report.notes)
    new = lines - set(before.notes)  # of the good ones some have fixations outside, too
    assert any(re.search(found, line) for line in new), lines


def test_exchanged_x_and_y_are_noticed(tmp_path):
    random = np.random.default_rng(0)
    for number in range(3):
        write_photo(tmp_path / f"images/p{number}.jpg", (40, 120), seed=number)
        (tmp_path / "fixations").mkdir(exist_ok=True)
        xy = random.uniform(0, 1, (30, 2)) * [120, 40]
        np.save(tmp_path / f"fixations/p{number}.npy", xy[:, ::-1] if number == 1 else xy)
    report = check("folder", tmp_path)
    assert [(path.name, "x and y exchanged" in what) for path, what in report.troubles] == [("p1.jpg", True)]


def test_fixations_below_the_image_are_not_mistaken_for_exchanged_ones(tmp_path):
    for number in range(3):
        write_photo(tmp_path / f"images/p{number}.jpg", (40, 120), seed=number)
        (tmp_path / "fixations").mkdir(exist_ok=True)
        points = np.array([[100.0, 20], [30, 30], [20, 50], [10, 60]])  # the last two are below
        np.save(tmp_path / f"fixations/p{number}.npy", points)
    report = check("folder", tmp_path)
    assert report.troubles == []
    assert any("6 fixations outside" in note for note in report.notes)


def test_a_stimulus_that_is_there_twice_is_found(good, tmp_path):
    name, folder = good["toronto"]
    shutil.copytree(folder, tmp_path / "copy")
    images = tmp_path / "copy/eyetrackingdata/fixdens/Original Image Set"
    shutil.copy(images / "3.jpg", images / "8.jpg")
    ((path, what),) = check(name, tmp_path / "copy").troubles
    assert path.name == "8.jpg"
    assert "same picture as 3.jpg" in what


def test_gaze_on_a_damaged_stimulus_is_not_called_gaze_without_one(good, tmp_path):
    name, folder = good["mit1003"]
    shutil.copytree(folder, tmp_path / "copy")
    empty(tmp_path / "copy/ALLSTIMULI/i1.jpeg", None)
    shutil.copy(folder / "DATA/zb/i1.mat", tmp_path / "copy/DATA/zb/i2.MAT")
    report = check(name, tmp_path / "copy")
    assert {path.name for path, _ in report.troubles} == {"i1.jpeg", "i2.MAT"}
    assert (tmp_path / "copy/DATA/zb/i2.MAT", "gaze without a stimulus of its name") in report.troubles


def test_a_list_of_checksums_in_the_folder_is_followed(good, tmp_path):
    name, folder = good["csv"]
    shutil.copytree(folder, tmp_path / "copy")
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  ./{path.relative_to(tmp_path / 'copy')}"
        for path in files_of(tmp_path / "copy")
    ]
    (tmp_path / "copy/SHA256SUMS").write_text("\n".join(lines) + "\n")
    report = check(name, tmp_path / "copy")
    assert report.troubles == []
    assert "compared 8 files with SHA256SUMS" in report.notes
    path = tmp_path / "copy/fixations/p2.csv"
    path.write_text(path.read_text().replace("1", "2", 1))
    ((found, what),) = check(name, tmp_path / "copy").troubles
    assert (found, "checksum" in what) == (path, True)


def test_published_files_are_known_wherever_the_archive_put_them(good, tmp_path, monkeypatch):
    name, folder = good["osie"]
    unpacked = tmp_path / "predicting-human-gaze-beyond-pixels-master/data"  # as kerasal data fetch leaves it
    shutil.copytree(folder, unpacked)
    (tmp_path / "another/stimuli").mkdir(parents=True)  # a dataset beside it
    sums = {
        path.relative_to(unpacked).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (*unpacked.glob("stimuli/*"), *unpacked.glob("eye/*"))
    }
    monkeypatch.setattr("kerasal.data.check._read_sums", lambda path: sums)
    assert "all 5 files have the published checksums" in check(name, tmp_path).notes
    (unpacked / "stimuli/1002.jpg").write_bytes((unpacked / "stimuli/1002.jpg").read_bytes() + b"x")
    ((path, what),) = check(name, tmp_path).troubles
    assert (path.name, "another checksum" in what) == ("1002.jpg", True)


def test_a_name_that_sha256sum_escapes_is_read_as_it_is(tmp_path):
    write_folder(tmp_path)
    lines = [f"\\{'0' * 64}  a\\\\b\\nc.png", f"{'0' * 64} *images/a\u2028b.png"]
    (tmp_path / "SHA256SUMS").write_bytes("\r\n".join(lines).encode())
    assert [name for name, _ in found(tmp_path)] == ["a\\b\nc.png", "a\u2028b.png"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])  # PowerShell's > writes the latter
def test_a_list_of_checksums_in_another_form_is_a_trouble(tmp_path, encoding):
    write_folder(tmp_path)
    digest = hashlib.sha256((tmp_path / "images/p0.png").read_bytes()).hexdigest()
    form = "SHA256 (images/p0.png) = {}\n" if encoding == "utf-8" else "{}  images/p0.png\n"
    (tmp_path / "SHA256SUMS").write_text(form.format(digest), encoding=encoding)
    ((name, what),) = found(tmp_path)
    assert name == "SHA256SUMS"
    assert "as sha256sum writes them" in what


@pytest.mark.slow
def test_one_changed_byte_in_a_published_file_is_found(shared, tmp_path):
    for name in ("stimuli", "eye"):
        (tmp_path / name).mkdir()
    for path in (shared / "data/osie/stimuli").iterdir():
        (tmp_path / "stimuli" / path.name).symlink_to(path)
    (tmp_path / "eye/fixations.mat").symlink_to(shared / "data/osie/eye/fixations.mat")
    data = bytearray((tmp_path / "stimuli/1200.jpg").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "stimuli/1200.jpg").unlink()
    (tmp_path / "stimuli/1200.jpg").write_bytes(data)
    report = check("osie", tmp_path)
    ((path, what),) = report.troubles
    assert path.name == "1200.jpg"
    assert "checksum" in what
    assert dict(statistics(report.dataset))["fixations"] == "98,321"


def test_statistics_are_those_of_a_hand_count(tmp_path):
    # Two images of 100x50 and one of 60x40, one observer each with 2, 0 and 4 fixations.
    for number, (size, points) in enumerate(
        [((50, 100), [(50, 25), (99, 49)]), ((50, 100), []), ((40, 60), [(30, 20)] * 4)]
    ):
        write_photo(tmp_path / f"images/p{number}.jpg", size, seed=number)
        (tmp_path / "fixations").mkdir(exist_ok=True)
        np.save(tmp_path / f"fixations/p{number}.npy", np.array(points, float).reshape(-1, 2))
    rows = dict(statistics(check("folder", tmp_path).dataset))
    assert rows["images"] == "3"
    assert rows["sizes"] == "100x50 (2 of 3), 2 in all, from 60x40 to 100x50"
    assert rows["fixations"] == "6"
    assert rows["fixations per image"] == "2.0 ± 2.0 (0 to 4)"
    assert rows["images without fixations"] == "1"
    assert rows["mean place"].startswith("x 58.2 ± 18.3 %")  # mean of 50 (five times) and 99 % of the width
    assert rows["centre bias"].startswith("83.3 %")  # five of six


def test_statistics_leave_out_what_was_refused_be_it_every_fixation_file(tmp_path):
    write_folder(tmp_path, lambda _: np.empty((0, 2)))
    for path in (tmp_path / "fixations").iterdir():
        path.unlink()
        path.with_suffix(".csv").write_text("x;y\n10,5;20,5\n30,5;40,5\n")
    report = check("folder", tmp_path)
    assert len(report.troubles) == 3
    assert dict(statistics(report.dataset))["fixations"] == "none: no file of them can be read"
    (tmp_path / "fixations/p1.csv").write_text("x,y\n10.5,20.5\n30.5,40.5\n")
    rows = dict(statistics(check("folder", tmp_path).dataset))
    assert rows["images"] == "3"
    assert rows["observers"] == "1"
    assert rows["fixations per image"] == "2.0 ± 0.0 (2 to 2)"
    assert "images without fixations" not in rows


def test_a_missing_folder_and_an_unknown_name_are_refused(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        check("osie", tmp_path / "nowhere")
    with pytest.raises(InputError, match="unknown dataset"):
        check("osei", tmp_path)
    with pytest.raises(InputError, match="generated"):
        check("synthetic")


def test_a_dataset_that_cannot_be_loaded_at_all_is_one_trouble(tmp_path):
    scipy.io.savemat(tmp_path / "origfixdata.mat", {"white": cell([binary((3, 4), [])])})
    ((path, what),) = check("toronto", tmp_path).troubles
    assert path == tmp_path
    assert "it needs" in what


def write_folder(folder, fixations=None, maps=None, size=(60, 90), count=3):
    """A good folder; `fixations` and `maps` give those of an image by its number, in place of random ones."""
    random = np.random.default_rng(0)
    for number in range(count):
        write_photo(folder / f"images/p{number}.png", size, seed=number)
        (folder / "fixations").mkdir(exist_ok=True)
        points = random.uniform(0, 1, (20, 2)) * size[::-1]
        np.save(folder / f"fixations/p{number}.npy", fixations(number) if fixations else points)
        if maps:
            (folder / "maps").mkdir(exist_ok=True)
            np.save(folder / f"maps/p{number}.npy", maps(number))


def found(folder, **arguments):
    return [(path.name, what) for path, what in check("folder", folder, **arguments).troubles]


def smooth(number):
    return np.random.default_rng(number).random((60, 90))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: np.array([[1.0, 2], [3, 1], [4, 4]]), "in one corner"),
        (lambda: np.array([[89.0, 59], [85, 58], [88, 57], [82, 55]]), "in one corner"),
        (lambda: np.isin(np.arange(90) // 2 % 20, [3]) & (np.arange(60)[:, None] % 9 < 2), "touch another"),
        (lambda: np.argwhere(np.ones((60, 90)))[::10, ::-1].astype(float), "on 10% of its pixels"),
        (lambda: np.random.default_rng(0).uniform(0, 1, (20, 2)), "--normalized"),
        (lambda: np.random.default_rng(0).random((60, 90)), "density map"),
        (lambda: np.eye(90, 60), "transposed it would fit"),
    ],
)
def test_implausible_fixations_of_one_image_are_found(tmp_path, wrong, words):
    write_folder(tmp_path)
    assert found(tmp_path) == []
    np.save(tmp_path / "fixations/p1.npy", wrong())
    [(name, what)] = found(tmp_path)
    assert name in ("p1.png", "p1.npy")
    assert words in what


def test_fixations_that_lie_close_in_a_set_prepared_at_a_small_size_are_no_dots(tmp_path):
    random = np.random.default_rng(0)
    objects = np.repeat([[0.3, 0.6], [0.7, 0.3]], 75, axis=0)
    places = [random.normal(objects, 0.06) * [400, 300] for _ in range(3)]
    write_folder(tmp_path / "own", places.__getitem__, size=(300, 400))
    assert found(tmp_path / "own") == []
    prepare(load(str(tmp_path / "own")), tmp_path / "small", size=(60, 80))
    fixated = load(str(tmp_path / "small")).samples[0].fixation_map() > 0
    beside = binary_dilation(fixated, [[0, 1, 0], [1, 0, 1], [0, 1, 0]])
    assert (fixated & beside).sum() > 0.5 * fixated.sum()
    assert found(tmp_path / "small") == []


def test_empty_files_in_hidden_folders_count_for_nothing(tmp_path):
    write_folder(tmp_path)
    for name in (".git/refs/heads/main", "__MACOSX/p0", ".DS_Store"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert found(tmp_path) == []
    (tmp_path / "notes.txt").touch()
    assert found(tmp_path) == [("notes.txt", "the file is empty")]


def test_fixations_of_another_image_are_found_by_their_numbers(tmp_path):
    write_folder(tmp_path)
    shutil.copy(tmp_path / "fixations/p0.npy", tmp_path / "fixations/p2.npy")
    assert found(tmp_path) == [("p2.png", "the file has the very fixations of p0.png")]


@pytest.mark.parametrize(
    ("places", "words"),
    [
        (lambda random: random.uniform(0, 0.49, (20, 2)), "top left quarter"),
        (lambda random: random.uniform(0.51, 1, (20, 2)), "bottom right quarter"),
        (lambda random: 0.5 + random.uniform(-0.2, 0.2, (20, 2)), "middle quarter"),
    ],
)
def test_places_that_no_free_viewing_has_are_found_over_all_images(tmp_path, places, words):
    random = np.random.default_rng(0)
    write_folder(tmp_path, lambda _: places(random) * [90, 60])
    [(name, what)] = found(tmp_path)
    assert name == tmp_path.name
    assert words in what


def test_no_fixations_at_all_are_a_trouble_of_all_images_and_a_note_of_some(tmp_path):
    write_folder(tmp_path, lambda _: np.empty((0, 2)))
    assert [what for _, what in found(tmp_path)] == ["no image has any fixation"]
    np.save(tmp_path / "fixations/p0.npy", np.array([[30.0, 40]]))
    report = check("folder", tmp_path)
    assert report.troubles == []
    assert [note for note in report.notes if "2 of 3 images have no fixation at all: p1, p2" in note]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: np.zeros((60, 90)), "without mass"),
        (lambda: np.full((60, 90), 3.0), "3 everywhere"),
        (lambda: np.eye(60, 90), "two values"),
        (lambda: smooth(0), "same map as p0.npy"),
        (lambda: smooth(1).T, "60x90 and 90x60"),
        (lambda: smooth(1)[:30, :45], "45x30 and 90x60"),
    ],
)
def test_implausible_density_maps_are_found(tmp_path, wrong, words):
    write_folder(tmp_path, maps=smooth)
    assert found(tmp_path) == []
    np.save(tmp_path / "maps/p1.npy", wrong())
    [(name, what)] = found(tmp_path)
    assert name == "p1.npy"
    assert words in what


def test_the_same_picture_in_two_kinds_of_file_is_found(tmp_path):
    write_folder(tmp_path)
    with Image.open(tmp_path / "images/p0.png") as image:
        image.save(tmp_path / "images/p2.bmp")
    (tmp_path / "images/p2.png").unlink()
    assert found(tmp_path) == [("p2.bmp", "the file shows the same picture as p0.png")]


def test_every_file_with_an_orientation_is_named(tmp_path):
    write_folder(tmp_path, count=9)
    exif = Image.Exif()
    for number, turned in enumerate(range(1, 9)):
        exif[0x0112] = turned
        size = (60, 90) if turned < 5 else (90, 60)
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (*size, 3), "uint8")).save(
            tmp_path / f"images/p{number}.png", exif=exif
        )
    report = check("folder", tmp_path)
    assert report.troubles == []
    [note] = [note for note in report.notes if "orientation" in note]
    assert note.startswith("7 files")
    assert all(f"p{number}.png ({number + 1})" in note for number in range(1, 8))


def test_shares_of_the_image_pass_where_they_are_said_to_be_some(tmp_path):
    random = np.random.default_rng(0)
    write_folder(tmp_path, lambda _: random.uniform(0, 1, (20, 2)))
    assert found(tmp_path, normalized=True) == []
    assert len(found(tmp_path)) == 3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["osie", "scene"])
def test_nothing_is_wrong_or_odd_with_osie_and_scene(shared, name):
    report = check(name, shared / "data" / name)
    assert report.troubles == []
    assert all("checksums" in note for note in report.notes)
