"""The bound of the feature cache, and what is in use: with folders of known sizes, and other processes."""

import contextlib
import json
import os
import pickle
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from command_line import invoke
from conftest import ReadAhead, write_photo

from kerasal import data, models
from kerasal._feature_cache import Hold, empty, entries, features_folder, is_used, make_room, remove
from kerasal.data import Sample
from kerasal.errors import InputError
from kerasal.models import efficientnet_lite2
from kerasal.models.backbones import BACKBONES
from kerasal.training import FeatureCache
from kerasal.training.features import _compute

HOLDING = """
import sys, time
from pathlib import Path
from kerasal._feature_cache import Hold
hold = Hold(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""
LIGHT = {**os.environ, "KERASAL_WITHOUT_KERAS": "1"}


def entry(cache: Path, name: str, size: int, age: float = 0) -> Path:
    """An entry of so many bytes that was used so many seconds ago."""
    path = features_folder(cache) / name
    path.mkdir(parents=True)
    (path / "0.npy").write_bytes(b"\0" * size)
    os.utime(path, (time.time() - age,) * 2)
    return path


@contextlib.contextmanager
def held_elsewhere(path: Path):
    """A block in which another process holds the entry; gives the process."""
    command = [sys.executable, "-c", HOLDING, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=LIGHT, text=True) as process:
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def names(cache: Path) -> list[str]:
    return [cached.path.name for cached in entries(cache)]


def test_what_was_used_least_lately_goes_first_and_no_more_than_is_needed(tmp_path):
    for name, age in (("old", 300), ("oldest", 400), ("new", 10), ("middle", 200)):
        entry(tmp_path, name, 100, age)
    make_room(tmp_path, 100, bound=500)
    assert names(tmp_path) == ["oldest", "old", "middle", "new"]
    make_room(tmp_path, 101, bound=500)
    assert names(tmp_path) == ["old", "middle", "new"]
    make_room(tmp_path, 300, bound=500)
    assert names(tmp_path) == ["middle", "new"]
    make_room(tmp_path, bound=150)  # the bound is lower than before
    assert names(tmp_path) == ["new"]


def test_what_another_user_computes_is_passed_over(tmp_path, monkeypatch):
    theirs, ours = entry(tmp_path, ".a.partial-1-x", 100), entry(tmp_path, "b", 100)
    iterdir = Path.iterdir

    def refusing(path):  # their folder is for them alone until it is finished; root is not refused
        if path == theirs:
            raise PermissionError(path)
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", refusing)
    assert [cached.path for cached in entries(tmp_path)] == [ours]


def test_without_a_bound_half_the_room_is_kept_and_nothing_refused(tmp_path, monkeypatch):
    for name, age in (("a", 3), ("b", 2), ("c", 1)):
        entry(tmp_path, name, 100, 100 * age)
    free = 500
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, free))
    make_room(tmp_path, 100)  # 400 of 800
    assert names(tmp_path) == ["a", "b", "c"]
    make_room(tmp_path, 101)
    assert names(tmp_path) == ["b", "c"]
    make_room(tmp_path, 10_000)  # whether the disk has room for it is another's to say
    assert names(tmp_path) == []


def test_a_bound_larger_than_the_disk_makes_room_on_the_disk(tmp_path, monkeypatch):
    for name, age in (("a", 2), ("b", 1)):
        entry(tmp_path, name, 100, 100 * age)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 20))
    make_room(tmp_path, 100, bound=10**9)
    assert names(tmp_path) == ["b"]


def test_what_is_in_use_stays_here_and_elsewhere_and_goes_when_its_process_was_killed(tmp_path):
    here, there = entry(tmp_path, "here", 100, 500), entry(tmp_path, "there", 100, 400)
    entry(tmp_path, "free", 100, 10)
    hold = Hold(here)
    with held_elsewhere(there):
        make_room(tmp_path, 50, bound=300)
        assert names(tmp_path) == ["here", "there"]
        with pytest.raises(
            InputError, match=r"150 bytes, and a cache of 300 bytes holds 200 bytes that are in"
        ):
            make_room(tmp_path, 150, bound=300)
        assert not remove(there)
        gone, staying = empty(tmp_path)
        assert (gone, [cached.path for cached in staying]) == (0, [here, there])
    make_room(tmp_path, 150, bound=300)
    assert names(tmp_path) == ["here"]
    del hold
    assert empty(tmp_path) == (100, [])


def test_more_than_the_bound_removes_nothing(tmp_path):
    entry(tmp_path, "a", 100)
    with pytest.raises(InputError, match="--cache-size"):
        make_room(tmp_path, 301, bound=300)
    assert names(tmp_path) == ["a"]


def test_what_killed_processes_left_goes_and_what_is_being_made_stays(tmp_path):
    entry(tmp_path, ".left.partial-abc", 100, age=100)
    entry(tmp_path, ".begun.partial-abc", 100, age=1)  # its process is about to hold it
    made = entry(tmp_path, ".made.partial-abc", 100, age=100)
    with held_elsewhere(made):
        make_room(tmp_path, 1, bound=1000)
        assert names(tmp_path) == [".made.partial-abc", ".begun.partial-abc"]
        make_room(tmp_path, bound=1)
        assert names(tmp_path) == [".made.partial-abc", ".begun.partial-abc"]


def test_a_removal_that_was_killed_leaves_no_entry_that_is_found(tmp_path, monkeypatch):
    path = entry(tmp_path, "a", 100)

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            remove(path)
    assert not path.exists()
    (left,) = entries(tmp_path)
    assert not left.finished
    os.utime(left.path, (time.time() - 100,) * 2)
    make_room(tmp_path)
    assert names(tmp_path) == []


def test_an_entry_that_was_removed_while_one_waited_for_it_is_not_held(tmp_path, monkeypatch):
    path = entry(tmp_path, "a", 100)

    def removed_meanwhile(descriptor, **_):
        shutil.rmtree(path)
        entry(tmp_path, "a", 100)  # and computed by another process
        return True

    monkeypatch.setattr("kerasal._feature_cache.lock", removed_meanwhile)
    with pytest.raises(FileNotFoundError):
        Hold(path)


def test_without_locks_nothing_is_removed(tmp_path, monkeypatch):
    entry(tmp_path, "a", 100, 100)
    monkeypatch.setattr("kerasal._feature_cache.lock", lambda descriptor, **_: None)
    make_room(tmp_path, bound=1)
    assert names(tmp_path) == ["a"]


def no_locks(monkeypatch):
    """A network's file system without locks."""
    monkeypatch.setattr("kerasal._feature_cache.lock", lambda descriptor, **_: None)


def no_folders(monkeypatch):
    """Windows, where a folder cannot be opened."""
    opening = os.open

    def refusing(path, *arguments, **keywords):
        if os.path.isdir(path):
            raise PermissionError(13, "Permission denied", str(path))
        return opening(path, *arguments, **keywords)

    monkeypatch.setattr("kerasal._feature_cache.os.open", refusing)


@pytest.mark.parametrize("system", [no_locks, no_folders])
def test_without_locks_the_command_calls_nothing_in_use_and_says_what_to_remove(
    tmp_path, monkeypatch, system
):
    path = entry(tmp_path, "a", 100, 100)
    assert is_used(path) is False
    system(monkeypatch)
    assert is_used(path) is None
    (row,) = json.loads(invoke("data", "cache", "--cache-dir", tmp_path, "--json").stdout)
    assert row["in_use"] is None
    shown = invoke("data", "cache", "--cache-dir", tmp_path).stdout
    assert "no locks" in shown
    assert "in use" not in shown
    result = invoke("data", "cache", "--cache-dir", tmp_path, "--empty")
    assert result.exit_code == 2
    assert f"remove {path.parent} by hand" in result.stderr
    assert "wait for" not in result.stderr
    assert names(tmp_path) == ["a"]


@pytest.fixture
def opened(tmp_path, tiny_network):
    """Opens features of a tiny network for some of six photographs."""
    for number in range(9):
        write_photo(tmp_path / "photos/images" / f"p{number}.png", (30, 40), seed=number)
        (tmp_path / "photos/fixations").mkdir(exist_ok=True)
        np.save(tmp_path / f"photos/fixations/p{number}.npy", np.full((3, 2), 10.0))
    samples = data.load(str(tmp_path / "photos")).samples
    network = models.build("tiny", input_size=(32, 48), activation="relu", dropout=0, initial_density=0.2)

    def open_(start, stop, **options):
        return FeatureCache.open(network, samples[start:stop], folder=tmp_path / "cache", **options)

    return open_


def test_backbones_of_the_same_weights_that_scale_or_step_otherwise_share_no_features(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), "uint8")
    samples = [Sample("a", (64, 64), lambda: image, None, 2.0)]
    row = BACKBONES["efficientnet-lite2"]
    changes = {
        "as it is": {},
        "again": {},
        "divisor": {"preprocessing": {**row.preprocessing, "divisor": 64.0}},
        "levels' sizes": {"levels": {name: 2 * rms for name, rms in row.levels.items()}},
        "dilation": {},
    }
    found = {}
    for name, change in changes.items():
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(BACKBONES, row.name, replace(row, **change))
            if name == "dilation":
                patch.setattr(efficientnet_lite2, "DILATED_FROM", 99)
            network = models.Light((64, 64))
        cache = FeatureCache.open(network, samples, folder=tmp_path)
        found[name] = cache.files[0].parent.name, np.array(cache.read(0, False)[-1])
    assert found["again"][0] == found["as it is"][0]
    assert len({key for key, _ in found.values()}) == 4
    np.testing.assert_allclose(2 * found["levels' sizes"][1], found["as it is"][1], rtol=2e-3)


def test_features_are_bounded_told_of_and_kept_while_they_are_used(opened, tmp_path):
    cache = tmp_path / "cache"
    size = 2 * 16 * 24 * 4 * 2  # of two samples: (16, 24, 4) values of two bytes
    first = opened(0, 2, bound=3 * size)
    (there,) = entries(cache)
    assert size < there.size < 1.1 * size
    assert there.about["network"] == "tiny"
    assert (there.about["stimuli"], there.about["input_size"], there.about["mirrored"]) == (2, "32x48", False)
    second = opened(2, 4, bound=3 * size)
    for cached in entries(cache):  # two uses within one tick of the file system's clock would be equally old
        os.utime(cached.path, (time.time() - (1000 if cached.path == there.path else 500),) * 2)
    with pytest.raises(InputError, match="--cache-size"):
        opened(4, 6, bound=int(2.5 * size))  # both are in use
    assert len(entries(cache)) == 2
    values = np.array(first.read(1, False)[0])
    again = opened(0, 2, bound=3 * size)
    assert names(cache)[-1] == there.path.name  # was used last
    np.testing.assert_array_equal(again.read(1, False)[0], values)
    del second
    opened(4, 6, bound=int(2.9 * size))
    assert len(entries(cache)) == 2
    assert there.path.is_dir()
    del first, again
    opened(6, 8, bound=int(1.5 * size))
    assert len(entries(cache)) == 1
    assert not there.path.exists()


def test_each_sample_and_each_mirror_image_has_its_checksum_looked_at(opened):
    """Not again: the file is held, and checksums take longer than reading."""
    cache = opened(0, 2, mirrored=True)
    rows = [cache.read(0, mirrored=False)[0].copy(), cache.read(1, mirrored=False)[0]]
    file, first = cache.files[0], cache.arrays[0].offset
    damaged = bytearray(file.read_bytes())
    for row in (0, 2, 3):  # the first sample, and both mirror images
        damaged[first + row * rows[0].nbytes] ^= 1
    with open(file, "r+b") as opened_file:
        opened_file.write(damaged)
    cache.read(1, mirrored=False)
    for index in (0, 1):
        with pytest.raises(InputError, match="another checksum"):
            cache.read(index, mirrored=True)
    assert (cache.read(0, mirrored=False)[0] != rows[0]).sum() == 1
    with pytest.raises(InputError, match="another checksum"):  # in another process, or opened again
        pickle.loads(pickle.dumps(cache)).read(0, mirrored=False)


def test_the_command_lists_and_empties(opened, tmp_path):
    cache = tmp_path / "cache"
    features = opened(0, 2)
    entry(cache, "of-an-older-version", 1000, 5000)
    listed = json.loads(invoke("data", "cache", "--cache-dir", cache, "--json").stdout)
    assert [(row["in_use"], row["about"].get("network")) for row in listed] == [(False, None), (True, "tiny")]
    shown = invoke("data", "cache", "--cache-dir", cache).stdout
    for words in ("tiny 32x48", "in use", "kept", "kB"):
        assert words in shown
    result = invoke("data", "cache", "--cache-dir", cache, "--empty")
    assert result.exit_code == 2
    assert result.stdout == f"removed 1.00 kB from {cache}\n"
    assert result.stderr == "Error: 1 are in use and stay: wait for the trainings that use them\n"
    entry(cache, "another", 500, 5000)
    result = invoke("data", "cache", "--cache-dir", cache, "--empty", "--json")
    assert result.exit_code == 2
    document = json.loads(result.stdout)
    assert document["removed_bytes"] == 500
    assert [(row["in_use"], row["about"]["network"]) for row in document["staying"]] == [(True, "tiny")]
    del features
    emptied = invoke("data", "cache", "--cache-dir", cache, "--empty", "--json")
    assert (emptied.exit_code, json.loads(emptied.stdout)["staying"]) == (0, [])
    assert invoke("data", "cache", "--cache-dir", cache).stdout == f"0 bytes in {cache}\n"
    assert (
        invoke("data", "cache", "--cache-dir", tmp_path / "none").stdout
        == f"0 bytes in {tmp_path / 'none'}\n"
    )


class Backbone:
    """What `FeatureCache` asks of a network, whose features are the stimuli, `wait` called in between."""

    input_size, inference_batch, padded = (30, 40), 4, False

    def __init__(self, wait):
        self.wait = wait

    def backbone(self, stimuli, training):
        def seen(values):
            self.wait()
            return values

        return tf.ensure_shape(tf.numpy_function(seen, [stimuli], tf.float32), stimuli.shape)


def computed(watched, wait) -> np.ndarray:
    array = np.zeros((len(watched.samples), 30, 40, 3), "float16")
    _compute(Backbone(wait), watched.samples, False, [array], lambda items, _: items)
    return array


def test_the_next_batch_is_read_by_other_threads_while_the_backbone_works():
    watched, waited = ReadAhead(10, ahead=8), []
    array = computed(watched, lambda: waited.append(watched.enough.wait(20)))
    assert waited == [True] * 3
    assert threading.main_thread() not in watched.readers.values()
    np.testing.assert_array_equal(array[:, 7, 7, 1], range(10))


def test_of_damaged_stimuli_the_first_is_named_and_what_is_ahead_ends():
    watched, batches = ReadAhead(100, ahead=8, damaged=(5, 6)), []
    with pytest.raises(InputError, match=r"^s5 is damaged$"):
        computed(watched, lambda: batches.append(0))
    assert len(batches) == 1
    assert max(watched.readers) <= 5 + 4

    watched = ReadAhead(100, ahead=8)
    with pytest.raises(KeyboardInterrupt):
        _compute(Backbone(int), watched.samples, False, [np.zeros((100, 30, 40, 3))], interrupted)
    assert len(watched.readers) <= 8


def interrupted(items, _):
    yield items[0]
    raise KeyboardInterrupt


@pytest.mark.parametrize("size", ["0", "-1", "much", "nan", "inf", "1e-12"])
def test_a_size_that_is_none_is_refused(size, tmp_path):
    for command in (["train", "--run", tmp_path / "run"], ["quest", "-o", tmp_path / "q"]):
        result = invoke(*command, "--cache-size", size)
        assert result.exit_code == 2
        assert "Invalid value for '--cache-size'" in result.stderr
