"""SalGAN's training, on a small generator: who learns from which batch, and from what; runs; resuming."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from training_cases import marked_samples

from kerasal import data, losses, models, training
from kerasal.errors import InputError
from kerasal.training.adversarial import Adversarial
from kerasal.training.callbacks import Diverged, LogScalars, SaveCheckpoints, StopOnDivergence
from kerasal.training.checkpoint import TrainingState
from kerasal.training.optimizers import make_optimizer
from kerasal.training.step import MOST_LEFT_OUT, LeavingOut

SIZE = (32, 48)


class SmallSalGAN(models.SalGAN):
    """SalGAN with a sixteenth of its channels."""

    def __init__(self, *args, **options):
        super().__init__(*args, **{"filters": 4, **options})


SMALL = replace(models.NETWORKS["salgan"], name="salgan-small", network=SmallSalGAN)


@pytest.fixture(autouse=True)
def _small_salgan(monkeypatch):
    monkeypatch.setitem(models.NETWORKS, SMALL.name, SMALL)


def adagrad():
    return keras.optimizers.Adagrad(3e-4, initial_accumulator_value=0.0, epsilon=1e-6)


def batch(seed=0, count=2):
    random = np.random.default_rng(seed)
    x = random.uniform(0, 255, (count, *SIZE, 3)).astype("float32")
    y = np.stack([random.uniform(size=(count, *SIZE)), random.integers(0, 2, (count, *SIZE))], -1)
    return x, y.astype("float32")


@pytest.fixture
def adversarial():
    keras.utils.set_random_seed(0)
    network = SmallSalGAN(SIZE, backbone_weights="random")
    model = Adversarial(network, network.discriminator(), adagrad)
    model.compile(adagrad(), losses.get("bce"), run_eagerly=True)  # a few batches; runs compile it
    model.optimizer.build(network.trainable_variables)
    return model


def weights_of(part):
    return [np.array(weight) for weight in part.weights]


def learns(part, step):
    """Whether each weight of `part` changes during `step`."""
    before = weights_of(part)
    step()
    return [not np.array_equal(one, other) for one, other in zip(before, weights_of(part), strict=True)]


def test_odd_batches_leave_the_generator_untouched_and_even_ones_the_discriminator(adversarial):
    data_ = batch()
    generator, discriminator = adversarial.generator, adversarial.discriminator
    assert not any(learns(discriminator, lambda: adversarial.train_on_batch(*data_)))
    adversarial.join()
    for number in range(1, 7):
        before = weights_of(generator)
        changed = learns(discriminator, lambda: adversarial.train_on_batch(*data_))
        same = [np.array_equal(a, b) for a, b in zip(before, weights_of(generator), strict=True)]
        if number % 2:
            assert all(same)
            assert sum(changed) == len(discriminator.trainable_weights)
        else:
            assert not any(changed)
            assert not all(same)
            assert sum(same) == 2 * 7  # of the frozen blocks 1 to 3
    for layer in ("conv3_1", "conv3_2"):  # whose gains are not trained
        np.testing.assert_array_equal(discriminator.get_layer(layer).gain, np.ones(64))


def test_the_losses_are_those_of_the_paper_written_out_in_numpy(adversarial):
    x, y = batch()
    maps = np.array(adversarial.generator(x), "float64")

    def pooled(a):
        return a.reshape(2, 8, 4, 12, 4).mean(axis=(2, 4))

    p, t = pooled(maps[..., 0]), pooled(y[..., 0].astype("float64"))
    content = -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))
    found = adversarial.evaluate(x, y, return_dict=True, verbose=0)
    assert found == {"loss": pytest.approx(content, rel=1e-5)}
    judge = [
        np.array(adversarial.discriminator(np.concatenate([m, x], -1)), "float64")
        for m in (y[..., :1], maps.astype("float32"))
    ]
    adversarial.join()
    first = adversarial.train_on_batch(x, y, return_dict=True)
    detection = np.mean(np.concatenate([-np.log(judge[0]), -np.log(1 - judge[1])]))
    assert first["discriminator_loss"] == pytest.approx(detection, rel=1e-4)
    assert first["loss"] == pytest.approx(content, rel=1e-5)
    # The second batch: Adagrad's first step is its rate in the direction of each gradient's sign.
    before = weights_of(adversarial.generator)
    with tf.GradientTape() as tape:
        deceived = adversarial.discriminator(tf.concat([adversarial.generator(x), x], -1))
        small = tf.nn.avg_pool2d(adversarial.generator(x), 4, 4, "VALID")
        target = tf.nn.avg_pool2d(y[..., :1], 4, 4, "VALID")
        bce = -tf.reduce_mean(target * tf.math.log(small) + (1 - target) * tf.math.log(1 - small))
        loss = -tf.reduce_mean(tf.math.log(deceived)) + 0.05 * bce
    last = adversarial.generator.trainable_variables[-2]
    gradient = tape.gradient(loss, last.value)
    adversarial.reset_metrics()
    second = adversarial.train_on_batch(x, y, return_dict=True)
    assert second["generator_loss"] == pytest.approx(float(-tf.reduce_mean(tf.math.log(deceived))), rel=1e-4)
    moved = np.array(last) - before[-2]
    expected = -3e-4 * gradient / np.sqrt(gradient**2 + 1e-6)
    np.testing.assert_allclose(moved, expected, rtol=2e-2, atol=2e-7)


def test_what_is_shown_and_counted_of_the_second_phase_is_of_the_optimizers_that_learn_then(tmp_path):
    parts = [keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]) for _ in range(2)]
    model = Adversarial(*parts, lambda: LeavingOut(keras.optimizers.SGD(0.25), scaled=False))
    model.compile(LeavingOut(keras.optimizers.SGD(0.5), scaled=False), losses.get("bce"))
    state, run = TrainingState(), training.RunFolder(tmp_path)
    log, stop = LogScalars(run), StopOnDivergence(state, 2, 2, lambda epoch, step: [])
    for callback in (log, stop):
        callback.set_model(model)
    log.on_epoch_end(0, {"loss": 1.0, "val_loss": 2.0})
    model.join()
    log.on_epoch_end(1, {"loss": 1.0, "val_loss": 2.0})
    events = EventAccumulator(str(tmp_path / "tensorboard/train")).Reload()
    rates = [tf.make_ndarray(event.tensor_proto) for event in events.Tensors("epoch_learning_rate")]
    assert rates == [0.5, 0.25]
    stop.on_epoch_begin(1)
    state.step = state.steps = 1
    stop.on_train_batch_end(0, {"loss": 1.0})
    model.discriminator_optimizer.in_a_row.assign(MOST_LEFT_OUT)
    with pytest.raises(Diverged, match="were left out"):
        stop.on_train_batch_end(1, {"loss": 1.0})


SAMPLES = marked_samples(10)
DATASET = data.Dataset(
    "squares",
    {"train": SAMPLES[:6], "validation": SAMPLES[6:], "test": SAMPLES[6:]},
    "squares",
    "MIT",
)


def run(path, cache=True):
    """Three steps of the loss alone, three against the discriminator; every step a checkpoint."""
    options = training.options(
        "salgan",
        model="salgan-small",
        input_size=SIZE,
        backbone_weights="random",
        batch_size=2,
        epochs=2,
        adversarial_after=1,
        deterministic=True,
        checkpoint_minutes=0,
    )
    lines = []
    result = training.train(DATASET, options, path, cache_features=cache, report=lines.append, verbose=0)
    return result, lines


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(models.NETWORKS, SMALL.name, SMALL)
        yield run(tmp_path_factory.mktemp("runs") / "whole")


@pytest.mark.ci
def test_a_run_has_both_phases_and_a_network_like_any_other(whole):
    result, lines = whole
    history = result.history
    assert any("from epoch 2 on the discriminator takes part" in line for line in lines)
    assert ["discriminator_loss" in epoch for epoch in history] == [False, True]
    assert all("val_generator_loss" not in epoch for epoch in history)
    assert result.config["options"]["adversarial_after"] == 1
    assert result.config["cache_features"] is True
    # The best weights are those of the second phase, whether or not its loss was lower.
    network = result.load_model()
    model = Adversarial(network, network.discriminator(), adagrad)
    model.compile(adagrad(), losses.get("bce"), run_eagerly=True)
    x, y = next(iter(data.batches(SAMPLES[6:], SIZE, 4)))
    assert model.evaluate(x, y, verbose=0) == pytest.approx(history[1]["val_loss"], rel=1e-3)


@pytest.mark.ci
def test_features_and_stimuli_give_the_training_of_stimuli_alone(whole, tmp_path):
    uncached = run(tmp_path / "uncached", cache=False)[0].history
    for one, other in zip(whole[0].history, uncached, strict=True):
        # float16 keeps three digits of a feature.
        assert one == pytest.approx(other, rel=2e-2, abs=1e-2)


@pytest.mark.slow
def test_a_run_that_was_stopped_in_the_second_phase_ends_as_one_that_was_not(whole, tmp_path, monkeypatch):
    class Killed(Exception):
        pass

    step = SaveCheckpoints.on_train_batch_end

    def stop(self, batch, logs=None):
        step(self, batch, logs)
        if self.state.steps == 5:  # the discriminator's turn is over, and the generator's
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(SaveCheckpoints, "on_train_batch_end", stop)
        with pytest.raises(Killed):
            run(tmp_path / "stopped")
    monkeypatch.setattr(data, "load", lambda **_: DATASET)
    again = training.resume(tmp_path / "stopped", report=lambda _: None, verbose=0)
    for one, other in zip(whole[0].history, again.history, strict=True):
        assert one == pytest.approx(other, rel=1e-5)
    for one, other in zip(whole[0].load_model().get_weights(), again.load_model().get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def test_what_does_not_go_with_a_discriminator_is_refused_by_name():
    for wrong in (
        {"ema": 0.9},
        {"gradient_accumulation": 2},
        {"strategy": "mirrored"},
        {"precision": "float16"},
    ):
        with pytest.raises(InputError, match=f"{next(iter(wrong))} .*discriminator"):
            training.options(model="salgan", **wrong)
    with pytest.raises(InputError, match="baseline has no discriminator"):
        training.options(model="baseline", adversarial_after=3, ema=0.0)


def test_the_recipe_is_the_papers_and_the_codes():
    recipe = training.options(model="salgan")
    assert (recipe.optimizer, recipe.learning_rate, recipe.batch_size) == ("adagrad", 3e-4, 32)
    assert (recipe.loss, recipe.adversarial_after, recipe.input_size) == ("bce", 15, (192, 256))
    assert recipe.freeze_backbone
    assert not recipe.weight_decay
    assert not recipe.flip
    optimizer = make_optimizer(recipe, 10)
    variable = keras.Variable(np.array([1.0, -2.0]))
    optimizer.build([variable])
    total, expected = np.zeros(2), np.array([1.0, -2.0])
    for gradient in (np.array([0.5, -3e-4]), np.array([0.1, 2.0])):
        optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")], [variable])
        total += gradient**2
        expected -= 3e-4 * gradient / np.sqrt(total + 1e-6)  # Lasagne's adagrad
    np.testing.assert_allclose(variable, expected, rtol=1e-6)


@pytest.mark.parametrize(("after", "best"), [(0, 1), (2, 3), (4, 1), (9, 1)])
def test_the_best_epoch_is_one_with_the_discriminator_once_it_has_joined(tmp_path, after, best):
    run = training.RunFolder(tmp_path)
    options = training.options(model="salgan", adversarial_after=after).as_dict()
    empty = {"model": "salgan", "loss": "bce", "model_options": {}, "precision": "float32"}
    data = {"arguments": {}, "fingerprint": ""}
    run.write_config({**empty, "options": options, "cache_features": True, "data": data})
    run.write_history([{"epoch": i, "val_loss": loss} for i, loss in enumerate((3, 1, 4, 2))])
    assert run.best_epoch["epoch"] == best
