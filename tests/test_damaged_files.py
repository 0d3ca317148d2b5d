"""Files of every kind with one byte changed: what they hold, or one line that names the file.

Where a format has checksums (PNG, ZIP) or kerasal keeps its own (prepared data), what is read must be what
was written. Where it has none, a changed value is a value, and must be what another reader finds.
"""

import csv
import json
import random
import time
import zipfile

import h5py
import keras
import numpy as np
import pytest
import scipy.io
import tensorflow as tf
import yaml
from conftest import write_photo
from PIL import Image

from kerasal import data, models, training
from kerasal.data import prepare
from kerasal.data.extract import extract
from kerasal.data.reading import stimulus_source
from kerasal.errors import InputError
from kerasal.training import FeatureCache, RunFolder, read_config
from kerasal.weights.keras_file import load_keras_layers

SIZE = (40, 56)  # rows, columns
POINTS = np.array([[3.5, 5.25], [40, 7], [11, 30], [55.5, 39.5]])
KINDS = {}


def kind(function):
    """A kind of file: from a folder, the files to damage and what reads and checks one of them."""
    KINDS[function.__name__] = function
    return function


def small_folder(folder, place, name):
    """A dataset of three photographs whose first one has, in `place`, only the file of that name."""
    for stem in "abc":
        write_photo(folder / "images" / f"{stem}.png", SIZE, seed=ord(stem))
        for part in ("maps", "fixations"):
            (folder / part).mkdir(exist_ok=True)
        np.save(folder / "maps" / f"{stem}.npy", np.outer(np.hanning(SIZE[0] + 2)[1:-1], np.ones(SIZE[1])))
        (folder / "fixations" / f"{stem}.csv").write_text("x,y\n3.5,5.25\n40,7\n")
    for path in (folder / place).glob("a.*"):
        path.unlink()
    return folder / place / name


def first(folder):
    """The first sample of such a dataset."""
    return data.load(str(folder)).named(["a"])[0]


@kind
def mat(folder):
    path = small_folder(folder, "fixations", "a.mat")
    for options in ({}, {"do_compression": True}, {"format": "4"}):
        scipy.io.savemat(path, {"xy": POINTS}, **options)

        def check():
            observers = first(folder).fixations
            assert observers
            for xy in observers:
                assert xy.shape[1] == 2
                assert np.isfinite(xy).all()

        yield path, check


@kind
def npy(folder):
    path = small_folder(folder, "maps", "a.npy")
    for dtype in ("float64", "float32", "uint8", ">u2"):
        np.save(path, np.random.default_rng(0).integers(0, 200, SIZE).astype(dtype))

        def check():
            density = first(folder).density()
            content = path.read_bytes()
            header, _, pixels = content.partition(b"\n")
            descr = next(d for d in ("<f8", "<f4", "|u1", ">u2", "<u2", ">f4", ">f8") if d.encode() in header)
            expected = np.frombuffer(pixels, descr)[: SIZE[0] * SIZE[1]].astype("float64")
            order = "F" if b"True" in header else "C"
            np.testing.assert_allclose(
                density,
                expected.reshape(SIZE, order=order) / max(expected.max(), 1e-300),
                rtol=1e-6,
                atol=1e-7,
            )

        yield path, check


@kind
def png(folder):
    path = small_folder(folder, "images", "a.png")
    for mode in ("RGB", "L", "P"):
        pixels = write_photo(path, SIZE, seed=3, mode=mode)

        def check(pixels=pixels):
            sample = first(folder)
            np.testing.assert_array_equal(sample.read_stimulus(), pixels)
            in_graph = stimulus_source([sample])(tf.constant(0))
            np.testing.assert_array_equal(in_graph, pixels)

        yield path, check


@kind
def tiff(folder):
    path = small_folder(folder, "images", "a.tif")
    for compression in (None, "tiff_lzw", "tiff_adobe_deflate"):
        write_photo(path.with_suffix(".png"), SIZE, seed=3)
        Image.open(path.with_suffix(".png")).save(path, compression=compression)
        path.with_suffix(".png").unlink()

        def check():
            sample = first(folder)
            stimulus = sample.read_stimulus()
            assert (stimulus.shape, stimulus.dtype) == ((*sample.size, 3), np.uint8)

        yield path, check


@kind
def csv_(folder):
    path = small_folder(folder, "fixations", "a.csv")
    lines = ["x,y,observer", *(f"{x},{y},{i % 2}" for i, (x, y) in enumerate(POINTS))]
    for text in (
        "\n".join(lines) + "\n",
        "\r\n".join(lines),
        "\n".join("x,y" if i == 0 else line[:-2] for i, line in enumerate(lines)),
    ):
        path.write_text(text)

        def check():
            found = first(folder).all_fixations()
            with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
                names, *rows = csv.reader(file)
            names = [name.strip().lower() for name in names]
            places = names.index("x"), names.index("y")
            points = np.array([[float(row[place]) for place in places] for row in rows if row]).reshape(-1, 2)
            inside = (points >= 0).all(axis=1) & (points < SIZE[::-1]).all(axis=1)
            assert sorted(found.tolist()) == sorted(points[inside].tolist())

        yield path, check


TINY = {"input_size": (16, 24), "activation": "sigmoid", "dropout": 0, "initial_density": 0.1}


def tiny():
    return models.build("tiny", **TINY)


@kind
def h5(folder):
    trained, other = tiny(), tiny()
    path = folder / "best.weights.h5"
    trained.save_weights(path)

    def check():
        other.set_weights([np.zeros_like(weight) for weight in trained.get_weights()])
        models.set_weights(other, path)
        found, written = (
            np.concatenate([weight.ravel() for weight in network.get_weights()])
            for network in (other, trained)
        )
        if np.count_nonzero(found != written) > 1:  # not a byte of a number
            expected = []
            with h5py.File(path) as file:
                file.visititems(
                    lambda _, item: (
                        expected.append(item[()].ravel()) if isinstance(item, h5py.Dataset) else None
                    )
                )
            np.testing.assert_array_equal(np.sort(found), np.sort(np.concatenate(expected)).astype("float32"))

    yield path, check

    layer = keras.layers.Conv2D(4, 3)
    layer.build((None, None, None, 3))
    applications = folder / "applications.h5"
    with h5py.File(applications, "w") as file:
        group = file.create_group("conv")
        for name, weight in zip(("kernel:0", "bias:0"), layer.get_weights(), strict=True):
            group.create_dataset(name, data=weight.astype("float16"), compression="gzip")

    def check_layer():
        load_keras_layers({"conv": layer}, applications, "a network")
        assert [weight.shape for weight in layer.get_weights()] == [(3, 3, 3, 4), (4,)]

    yield applications, check_layer


@kind
def json_(folder):
    small_folder(folder, "maps", "a.npy")
    (folder / "maps").rename(folder / "unused")
    (folder / "fixations/a.csv").write_text("x,y\n1,2\n")
    dataset = data.load(str(folder))
    network = tiny()
    config = {
        "loss": "mse",
        "model": "tiny",
        "model_options": {**TINY, "input_size": [16, 24]},
        "precision": "float32",
        "options": training.options(model="tiny", loss="mse").as_dict(),
        "cache_features": True,
        "data": {
            "arguments": dataset.arguments,
            "fingerprint": data.fingerprint(dataset.samples),
            "limit": None,
        },
    }
    run = RunFolder.create(folder / "run", config, np.ones((16, 24)))
    run.save_weights(network, run.best_weights)

    def check_run():
        opened = RunFolder.open(run.path)
        assert opened.config == json.loads((run.path / "config.json").read_text())
        assert opened.options.epochs > 0
        opened.data_arguments()
        opened.load_model()

    yield run.path / "config.json", check_run

    split = folder / "split.json"
    split.write_text(json.dumps({"train": ["a"], "validation": ["b"], "test": ["c"]}))

    def check_split():
        names = {
            name: [s.name for s in part] for name, part in data.split_by_file(dataset, split).splits.items()
        }
        found = json.loads(split.read_text())
        assert {name: part for name, part in names.items() if part} == {k: v for k, v in found.items() if v}

    yield split, check_split

    made = prepare(dataset, folder / "prepared", size=None)
    expected = facts(made)

    def check_prepared():
        assert facts(data.load(str(folder / "prepared"))) == expected

    yield folder / "prepared/prepared.json", check_prepared


def facts(dataset):
    """All that a dataset holds, in plain values."""
    return [
        (
            split,
            sample.name,
            sample.size,
            sample.sigma,
            sample.read_stimulus().tobytes(),
            sample.density().tobytes(),
            [xy.tolist() for xy in sample.fixations],
        )
        for split, samples in dataset.splits.items()
        for sample in samples
    ]


@kind
def yaml_(folder):
    path = folder / "options.yaml"
    options = training.options(loss="10*kld+2*cc", epochs=3).as_dict()
    path.write_text(training.config_file.config_text({**options, "data": "osie", "limit": 5}))

    def check():
        found, written = read_config(path), yaml.safe_load(path.read_bytes().decode())
        written = {name.replace("-", "_"): value for name, value in written.items()}
        assert set(found) == set(written)
        for name, value in written.items():
            if name == "input_size":
                assert "x".join(map(str, found[name])) == "x".join(
                    str(int(side)) for side in value.lower().split("x")
                )
            elif isinstance(value, str) and isinstance(found[name], int | float):
                assert found[name] == float(value)
            else:
                assert found[name] == value

    yield path, check


@kind
def tfrecord(folder):
    small_folder(folder, "maps", "a.npy")
    np.save(folder / "maps/a.npy", np.ones(SIZE))
    expected = facts(prepare(data.load(str(folder)), folder / "prepared", size=None))

    def check():
        assert facts(data.load(str(folder / "prepared"))) == expected

    for path in sorted((folder / "prepared").glob("*.tfrecord")):
        yield path, check


@kind
def features(folder):
    small_folder(folder, "maps", "a.npy")
    np.save(folder / "maps/a.npy", np.ones(SIZE))
    network, samples = tiny(), [first(folder)]
    expected = FeatureCache.open(network, samples, mirrored=True, folder=folder).arrays[0].copy()
    (entry,) = (folder / "features").iterdir()

    def check():
        cache = FeatureCache.open(network, samples, mirrored=True, folder=folder)
        assert len(cache.shapes) == 1
        found = [cache.read(0, mirrored)[0] for mirrored in (False, True)]
        np.testing.assert_array_equal(found, expected)

    for path in sorted(entry.iterdir()):
        if path.name != "about.json":  # what is shown of it, and no feature
            yield path, check


@kind
def zip_(folder):
    contents = {
        "stimuli/a.png": b"not compressed",
        "stimuli/b.txt": b"compressed " * 40,
        "c": bytes(range(256)),
    }
    path = folder / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        for number, (name, content) in enumerate(contents.items()):
            file.writestr(name, content, zipfile.ZIP_DEFLATED if number % 2 else zipfile.ZIP_STORED)
    count = iter(range(10**6))

    def check():
        target = folder / f"out{next(count)}"
        target.mkdir()
        assert extract(path, target) == len(contents)
        found = {p.relative_to(target).as_posix(): p.read_bytes() for p in target.rglob("*") if p.is_file()}
        assert found == contents

    yield path, check


def outcome(check):
    """What a check of a file comes to: None, or the line that the user is told."""
    try:
        check()
    except InputError as error:
        return str(error)


def cut_and_emptied(files):
    """Cut each file short at several places: it must be refused, by its name."""
    for path, check in files:
        whole = path.read_bytes()
        for length in (0, 1, len(whole) // 3, len(whole) - 1):
            path.unlink()
            path.write_bytes(whole[:length])
            line = outcome(check)
            what = f"{path.name} cut to {length} of {len(whole)} bytes: {line}"
            assert line, what
            assert path.name in line, what
            assert "\n" not in line, what
        path.unlink()
        path.write_bytes(whole)
        check()


@pytest.mark.usefixtures("tiny_network")
@pytest.mark.parametrize("name", ["features", "tfrecord"])
def test_a_file_of_a_cache_or_of_prepared_data_that_was_cut_or_emptied_is_refused(name, tmp_path):
    cut_and_emptied(KINDS[name](tmp_path))


def sweep(files, count, seconds):
    """Change one byte of the files in turn, `count` times in all, every other time in their first part."""
    files = [(path, path.read_bytes(), check) for path, check in files]
    random_ = random.Random(0)
    lines = []
    for number in range(count):
        path, whole, check = files[number % len(files)]
        place = random_.randrange(len(whole) if number % 2 else min(len(whole), 400))
        value = whole[place] ^ random_.randrange(1, 256)
        what = f"change {number}: byte {place} of {path.name} is {value}"
        path.unlink()  # HDF5 knows a file again by its inode
        path.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
        start = time.perf_counter()
        try:
            line = outcome(check)
        except Exception as error:
            raise AssertionError(what) from error
        assert time.perf_counter() - start < seconds, what
        # Where a checksum was changed, the file that it is of is named, in the same folder.
        names = (path.name, f"remove {path.parent},")
        assert line is None or any(name in line for name in names), f"{what}: {line}"
        assert "\n" not in (line or ""), f"{what}: {line}"
        lines.append(line)
        path.write_bytes(whole)
    for path, whole, check in files:  # the readers live, and read what is whole
        path.unlink()
        path.write_bytes(whole)
        check()
    return len(lines), lines.count(None)


@pytest.mark.usefixtures("tiny_network")
@pytest.mark.parametrize("name", KINDS)
def test_a_file_with_one_byte_changed_is_read_truly_or_refused(name, tmp_path):
    assert sweep(KINDS[name](tmp_path), 12, seconds=60)[0] == 12


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_network")
@pytest.mark.parametrize("name", KINDS)
def test_five_hundred_changed_bytes_of_each_kind_are_read_truly_or_refused(name, tmp_path):
    count, read = sweep(KINDS[name](tmp_path), 500, seconds=5)
    assert count == 500
    assert read < count
