"""Writing: whole or not at all, whatever kind of file it is and wherever the disk is full."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import no_file_above
from matplotlib.figure import Figure
from PIL import Image

from kerasal import _files
from kerasal.data.images import write_picture
from kerasal.errors import InputError
from kerasal.models.weights_file import write_weights

NOISE = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
PICTURE = Image.fromarray(NOISE)


def figure(path: Path) -> None:
    drawn = Figure(figsize=(2, 2))
    drawn.add_subplot().imshow(NOISE)
    _files.write_encoded(path, lambda stream: drawn.savefig(stream, format=path.suffix[1:]))


def hdf5(path: Path) -> None:
    def fill(file) -> None:
        for part in range(3):
            file.create_dataset(f"part{part}", data=NOISE)

    _files.write_hdf5(path, fill)


def weights(path: Path) -> None:
    inputs = keras.Input((400,))
    write_weights(keras.Model(inputs, keras.layers.Dense(100)(inputs)), path, kerasal_model="dense")


# Each way that kerasal has of writing a file: name -> what writes it.
KINDS = {
    "text.md": lambda path: _files.write_text(path, "é – " * 20_000),
    "values.json": lambda path: _files.write_json(path, {"values": NOISE.ravel().tolist()}),
    "array.npy": lambda path: _files.write_array(path, NOISE),
    "arrays.npz": lambda path: _files.write_atomically(path, lambda file: np.savez(file, NOISE), ".npz"),
    "file.h5": hdf5,
    "best.weights.h5": weights,
    "grey.png": lambda path: write_picture(path, PICTURE, compress_level=1),
    "overlay.jpg": lambda path: write_picture(path, PICTURE, quality=90),
    "figure.pdf": figure,
    "figure.png": figure,
}


@pytest.mark.parametrize("name", KINDS)
def test_a_write_that_stops_short_leaves_the_old_file_and_nothing_else(name, tmp_path):
    path, write = tmp_path / name, KINDS[name]
    write(path)
    whole = path.stat().st_size
    path.write_bytes(b"old")
    limits = [0, 1, whole - 1, *np.random.default_rng(1).integers(1, whole - 1, 8).tolist()]
    for limit in limits:
        with no_file_above(limit), pytest.raises(InputError, match=f"cannot write {path}: File too large"):
            write(path)
        assert path.read_bytes() == b"old", limit
        assert [file.name for file in tmp_path.iterdir()] == [name], limit
    with no_file_above(2 * whole):
        write(path)
    assert abs(path.stat().st_size - whole) < 100  # of which a PDF's date is a part


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_on_a_disk_that_fills_no_file_has_its_name_that_is_not_whole(name, tmp_path):
    disk, whole = tmp_path / "disk", tmp_path / name
    KINDS[name](whole)
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount the small disk that this test fills")
    random, refused = np.random.default_rng(2), 0
    try:
        for number in range(200):
            # What else is on the disk leaves room for a part of the file, or for all of it.
            room = int(random.uniform(0, 1.3 * whole.stat().st_size))
            filler = max(0, shutil.disk_usage(disk).free - room)
            (disk / "filler").write_bytes(bytes(filler))
            path = disk / f"{number}-{name}"
            with contextlib.suppress(InputError):
                KINDS[name](path)
            refused += not path.exists()
            assert not path.exists() or abs(path.stat().st_size - whole.stat().st_size) < 100
            assert not list(disk.glob(".*"))
            for file in disk.iterdir():
                file.unlink()
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
    assert 50 < refused < 200


# NumPy tells a short write without a number.
@pytest.mark.parametrize("reason", [(28, "full"), (30, "full"), (13, "full"), (122, "full"), ("full",)])
def test_what_cannot_be_written_is_named_and_the_old_file_stays(tmp_path, reason):
    path = tmp_path / "file"
    path.write_text("old")

    def fail(file):
        file.write_text("half")
        raise OSError(*reason)

    with pytest.raises(InputError, match=f"cannot write {path}: full"):
        _files.write_atomically(path, fail)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_two_that_write_one_file_at_once_never_leave_half_of_one(tmp_path):
    contents = [bytes([number]) * 300_000 for number in range(2)]
    path, stop, seen = tmp_path / "file", threading.Event(), []
    _files.write_bytes(path, contents[0])

    def read():
        while not stop.is_set():
            seen.append(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    program = (
        "import sys; from pathlib import Path; from kerasal import _files\n"
        "for _ in range(60): _files.write_bytes(Path(sys.argv[1]), bytes([1]) * 300_000)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program, path], env={**os.environ, "KERASAL_WITHOUT_KERAS": "1"}
    )
    while other.poll() is None:
        _files.write_bytes(path, contents[0])
    stop.set()
    reader.join()
    assert other.returncode == 0
    assert set(seen) <= set(contents)
    assert len(set(seen)) == 2


def test_a_folder_appears_at_the_end_or_not_at_all(tmp_path):
    path = tmp_path / "above" / "folder"
    with pytest.raises(KeyboardInterrupt), _files.new_folder(path) as partial:  # noqa: PT012
        (partial / "file").write_text("half")
        raise KeyboardInterrupt
    assert not list(path.parent.iterdir())
    with (
        pytest.raises(InputError, match=f"cannot write {path}: No space left"),
        _files.new_folder(path),
    ):
        raise OSError(28, "No space left on device")
    assert not list(path.parent.iterdir())
    with _files.new_folder(path) as partial:
        (partial / "file").write_text("whole")
        assert not path.exists()
    assert (path / "file").read_text() == "whole"
    with pytest.raises(InputError, match="is there already"), _files.new_folder(path):
        pytest.fail("it is there")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match="is there already"), _files.new_folder(tmp_path / "link"):
        pytest.fail("a link that leads nowhere is there too")


def test_a_folder_that_another_process_makes_meanwhile_is_left_to_it(tmp_path):
    for name, make in (("folder", lambda path: path.mkdir()), ("file", lambda path: path.touch())):
        path = tmp_path / name
        message = f"{path} was made meanwhile by another process"
        with pytest.raises(InputError, match=message), _files.new_folder(path) as partial:  # noqa: PT012
            (partial / "mine").write_text("mine")
            make(path)
            if path.is_dir():
                (path / "theirs").write_text("theirs")
        assert not (path / "mine").exists()
    assert (tmp_path / "folder" / "theirs").read_text() == "theirs"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
    # Another rename that fails in the block is a bug, and keeps its traceback.
    with pytest.raises(FileNotFoundError), _files.new_folder(tmp_path / "new") as partial:
        (partial / "none").rename(partial / "other")


@pytest.mark.skipif(os.name != "posix", reason="other systems have no umask")
@pytest.mark.parametrize("umask", [0o077, 0o022, 0o002])
def test_a_new_folder_is_for_whom_the_umask_says(tmp_path, umask):
    before = os.umask(umask)
    try:
        with _files.new_folder(tmp_path / "folder"):
            pass
    finally:
        os.umask(before)
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o777 & ~umask


def test_what_json_cannot_hold_becomes_null(tmp_path):
    values = {"a": float("nan"), 3: [float("inf"), (-float("inf"), 1.5)], "n": np.float64("nan"), "t": True}
    text = _files.write_json(tmp_path / "file.json", values).read_text()

    def refuse(constant):
        raise ValueError(constant)

    read = json.loads(text, parse_constant=refuse)
    assert read == {"a": None, "3": [None, [None, 1.5]], "n": None, "t": True}


@pytest.mark.parametrize(
    ("needed", "free", "line"),
    [
        (400, 30, "400 bytes and 30 bytes are free"),
        (40_000, 999, r"40.0 kB and 999 bytes are free"),
        (2_345_678, 45_678, r"2.35 MB and 45.7 kB are free"),
        (999_960_000_000, 999_960_000, r"1,000 GB and 1,000 MB are free"),
    ],
)
def test_space_is_told_in_units_that_show_it(needed, free, line, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**12, 0, free))
    with pytest.raises(InputError, match=f"^the thing needs {line} on the disk of {tmp_path}: make room"):
        _files.check_space(tmp_path / "not" / "yet", needed, "the thing")


def test_without_a_home_the_variable_is_named(monkeypatch, tmp_path):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    monkeypatch.delenv("KERASAL_CACHE", raising=False)
    with pytest.raises(InputError, match="KERASAL_CACHE"):
        _files.default_cache()
    monkeypatch.setenv("KERASAL_CACHE", str(tmp_path))
    assert _files.default_cache() == tmp_path
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KERASAL_CACHE", "~/cache")  # as in a container's file, which no shell reads
    assert _files.default_cache() == tmp_path / "cache"


def test_a_folder_is_held_by_one_process_and_let_go_however_that_ends(tmp_path):
    program = (
        "import sys, time; from pathlib import Path; from kerasal import _files\n"
        "with _files.held(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path],
        env={**os.environ, "KERASAL_WITHOUT_KERAS": "1"},
        stdout=subprocess.PIPE,
    )
    assert other.stdout.readline() == b"held\n"
    with pytest.raises(InputError, match=f"another process is at work in {tmp_path}"), _files.held(tmp_path):
        pytest.fail("the other one has it")
    other.kill()
    other.wait()
    with _files.held(tmp_path):
        pass
    with _files.held(tmp_path):  # and again, as it was let go
        assert not list(tmp_path.iterdir())


def test_what_killed_writers_left_goes_and_what_living_ones_write_stays(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    here = _files.partial_beside(tmp_path / "g").name.rpartition("-")[2]
    names = [f".a.json.partial-{gone.pid}", f".b.npz.partial-{gone.pid}-{here}.npz", ".c.partial"]
    folders = [f".best.new.partial-{gone.pid}-{here}-ab_9", ".best.new.partial-8abc"]
    elsewhere = [f".f.csv.partial-{os.getpid()}-{'0' * 8}"]
    kept = [f".d.json.partial-{os.getpid()}", ".e.partial-1.h5", f".g.partial-1-{here}", "best.weights.h5"]
    for name in names + kept + elsewhere:
        (tmp_path / name).write_text("")
    for name in folders:
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("")
    _files.clear_partials(tmp_path, elsewhere=False)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(kept + elsewhere)
    _files.clear_partials(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(kept)


def test_a_folder_that_a_killed_process_left_goes_when_it_is_made_again(tmp_path):
    program = (
        "import os, sys; from pathlib import Path; from kerasal import _files\n"
        "with _files.new_folder(Path(sys.argv[1])) as partial: os.kill(os.getpid(), 9)"
    )
    environment = {**os.environ, "KERASAL_WITHOUT_KERAS": "1"}
    for name in ("a[b]", "other"):
        subprocess.run([sys.executable, "-c", program, tmp_path / name], env=environment, check=False)
    assert len(list(tmp_path.iterdir())) == 2
    with _files.new_folder(tmp_path / "a[b]"):
        pass
    left = [path.name for path in tmp_path.iterdir()]
    assert sorted(name[:14] for name in left) == [".other.partial", "a[b]"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(27, "whatever"), "File too large"),
        (RuntimeError("/d/train.tfrecord; No space left on device"), "No space left on device"),
        (
            RuntimeError("unable to write (file descriptor = 5, errno = 122, error = x)"),
            "Disk quota exceeded",
        ),
        (RuntimeError("errno = 280, no more"), None),
        (FileNotFoundError(2, "No such file or directory"), None),
        (ValueError("a map of the wrong size"), None),
    ],
)
def test_what_a_disk_refuses_is_told_from_other_errors_whoever_tells(error, reason):
    assert _files.refusal(error) == reason
