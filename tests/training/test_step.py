"""The step that all training takes: whose gradients, scaled how, and what becomes of those not finite."""

import math
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasal import training
from kerasal.errors import InputError
from kerasal.training.optimizers import make_optimizer
from kerasal.training.step import MOST_LEFT_OUT, Learner, are_constant, steps_left_out, take_step

PLAIN = {"optimizer": "sgd", "learning_rate": 0.1, "decay": "none", "weight_decay": 0.0, "ema": 0.0}


def learner(precision, start=1.0, **changes):
    optimizer = make_optimizer(training.options(**{**PLAIN, **changes}), 10, precision=precision)
    variable = keras.Variable(start)
    optimizer.build([variable])
    return variable, optimizer


def step(factors, *pairs):
    """One step down factor * variable for each learner."""
    with tf.GradientTape() as tape:
        losses = [factor * variable.value for factor, (variable, _) in zip(factors, pairs, strict=True)]
    take_step(
        tape, [Learner(loss, [v], optimizer) for loss, (v, optimizer) in zip(losses, pairs, strict=True)]
    )


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_step_goes_down_the_gradient_whatever_was_left_out_before(precision):
    pair = learner(precision)
    bad = [] if precision == "float32" else [math.nan, math.inf]
    for factor in bad:
        step([factor], pair)
    assert float(pair[0]) == 1
    step([2.0], pair)
    assert float(pair[0]) == pytest.approx(0.8)  # 1 - 0.1 * 2, not twice or four times that
    assert steps_left_out(pair[1]) == (len(bad), 0)


def test_learners_of_one_step_are_left_out_each_by_itself():
    pairs = [learner("bfloat16"), learner("bfloat16"), learner("float16")]
    step([math.nan, 2.0, 3.0], *pairs)
    assert [float(variable) for variable, _ in pairs] == pytest.approx([1, 0.8, 0.7])
    assert [steps_left_out(optimizer) for _, optimizer in pairs] == [(1, 1), (0, 0), (0, 0)]


@pytest.mark.parametrize(("changes", "expected"), [({"clip_norm": 1.0}, 0.9), ({"weight_decay": 0.5}, 0.75)])
def test_clipping_and_weight_decay_see_gradients_of_the_right_size_after_a_step_left_out(changes, expected):
    pair = learner("bfloat16", **changes)
    step([math.nan], pair)
    step([2.0], pair)
    # Clipped to 1: 1 - 0.1; decayed by 0.1 * 0.5 and 0.1 * 2: 1 - 0.05 - 0.2.
    assert float(pair[0]) == pytest.approx(expected)


def test_three_hundred_steps_left_out_do_no_harm_to_the_next():
    pair = learner("bfloat16")
    for _ in range(300):
        step([math.nan], pair)
    assert steps_left_out(pair[1]) == (300, 300)
    step([2.0], pair)
    assert float(pair[0]) == pytest.approx(0.8)
    assert steps_left_out(pair[1]) == (300, 0)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.parametrize("accumulation", [1, 2])
def test_averages_are_the_weights_until_a_step_is_not_left_out_and_what_they_were_after(
    precision, accumulation
):
    averaging = {"ema": 0.75, "gradient_accumulation": accumulation}
    pair, plain = learner(precision, **averaging), learner("float32", **averaging)
    model = SimpleNamespace(optimizer=pair[1])
    swap = keras.callbacks.SwapEMAWeights()
    swap.set_model(model)

    def averaged():
        swap.on_test_begin()
        found = float(pair[0])
        swap.on_test_end()
        return found

    assert averaged() == 1
    for factor in (math.nan, math.inf):
        step([factor], pair)
        assert averaged() == float(pair[0]) == 1
    for factor in (2.0, -1.0, 4.0, 1.0):
        step([factor], pair)
        step([factor], plain)
        assert averaged() == pytest.approx(float(plain[1]._model_variables_moving_average[0]), rel=1e-6)
    assert averaged() != float(pair[0])


def poisoned(value):
    """Finite values whose gradients are not: the derivative of sqrt at 0."""
    return value + tf.sqrt(value * 0.0)


@pytest.mark.usefixtures("tiny_network")
def test_an_epoch_without_an_update_leaves_a_run_the_weights_that_it_began_with(tmp_path):
    from training_cases import marked_samples

    from kerasal import data, models

    class Poison(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return poisoned(tf.reduce_mean((y_pred - y_true[..., :1]) ** 2, axis=(1, 2, 3)))

    samples, lines = marked_samples(4), []
    dataset = data.Dataset("marked", {"train": samples, "validation": samples[:2], "test": []}, "", "")
    keras.utils.set_random_seed(0)  # of some weights the maps are constant as they are
    with training.computing_in("float16"):
        model = models.build("tiny", input_size=(32, 48), activation="relu", dropout=0.0, initial_density=0.1)
    before = model.get_weights()
    history = training.fit(model, dataset, Poison(), batch_size=2, epochs=2, report=lines.append, verbose=0)
    assert len(history) == 2  # constant maps would have stopped it
    assert not any("collapsed" in line for line in lines)
    assert any("4 of 4 steps were left out" in line for line in lines)
    for weight, earlier in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, earlier)


@pytest.mark.usefixtures("tiny_network")
def test_so_many_steps_left_out_in_a_row_stop_a_run_in_one_line_with_finite_weights(photo_folder, tmp_path):
    from training_cases import marked_samples

    from kerasal import data
    from kerasal.training import step as module

    samples = marked_samples(8)
    dataset = data.Dataset("marked", {"train": samples, "validation": samples[:2], "test": []}, "", "")

    class Poison(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return poisoned(tf.reduce_mean(y_pred, axis=(1, 2, 3)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_LEFT_OUT", 5)
        patch.setattr("kerasal.training.callbacks.MOST_LEFT_OUT", 5)
        with training.computing_in("bfloat16"):
            from kerasal import models

            model = models.build(
                "tiny", input_size=(32, 48), activation="sigmoid", dropout=0.0, initial_density=0.05
            )
        with pytest.raises(
            InputError, match="5 updates in a row, to step 5 of epoch 1, were left out"
        ) as error:
            training.fit(model, dataset, Poison(), batch_size=1, epochs=2, report=lambda _: None, verbose=0)
    assert "\n" not in str(error.value)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_steps_in_a_row_that_stop_a_run_come_before_the_scale_of_float16_is_gone():
    assert np.finfo("float32").tiny < 2.0**15 * 0.5**MOST_LEFT_OUT


def test_constant_maps_are_told_from_faint_ones():
    assert list(are_constant(np.array([0.0, 1e-7, 1e-5, 50.0]), np.array([0.0, 0.1, 1e-5, 1e9]))) == [
        True,
        True,
        False,
        True,
    ]
    assert not are_constant(np.array(np.nan), np.array(1.0))
