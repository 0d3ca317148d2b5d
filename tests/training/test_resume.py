"""A training that was stopped goes on as if it had not been."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import write_photo_folder

from kerasal import _files, data, models, prediction, training
from kerasal.errors import InputError
from kerasal.export.card import model_card
from kerasal.prediction.predictor import LoadedPredictor
from kerasal.training import loop
from kerasal.training.callbacks import KeepState
from kerasal.training.checkpoint import Checkpoints, TrainingState

pytestmark = pytest.mark.usefixtures("tiny_network")

OPTIONS = {
    "model": "tiny",
    "loss": "kld",
    "input_size": (32, 48),
    "epochs": 3,
    "batch_size": 2,  # of 6 stimuli
    "learning_rate": 1e-2,
    "checkpoint_minutes": 0.0,
}
SILENT = {"report": lambda _: None, "verbose": 0}


def train(folder, path, **changes):
    return training.train(data.load(str(folder)), training.options(**{**OPTIONS, **changes}), path, **SILENT)


def train_and_copy(folder, path, **changes):
    """A run, and beside it path-N: what a kill leaves after the checkpoint of step N."""
    plain = Checkpoints.save

    def save(self, state, arrays):
        plain(self, state, arrays)
        shutil.copytree(path, path.with_name(f"{path.name}-{state.steps}"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "save", save)
        return train(folder, path, **changes)


@pytest.fixture
def stopped_after(monkeypatch):
    """Has a Ctrl-C come after so many steps of the next training."""
    plain = KeepState.on_train_batch_end

    def stop_after(steps):
        def count(self, batch, logs=None):
            plain(self, batch, logs)
            if self.state.steps == steps:
                monkeypatch.setattr(KeepState, "on_train_batch_end", plain)
                signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr(KeepState, "on_train_batch_end", count)

    return stop_after


def assert_equal_runs(one, other, rtol=1e-4):
    # Sums over threads differ in their last digits.
    assert len(one.history) == len(other.history)
    for row, other_row in zip(one.history, other.history, strict=True):
        for name, value in row.items():
            assert value == pytest.approx(other_row[name], rel=rtol, abs=1e-4), name
    for path in ("best_weights", "last_weights"):
        for first, second in zip(weights(one, path), weights(other, path), strict=True):
            np.testing.assert_allclose(first, second, rtol=1e-3, atol=1e-5)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """The photographs of `photo_folder`, for all tests that leave them as they are."""
    return write_photo_folder(tmp_path_factory.mktemp("data") / "photos")


@pytest.fixture(scope="module")
def unbroken(photos, tmp_path_factory, tiny_network):
    """A run that nobody stopped."""
    return train_and_copy(photos, tmp_path_factory.mktemp("unbroken") / "run")


@pytest.fixture
def killed_after(unbroken, tmp_path):
    """Makes the run folder tmp_path/run: what the unbroken run was after so many steps."""

    def killed_after(steps):
        return Path(shutil.copytree(f"{unbroken.path}-{steps}", tmp_path / "run"))

    return killed_after


@pytest.fixture
def finished(unbroken, tmp_path):
    """A finished run of a test's own."""
    return training.RunFolder(shutil.copytree(unbroken.path, tmp_path / "run"))


def weights(run, path):
    model = run.load_model()
    model.load_weights(getattr(run, path))
    return model.get_weights()


def killed_runs(folder, root, kills, seed):
    result = subprocess.run(
        [sys.executable, Path(__file__).with_name("killed_runs.py"), folder, root, str(kills), str(seed)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert len(json.loads(result.stdout)) == kills
    unbroken, all_broken = root / "unbroken", list(root.glob("broken-*"))
    assert all_broken
    for broken in all_broken:
        for name in ("best.weights.h5", "last.weights.h5", "history.csv"):
            assert (broken / name).read_bytes() == (unbroken / name).read_bytes(), result.stdout
        assert not list(broken.rglob("*partial*"))


@pytest.mark.ci
def test_a_run_killed_at_random_moments_ends_as_an_unbroken_one_bit_for_bit(photos, tmp_path):
    killed_runs(photos, tmp_path, kills=2, seed=0)


@pytest.mark.slow
def test_a_run_killed_at_twenty_random_moments_ends_as_an_unbroken_one_bit_for_bit(photos, tmp_path):
    killed_runs(photos, tmp_path, kills=20, seed=1)


def test_ctrl_c_saves_the_step_and_says_where_and_how_to_go_on(
    photos, tmp_path, stopped_after, unbroken, capfd
):
    before = signal.getsignal(signal.SIGINT)  # a shell's background job ignores it
    stopped_after(5)
    with pytest.raises(training.Interrupted, match=r"step 2 of epoch 2.*--resume .*broken"):
        train(photos, tmp_path / "broken", checkpoint_minutes=60.0)
    assert "once more stops at once" in capfd.readouterr().err
    names = {path.name for path in (tmp_path / "broken/checkpoints").iterdir()}
    assert names == {"0000003.npz", "0000005.npz"}
    assert signal.getsignal(signal.SIGINT) is before
    assert_equal_runs(training.resume(tmp_path / "broken", **SILENT), unbroken)


def test_a_damaged_newest_checkpoint_is_noticed_and_the_one_before_used(killed_after, unbroken):
    path = killed_after(8)
    newest = path / "checkpoints/0000008.npz"
    newest.write_bytes(newest.read_bytes()[:-700])
    lines = []
    run = training.resume(path, report=lines.append, verbose=0)
    assert any("0000008.npz is damaged" in line for line in lines)
    assert any("after step 1 of epoch 3" in line for line in lines)  # 7 steps, 3 an epoch
    assert_equal_runs(run, unbroken)


def test_a_flipped_bit_anywhere_in_a_checkpoint_never_changes_what_is_read(tmp_path):
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    array = np.random.default_rng(0).normal(size=200).astype("float32")
    path = checkpoints.save(TrainingState(steps=4, history=[{"epoch": 0, "loss": 1.5}]), {"weights": [array]})
    whole = path.read_bytes()
    noticed = 0
    for position in range(0, len(whole), 3):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        lines = []
        if found := checkpoints.newest(lines.append):
            state, arrays = found
            assert state == TrainingState(steps=4, history=[{"epoch": 0, "loss": 1.5}])
            np.testing.assert_array_equal(arrays["weights"][0], array)
        else:
            noticed += 1
            assert "is damaged" in lines[0]
    assert noticed > len(whole) / 3 * 0.7  # the archive's dates may be anything


@pytest.mark.slow
def test_all_checkpoints_damaged_means_from_the_beginning(killed_after, unbroken):
    run = killed_after(4)
    for path in (run / "checkpoints").iterdir():
        path.write_bytes(b"")
    assert_equal_runs(training.resume(run, **SILENT), unbroken)


@pytest.mark.slow
def test_early_stopping_counts_on_across_an_interruption(photos, tmp_path, stopped_after):
    changes = {"epochs": 30, "patience": 2, "learning_rate": 0.3, "decay": "none", "ema": 0.0}
    unbroken = train(photos, tmp_path / "unbroken", **changes)
    epochs = len(unbroken.history)
    best = int(np.argmin([row["val_loss"] for row in unbroken.history]))
    assert epochs == best + 1 + 2 < 30
    stopped_after(3 * (epochs - 1) + 1)  # in the last epoch: the count stands at 1
    with pytest.raises(training.Interrupted):
        train(photos, tmp_path / "run", **changes)
    assert_equal_runs(training.resume(tmp_path / "run", **SILENT), unbroken)


def test_a_finished_run_is_left_as_it_is(finished):
    before = {path: path.stat().st_mtime_ns for path in finished.path.rglob("*") if path.is_file()}
    lines = []
    training.resume(finished.path, report=lines.append, verbose=0)
    assert "is finished" in lines[0]
    assert before == {path: path.stat().st_mtime_ns for path in finished.path.rglob("*") if path.is_file()}
    assert [path.name for path in finished.checkpoints.iterdir()] == ["0000009.npz"]


@pytest.mark.ci
@pytest.mark.parametrize(
    "changes", [{"ema": 0.9}, {"optimizer": "sgd", "momentum": 0.9, "ema": 0.0, "weight_decay": 0.0}]
)
def test_a_finished_run_made_longer_is_one_trained_for_as_long_at_once_bit_for_bit(photos, tmp_path, changes):
    changes |= {"decay": "none", "deterministic": True, "patience": 0}
    whole = train(photos, tmp_path / "whole", epochs=4, **changes)
    train(photos, tmp_path / "run", epochs=2, **changes)
    longer = training.resume(tmp_path / "run", epochs=4, **SILENT)
    for name in ("history.csv", "options.yaml"):
        assert (longer.path / name).read_bytes() == (whole.path / name).read_bytes()
    for name in ("best_weights", "last_weights"):
        for one, two in zip(weights(longer, name), weights(whole, name), strict=True):
            np.testing.assert_array_equal(one, two)
    assert longer.options == whole.options
    assert longer.config["made_with"] == whole.config["made_with"]


def test_scores_stand_on_the_card_of_the_weights_that_they_were_measured_of_alone(finished):
    def scores_of(name):
        source = prediction.find(name)
        card = model_card(LoadedPredictor(source.name, None, source.facts), "keras", stored="", size=None)
        return next(line for line in card.splitlines() if line.startswith("- Scores"))

    scores = {"metrics": {"cc": {"mean": 0.5}}, "split": "test", "data": "photos"}
    for suffix in ("json", "csv", "md", "tex"):
        (finished.path / f"metrics.{suffix}").write_text(json.dumps(scores))
    for name in (finished.path, finished.best_weights):
        assert scores_of(name) == "- Scores on the test split of photos: cc 0.5000"
    assert scores_of(finished.last_weights) == "- Scores: not evaluated"
    finished.save_weights(finished.load_model(), finished.best_weights)
    for name in (finished.path, finished.best_weights, finished.last_weights):
        assert scores_of(name) == "- Scores: not evaluated"
    assert not list(finished.path.glob("metrics.*"))


@pytest.mark.ci
def test_a_run_that_is_killed_before_it_becomes_longer_does_so_later(finished, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(loop.Loop, "run", lambda self: sys.exit())
        with pytest.raises(SystemExit):
            training.resume(finished.path, epochs=4, **SILENT)
    assert finished.options.epochs == 4
    assert len(training.resume(finished.path, **SILENT).history) == 4
    lines = []
    training.resume(finished.path, report=lines.append, verbose=0)
    assert "is finished: 4 epochs" in lines[0]


def test_a_longer_run_goes_on_with_the_longer_ones_decay(finished, monkeypatch):
    assert finished.options.decay == "cosine"
    (finished.path / "metrics.json").write_text("the scores of the shorter run")
    rates = []
    plain = KeepState.on_train_batch_end

    def note(self, batch, logs=None):
        plain(self, batch, logs)
        rates.append(float(self.model.optimizer.learning_rate))

    monkeypatch.setattr(KeepState, "on_train_batch_end", note)
    training.resume(finished.path, epochs=4, **SILENT)
    # 3 steps an epoch; Keras tells the rate of the next one.
    expected = [1e-2 * (1 + np.cos(np.pi * step / 12)) / 2 for step in range(10, 13)]
    np.testing.assert_allclose(rates, expected, rtol=1e-5, atol=1e-9)
    assert not (finished.path / "metrics.json").exists()


@pytest.mark.ci
def test_what_cannot_be_made_longer_is_refused_and_left_as_it_is(photos, finished, tmp_path):
    changes = {"epochs": 30, "patience": 1, "learning_rate": 0.3, "decay": "none", "ema": 0.0}
    early = train(photos, tmp_path / "early", **changes)
    assert len(early.history) < 30
    old = Checkpoints(finished.checkpoints).newest(pytest.fail)[0]
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for run, epochs, words in (
        (early, 40, "ended by itself after .* start a new run with --weights"),
        (finished, 1, "epochs must be more, got 1"),
        (finished, 0, "epochs must be at least 1, got 0"),
    ):
        with pytest.raises(InputError, match=words):
            training.resume(run.path, epochs=epochs, **SILENT)
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    Checkpoints(finished.checkpoints).save(old, {})  # as kerasal once ended a run
    with pytest.raises(InputError, match="has kept no optimizer"):
        training.resume(finished.path, epochs=4, **SILENT)


@pytest.mark.ci
def test_a_run_that_began_with_weights_keeps_its_frozen_backbone(photos, unbroken, tmp_path):
    begun = train_and_copy(photos, tmp_path / "run", weights=str(unbroken.path), seed=5)
    for steps, has_best in ((2, False), (4, True)):
        killed = Path(f"{begun.path}-{steps}")
        assert (killed / "best.weights.h5").is_file() == has_best
        assert_equal_runs(training.resume(killed, **SILENT), begun)


@pytest.mark.ci
def test_a_run_of_a_network_made_in_a_program_goes_on_with_its_frozen_backbone(photos, tmp_path):
    network = models.Light((32, 48), "sigmoid", backbone_weights="random")
    backbone = network.backbone.get_weights()
    options = {"epochs": 2, "batch_size": 6, "checkpoint_minutes": 0.0}
    plain = Checkpoints.save

    def save(self, state, arrays):
        plain(self, state, arrays)
        shutil.copytree(tmp_path / "run", tmp_path / f"killed-{state.steps}", dirs_exist_ok=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "save", save)
        training.fit(network, data.load(str(photos)), "kld", run=tmp_path / "run", **options, **SILENT)
    with pytest.raises(InputError, match="was stopped in its first epoch"):
        training.resume(tmp_path / "killed-0", **SILENT)
    run = training.resume(tmp_path / "killed-1", **SILENT)
    assert len(run.history) == 2
    for one, other in zip(run.load_model().backbone.get_weights(), backbone, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("epochs", [None, 4])
def test_a_run_whose_checkpoints_were_removed_is_refused_and_left_as_it_is(finished, epochs):
    shutil.rmtree(finished.checkpoints)
    before = {path: path.read_bytes() for path in finished.path.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match=f"no checkpoint: start a new run with --weights {finished.path}"):
        training.resume(finished.path, epochs=epochs, **SILENT)
    assert before == {path: path.read_bytes() for path in finished.path.rglob("*") if path.is_file()}


def test_two_do_not_go_on_with_one_run_at_once(killed_after):
    run = killed_after(2)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with _files.held(run), pytest.raises(InputError, match="another process is at work in"):
        training.resume(run, **SILENT)
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_going_on_with_other_data_is_refused(photos, killed_after, tmp_path):
    others = shutil.copytree(photos, tmp_path / "photos")
    shutil.copy(others / "images/p1.jpg", others / "images/p3.jpg")
    with pytest.raises(InputError, match="have changed"):
        training.resume(killed_after(2), data_dir=others, **SILENT)
    with pytest.raises(InputError, match="not a run folder"):
        training.resume(tmp_path, **SILENT)


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_damages_no_file(photos, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=120k", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount the small disk that this test fills")
    try:
        with pytest.raises(InputError, match=r"cannot write .*No space left"):
            train(photos, disk / "run", epochs=8, patience=0)
        found = Checkpoints(disk / "run/checkpoints").newest(pytest.fail)
        assert found is not None
        assert not list((disk / "run").rglob("*partial*"))
        assert (disk / "run/best.weights.h5").is_file()
        training.RunFolder.open(disk / "run").load_model()
        subprocess.run(["mount", "-o", "remount,size=9m", str(disk)], check=True)
        assert len(training.resume(disk / "run", **SILENT).history) == 8
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_folder_that_cannot_be_written_is_told_before_the_work_begins(
    photos, killed_after, tmp_path, monkeypatch
):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot make the folder"):
        train(photos, tmp_path / "file" / "run")
    run = killed_after(2)

    def read_only(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "replace", read_only)
    monkeypatch.setattr(data, "load", lambda **_: pytest.fail("the data were read first"))
    with pytest.raises(InputError, match=r"cannot write .*Read-only"):
        training.resume(run, **SILENT)
