"""What stops a training, and what it shows."""

import signal
import sys
from dataclasses import replace
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from kerasal import data, losses, models, training
from kerasal.data.pipeline import batch_samples
from kerasal.errors import InputError
from kerasal.training import loop
from kerasal.training.callbacks import Diverged, StopOnDivergence, WatchMaps
from kerasal.training.checkpoint import Checkpoints, TrainingState
from kerasal.training.interrupt import StopRequest
from kerasal.training.progress import Lines, make_progress

pytestmark = pytest.mark.usefixtures("tiny_network")

OPTIONS = {"epochs": 2, "batch_size": 2, "learning_rate": 1e-2, "seed": 3}
SILENT = {"report": lambda _: None, "verbose": 0}


class Seen(Exception):
    """Carries out what a function was called with."""


def tiny(activation="sigmoid"):
    return models.build("tiny", input_size=(32, 48), activation=activation, dropout=0.5, initial_density=0.05)


@pytest.fixture
def photos(photo_folder):
    return data.load(str(photo_folder))


def test_a_loss_that_is_no_number_names_step_term_and_files_and_leaves_good_weights(photos, tmp_path):
    samples = photos["train"]
    broken = replace(samples[4], density_file=lambda: np.full(samples[4].size, np.nan))
    dataset = data.Dataset(
        "photos", {**photos.splits, "train": [*samples[:4], broken, *samples[5:]]}, "photos", "MIT"
    )
    # The truth: where the first target that is not a number comes in the epoch, read from the pipeline.
    batches = data.batches(dataset["train"], (32, 48), 2, epochs=1, seed=3, flip=True)
    step = 1 + next(i for i, (_, target) in enumerate(batches) if np.isnan(target).any())
    with pytest.raises(Diverged, match=f"not finite at step {step} of epoch 1") as caught:
        training.fit(
            tiny(), dataset, "kld+cc", run=tmp_path / "run", checkpoint_minutes=0.0, **OPTIONS, **SILENT
        )
    message = str(caught.value)
    assert "in the terms cc, kld, for the batch" in message
    named = [sample for sample in dataset["train"] if str(sample.stimulus) in message]
    assert samples[4].name in [sample.name for sample in named]
    assert len(named) == 2
    assert f"last.weights.h5 has the weights after step {step - 1} of epoch 1" in message
    state, arrays = Checkpoints(tmp_path / "run/checkpoints").newest()
    assert state.steps == step - 1
    model = tiny()
    model.load_weights(tmp_path / "run/last.weights.h5")
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    saved = [array for array in arrays["weights"] if array.dtype == "float32"]  # less the random state
    for weight, array in zip(model.head.get_weights(), saved, strict=True):
        np.testing.assert_array_equal(weight, array)


def test_weights_that_are_no_numbers_never_become_a_checkpoint(photos, tmp_path):
    class Poison(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 1:
                weight = self.model.trainable_weights[0]
                weight.assign(np.full(weight.shape, np.nan))  # a relu after it may hide that from the loss

    with pytest.raises(Diverged, match="step 2 of epoch 1"):
        training.fit(
            tiny(), photos, "kld", run=tmp_path / "run", callbacks=[Poison()], checkpoint_minutes=0.0,
            **OPTIONS, **SILENT,
        )  # fmt: skip
    state, arrays = Checkpoints(tmp_path / "run/checkpoints").newest(pytest.fail)
    assert state.steps == 1
    assert arrays["weights"]
    for path in (tmp_path / "run/checkpoints").iterdir():
        with np.load(path) as archive:
            assert all(np.isfinite(archive[name]).all() for name in archive.files if "weights" in name)


def batch_losses(values, batch_size=2, count=None):
    """Feed the losses of single batches, as the running means that Keras reports."""
    count = count or batch_size * len(values)
    state = TrainingState()
    watch = StopOnDivergence(state, batch_size, count, lambda epoch, step: [])
    watch.set_model(SimpleNamespace(optimizer=None))
    watch.on_epoch_begin(0)
    total = seen = 0.0
    for step, value in enumerate(values):
        size = min(batch_size, count - step * batch_size)
        total, seen = total + value * size, seen + size
        state.step, state.steps = step + 1, step + 1
        watch.on_train_batch_end(step, {"loss": total / seen, "kld_loss": total / seen, "cc_loss": -0.5})


def test_an_explosion_is_a_thousand_times_the_first_losses_in_one_batch():
    calm = [2.0] * 10
    batch_losses([*calm, 1000.0, -900.0])
    with pytest.raises(Diverged, match=r"exploded to 3.1e\+03 at step 12 of epoch 1, in the term kld"):
        batch_losses([*calm, 1.0, 3100.0])
    with pytest.raises(Diverged, match=r"exploded to 3.1e\+03"):
        batch_losses([*calm, 1.0, 3100.0], count=23)  # the last batch has one stimulus
    batch_losses([5000.0, *calm, 4000.0])  # it began large
    with pytest.raises(Diverged, match="not finite at step 2"):
        batch_losses([1.0, np.inf])


def test_the_batch_named_is_the_batch_that_the_pipeline_makes(photos):
    samples = photos["train"]
    batches = list(data.batches(samples, (32, 48), 4, epochs=3, seed=5))
    for number, (_, targets) in enumerate(batches):
        expected = batch_samples(samples, 4, 5, number // 2, number % 2)
        for target, sample in zip(targets, expected, strict=True):
            np.testing.assert_allclose(target, sample.target((32, 48)), atol=1e-6)


def test_a_second_signal_finds_the_systems_own_handler_and_the_first_is_kept(capfd):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    for number in (signal.SIGINT, signal.SIGTERM):
        with StopRequest() as request:
            assert not request.pending
            signal.raise_signal(number)
            assert request.pending
            assert signal.getsignal(signal.SIGINT) == signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert capfd.readouterr().err.count("once more stops at once") == 2


@pytest.mark.ci
def test_tensorboard_has_the_historys_numbers_and_a_picture_of_each_epoch(photos, tmp_path):
    history = training.fit(tiny(), photos, "kld+cc", run=tmp_path / "run", **OPTIONS, **SILENT)
    for part, prefix in (("train", ""), ("validation", "val_")):
        events = EventAccumulator(str(tmp_path / "run/tensorboard" / part))
        events.Reload()
        for name in ("loss", "kld_loss", "cc", "nss"):
            written = [
                float(tf.make_ndarray(event.tensor_proto)) for event in events.Tensors(f"epoch_{name}")
            ]
            assert written == pytest.approx([row[prefix + name] for row in history], rel=1e-6)
    assert len(events.Tensors("stimulus, density, prediction")) == 2
    # One stimulus in the validation split, and beside it its density and the map.
    picture = np.asarray(Image.open(tmp_path / "run/maps/epoch-002.jpg")).astype(float)
    assert picture.shape == (32, 3 * 48, 3)
    sample = photos["validation"][0]
    density = sample.density((32, 48))
    assert np.corrcoef(picture[:, 48:96, 0].ravel(), density.ravel())[0, 1] > 0.98
    stimulus = Image.fromarray(sample.read_stimulus()).resize((48, 32))
    assert np.abs(picture[:, :48] - np.asarray(stimulus)).mean() < 8


def test_lines_tell_first_terms_speed_time_left_and_validation(monkeypatch):
    clock = iter(np.arange(0.0, 1e4, 20.0))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))  # each look at the clock is 20 s later
    lines = []
    state = TrainingState()
    shown = Lines(state, epochs=2, steps=3, batch_size=4, write=lines.append)
    shown.set_model(type("Model", (), {"stop_training": False})())
    for epoch in range(2):
        state.epoch, state.step = epoch, 0
        shown.on_epoch_begin(epoch)
        for step in range(3):
            state.step = step + 1
            shown.on_train_batch_end(step, {"loss": 7.5, "kld_loss": 0.8, "cc_loss": -0.5, "cc": 0.5})
        shown.on_epoch_end(epoch, {"loss": 7.0, "cc": 0.6, "val_loss": 8.0, "val_cc": 0.41})
    assert lines[0] == "first step: loss 7.5 (kld 0.8, cc -0.5), cc 0.500"
    assert any(line.startswith("epoch 1/2, step 1/3: ") for line in lines)
    ends = [line for line in lines if "validation" in line]
    assert len(ends) == 2
    assert "validation: loss 8, cc 0.410" in ends[0]
    assert "0.2 images/s" in ends[0]  # 4 images in 20 s
    assert ends[0].endswith("1:20 min, 1:20 min left")
    assert ends[1].startswith("epoch 2/2")
    assert "left" not in ends[1]


def test_a_terminal_gets_a_bar_and_a_pipe_gets_lines(monkeypatch):
    sizes = {"epochs": 1, "steps": 1, "batch_size": 1}
    assert make_progress(0, TrainingState(), **sizes) == []
    for terminal, name in ((True, "Bar"), (False, "Lines")):
        monkeypatch.setattr("sys.stderr.isatty", lambda terminal=terminal: terminal, raising=False)
        assert type(make_progress("auto", TrainingState(), **sizes)[0]).__name__ == name


def test_fit_returns_the_history_and_leaves_the_best_weights(photos, monkeypatch):
    model = tiny()
    history = training.fit(
        model, photos, "kld", epochs=4, batch_size=2, learning_rate=0.5, patience=0, ema=0.0, decay="none",
        **SILENT,
    )  # fmt: skip
    assert [row["epoch"] for row in history] == [0, 1, 2, 3]
    model.compile(loss=losses.get("kld"))
    measured = model.evaluate(data.batches(photos["validation"], (32, 48), 4), verbose=0)
    assert measured == pytest.approx(min(row["val_loss"] for row in history), rel=1e-4)


@pytest.mark.ci
def test_features_serve_several_trainings_and_wrong_ones_are_refused(photos, monkeypatch):
    model = tiny()
    features = training.open_features(model, photos, flip=False)
    with pytest.raises(InputError, match="mirrored"):
        training.fit(model, photos, "kld", features=features, **SILENT)
    with pytest.raises(InputError, match="features of 6 stimuli for a train split of 4"):
        training.fit(model, photos.limited(4), "kld", features=features, flip=False, **SILENT)
    with pytest.raises(InputError, match="precision: the model is built"):
        training.fit(model, photos, "kld", precision="bfloat16", **SILENT)
    monkeypatch.setattr(data.Sample, "read_stimulus", lambda self: pytest.fail("a stimulus was read"))
    for loss in ("kld", keras.losses.MeanSquaredError()):
        history = training.fit(
            tiny(), photos, loss, features=features, flip=False, epochs=1, batch_size=2, **SILENT
        )
        assert np.isfinite(history[0]["val_loss"])


def test_the_options_reach_the_network_and_the_compilation(photos, tmp_path, monkeypatch):
    def build(name, **options):
        raise Seen(name, options)

    monkeypatch.setattr(models, "build", build)
    options = training.options(
        model="tiny", input_size=(40, 56), activation="relu", dropout=0.3, feature_dropout=0.2,
        backbone_weights="random", deterministic=True,
    )  # fmt: skip
    calls = []
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: calls.append(True))
    with pytest.raises(Seen) as seen:
        training.train(photos, options, tmp_path / "run", **SILENT)
    name, given = seen.value.args
    assert (name, calls) == ("tiny", [True])
    assert {key: given[key] for key in ("input_size", "activation", "dropout", "feature_dropout")} == {
        "input_size": (40, 56), "activation": "relu", "dropout": 0.3, "feature_dropout": 0.2,
    }  # fmt: skip
    assert given["backbone_weights"] == "random"


def test_a_network_without_the_option_of_an_activation_is_fitted_too(photos, monkeypatch):
    def made(network, dataset, loss, options, *_):
        raise Seen(options.model, options.loss)

    monkeypatch.setattr(sys.modules["kerasal.training.fit"], "Loop", made)
    network = models.SAMVGG((32, 32), filters=2, backbone_filters=4, steps=1, backbone_weights="random")
    with pytest.raises(Seen) as seen:
        training.fit(network, photos, "mse", **SILENT)
    assert seen.value.args == ("sam-vgg", "mse")


@pytest.mark.parametrize("xla", [True, False])
def test_xla_is_asked_of_keras(photos, xla, monkeypatch):
    def compile_(self, *_, jit_compile=None, **__):
        raise Seen(jit_compile)

    monkeypatch.setattr(keras.Model, "compile", compile_)
    with pytest.raises(Seen) as seen:
        training.fit(tiny(), photos, "kld", xla=xla, **SILENT)
    assert seen.value.args == (xla,)


def test_batch_size_epochs_seed_and_flip_reach_the_pipeline(photos, monkeypatch):
    plain = loop.batches

    def batches(samples, size, batch_size, **options):
        if samples is photos["train"]:
            raise Seen(batch_size, options["epochs"], options["seed"], options["flip"])
        return plain(samples, size, batch_size, **options)

    monkeypatch.setattr(loop, "batches", batches)
    with pytest.raises(Seen) as seen:
        training.fit(tiny(), photos, "kld", batch_size=3, epochs=5, seed=11, flip=False, **SILENT)
    assert seen.value.args == (3, 5, 11, False)


@pytest.mark.parametrize("padded", [False, True])
def test_the_pictures_of_an_epoch_show_a_stimulus_where_its_density_is(tmp_path, padded):
    white = np.full((10, 40, 3), 255, np.uint8)
    sample = data.Sample("wide", (10, 40), lambda: white, (np.array([[20.0, 5.0]]),), 2.0)
    target = sample.target((32, 32), padded)[None]
    watch = WatchMaps([(None, tf.constant(target))], [sample], training.RunFolder(tmp_path), print, padded)
    watch.set_model(lambda *_, **__: target[..., :1])
    watch.on_epoch_end(0)
    stimulus, density, map_ = np.split(np.array(Image.open(tmp_path / "maps/epoch-001.jpg")), 3, axis=1)
    seen = stimulus.mean(axis=(1, 2)) > 128
    assert seen.sum() == (8 if padded else 32)
    assert density[~seen].max(initial=0) < 40  # of 255: a JPEG
    np.testing.assert_array_equal(density, map_)
