"""Two devices, and two machines, compute what one does."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasal import losses
from kerasal.errors import InputError
from kerasal.training import RunFolder
from kerasal.training.distribution import Replicated, make_strategy

PROGRAM = Path(__file__).with_name("distributed_runs.py")


def start(*arguments, **environment):
    return subprocess.Popen(
        [sys.executable, PROGRAM, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def finished(process):
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return output.strip()


def assert_equal_histories(one, other, tolerance=1e-4):
    # The same sums in another order: float32's digits, after the updates of three epochs.
    assert len(one) == len(other) == 3
    for row, other_row in zip(one, other, strict=True):
        assert row.keys() == other_row.keys()
        for name, value in row.items():
            assert value == pytest.approx(other_row[name], rel=tolerance, abs=tolerance), name


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-4), ("bfloat16", 1e-2)])
def test_two_devices_of_one_machine_train_as_one_does(precision, tolerance, photo_folder, tmp_path):
    # 6 stimuli in batches of 4, and 1 to validate, for which one device has nothing to do.
    runs = start(photo_folder, tmp_path, "one", "mirrored", PRECISION=precision)
    assert finished(runs) == "wrote wrote"
    one, two = (RunFolder(tmp_path / name) for name in ("one", "mirrored"))
    assert_equal_histories(one.history, two.history, tolerance)
    assert two.config["options"]["strategy"] == "mirrored"
    assert RunFolder.open(two.path).best_weights.is_file()


def start_workers(photo_folder, *roots, **environment):
    """Two workers, each with its folder for runs."""
    with socket.socket() as one, socket.socket() as other:
        for found in (one, other):
            found.bind(("127.0.0.1", 0))
        addresses = [f"127.0.0.1:{found.getsockname()[1]}" for found in (one, other)]
    cluster = {"worker": addresses}
    return [
        start(
            photo_folder,
            root,
            "multi-worker",
            TF_CONFIG=json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}}),
            **environment,
        )
        for index, root in enumerate(roots)
    ]


@pytest.mark.slow
def test_two_workers_train_as_one_does_and_the_chief_alone_writes(photo_folder, tmp_path):
    workers = start_workers(photo_folder, tmp_path / "worker-0", tmp_path / "worker-1")
    assert [finished(worker) for worker in workers] == ["wrote", "wrote nothing"]
    assert not (tmp_path / "worker-1").exists()
    assert finished(start(photo_folder, tmp_path, "one")) == "wrote"
    assert_equal_histories(
        RunFolder(tmp_path / "one").history, RunFolder(tmp_path / "worker-0/multi-worker").history
    )


@pytest.mark.slow
def test_two_devices_go_on_from_where_they_were_killed(photo_folder, tmp_path):
    killed = start(photo_folder, tmp_path, "mirrored", DIES_AFTER_EPOCH="2")
    killed.communicate(timeout=300)
    assert killed.returncode == 9
    assert len(RunFolder(tmp_path / "mirrored").history) == 2
    assert finished(start(photo_folder, tmp_path, "mirrored", "one")) == "wrote wrote"
    assert_equal_histories(RunFolder(tmp_path / "one").history, RunFolder(tmp_path / "mirrored").history)


@pytest.mark.slow
def test_two_workers_go_on_from_where_they_were_killed(photo_folder, tmp_path):
    # Both have to see the run folder.
    killed = start_workers(photo_folder, tmp_path, tmp_path, DIES_AFTER_EPOCH="2")
    for worker in killed:
        worker.communicate(timeout=300)
    assert 9 in [worker.returncode for worker in killed]
    assert len(RunFolder(tmp_path / "multi-worker").history) == 2
    workers = start_workers(photo_folder, tmp_path, tmp_path)
    assert [finished(worker).startswith("wrote") for worker in workers] == [True, True]
    assert finished(start(photo_folder, tmp_path, "one")) == "wrote"
    assert_equal_histories(RunFolder(tmp_path / "one").history, RunFolder(tmp_path / "multi-worker").history)


@pytest.mark.parametrize(
    "config",
    [None, "", "{}", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}'],
)
def test_workers_without_a_usable_tf_config_are_told_what_it_looks_like(monkeypatch, config):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config is not None:
        monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(InputError, match=r'TF_CONFIG.*"worker": .*"index": 0'):
        make_strategy("multi-worker")


def test_the_loss_that_is_measured_has_the_penalties_of_weights_as_on_one_device():
    inputs = keras.Input((4, 4, 1))
    layer = keras.layers.Conv2D(1, 1, kernel_regularizer=keras.regularizers.L2(0.5))
    replicated = Replicated([inputs], [layer(inputs)])
    replicated.measure(losses.MSE(), [], [])
    random = np.random.default_rng(0)
    x, y = random.random((2, 3, 4, 4, 1)).astype("float32")
    replicated.test_step((x, tf.constant(y), tf.constant([1.0, 1.0, 0.0])))
    kernel = float(layer.kernel.numpy().squeeze())
    expected = np.mean((x[:2] * kernel - y[:2]) ** 2) + 0.5 * kernel**2
    assert float(replicated.metrics[0].result()) == pytest.approx(expected, rel=1e-5)
