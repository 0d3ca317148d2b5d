"""Optimizers and learning rates against the formulas, on one number with a known gradient."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasal import training
from kerasal.errors import InputError
from kerasal.training.optimizers import WarmUp, learning_rate, make_optimizer

PLAIN = {"optimizer": "sgd", "learning_rate": 0.1, "decay": "none", "weight_decay": 0.0, "ema": 0.0}


def after_updates(gradients, start=1.0, **changes):
    """The value of a variable after these gradients."""
    options = training.options(**{**PLAIN, **changes})
    variable = keras.Variable(np.asarray(start, "float32"))
    optimizer = make_optimizer(options, steps_per_epoch=10)
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")], [variable])
    return keras.ops.convert_to_numpy(variable)


def test_sgd_takes_the_gradient_times_the_rate_and_momentum_adds_the_last_step():
    assert after_updates([2.0, 3.0]) == pytest.approx(1 - 0.1 * 5)
    step = -0.1 * 2
    assert after_updates([2.0, 3.0], momentum=0.9) == pytest.approx(1 + step + (0.9 * step - 0.1 * 3))
    # Nesterov: the step is momentum times the new velocity less rate times gradient.
    velocity = -0.1 * 2
    first = 0.9 * velocity - 0.1 * 2
    assert after_updates([2.0], momentum=0.9, nesterov=True) == pytest.approx(1 + first)


@pytest.mark.parametrize(
    ("optimizer", "step"),
    [
        ("adam", 0.1),  # bias-corrected: the first step is the rate
        ("adamw", 0.1),
        ("rmsprop", 0.1 / math.sqrt(0.1)),  # the mean square starts at 0.1 of the square
        ("adagrad", 0.1),  # the sum of squares starts at 0
    ],
)
def test_the_first_step_of_each_optimizer_is_what_its_formula_says(optimizer, step):
    assert after_updates([4.0], optimizer=optimizer) == pytest.approx(1 - step, rel=1e-4)


def test_weight_decay_shrinks_a_weight_without_gradient_by_rate_times_decay():
    assert after_updates([0.0], optimizer="adamw", weight_decay=0.5) == pytest.approx(1 - 0.1 * 0.5)


def test_clipping_shortens_the_whole_gradient_or_cuts_its_entries():
    gradient = [3.0, 4.0]  # norm 5
    np.testing.assert_allclose(
        after_updates([gradient], [0.0, 0.0], clip_norm=1.0), [-0.06, -0.08], rtol=1e-5
    )
    np.testing.assert_allclose(
        after_updates([gradient], [0.0, 0.0], clip_value=3.5), [-0.3, -0.35], rtol=1e-5
    )


def test_accumulated_gradients_make_one_step_of_their_mean():
    assert after_updates([2.0], gradient_accumulation=2) == 1.0
    assert after_updates([2.0, 3.0], gradient_accumulation=2) == pytest.approx(1 - 0.1 * 2.5)


@pytest.mark.parametrize("accumulation", [1, 4])
def test_a_decay_ends_with_the_training_however_many_steps_make_an_update(accumulation):
    options = training.options(
        **{**PLAIN, "decay": "linear", "epochs": 2, "warmup": 0.4, "gradient_accumulation": accumulation}
    )
    optimizer, variable = make_optimizer(options, steps_per_epoch=20), keras.Variable(0.0)
    values = [0.0]
    for _ in range(40):
        optimizer.apply([keras.ops.convert_to_tensor(1.0)], [variable])
        values.append(float(variable))
    rise = [0.1 * (step + 1) / 8 for step in range(8)]
    expected = [*rise, *(0.1 * (1 - step / 32) for step in range(32))][accumulation - 1 :: accumulation]
    np.testing.assert_allclose(-np.diff(values[::accumulation]), expected, atol=1e-6)


def test_the_average_follows_the_weights_with_its_momentum():
    options = training.options(**{**PLAIN, "ema": 0.75})
    variable = keras.Variable(1.0)
    optimizer = make_optimizer(options, 10)
    optimizer.apply([keras.ops.convert_to_tensor(10.0)], [variable])  # 1 -> 0
    average = float(optimizer._model_variables_moving_average[0])
    optimizer.apply([keras.ops.convert_to_tensor(-10.0)], [variable])  # 0 -> 1
    assert float(optimizer._model_variables_moving_average[0]) == pytest.approx(0.75 * average + 0.25 * 1.0)
    optimizer.finalize_variable_values([variable])
    assert float(variable) == pytest.approx(1.0)  # Keras would put the average there


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_average_follows_updates_and_not_the_steps_that_only_accumulate(precision):
    options = training.options(**{**PLAIN, "ema": 0.75, "gradient_accumulation": 2})
    variable = keras.Variable(1.0)
    optimizer = make_optimizer(options, 10, precision)
    optimizer.build([variable])
    plain = getattr(optimizer, "inner_optimizer", optimizer)
    step = tf.function(lambda gradient: optimizer.apply([gradient], [variable]))
    weights, averages = [], []
    for gradient in (1.0, 3.0, 4.0, 2.0, -1.0, 5.0):
        step(tf.constant(gradient))
        weights.append(float(variable))
        averages.append(float(plain._model_variables_moving_average[0]))
    # Updates by 0.1 times the means 2, 3 and 2; up to the first one the average is the weights.
    np.testing.assert_allclose(weights, [1.0, 0.8, 0.8, 0.5, 0.5, 0.3], rtol=1e-6)
    second = 0.75 * 0.8 + 0.25 * 0.5
    expected = [1.0, 0.8, 0.8, second, second, 0.75 * second + 0.25 * 0.3]
    np.testing.assert_allclose(averages, expected, rtol=1e-6)


def test_float16_scales_the_loss_and_leaves_out_a_step_that_overflows():
    optimizer = make_optimizer(training.options(**PLAIN), 10, precision="float16")
    variable = keras.Variable(1.0)
    optimizer.build([variable])
    scale = float(optimizer.scale_loss(1.0))
    assert scale > 1
    optimizer.apply([keras.ops.convert_to_tensor(2.0 * scale)], [variable])
    assert float(variable) == pytest.approx(0.8)
    optimizer.apply([keras.ops.convert_to_tensor(math.inf)], [variable])
    assert float(variable) == pytest.approx(0.8)
    assert float(optimizer.scale_loss(1.0)) < scale


def rates(steps, **changes):
    """The learning rate at these updates of 4 epochs of 10 steps."""
    rate = learning_rate(training.options(**{**PLAIN, "learning_rate": 0.8, "epochs": 4, **changes}), 10)
    return [float(rate(step)) if callable(rate) else rate for step in steps]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"decay": "none"}, [0.8, 0.8, 0.8]),
        ({"decay": "cosine"}, [0.8, 0.4, 0.0]),
        ({"decay": "linear"}, [0.8, 0.4, 0.0]),
        ({"decay": "exponential", "decay_rate": 0.25, "decay_epochs": 2.0}, [0.8, 0.2, 0.05]),
        ({"decay": "step", "decay_rate": 0.25, "decay_epochs": 3.0}, [0.8, 0.8, 0.2]),
        ({"decay": "inverse", "decay_rate": 0.5, "decay_epochs": 1.0}, [0.8, 0.4, 0.8 / 3]),
    ],
)
def test_decays_are_at_the_start_in_the_middle_and_at_the_end_where_they_should_be(changes, expected):
    np.testing.assert_allclose(rates([0, 20, 40], **changes), expected, atol=1e-6)


def test_the_cosine_is_a_cosine_and_not_a_line():
    assert rates([10], decay="cosine")[0] == pytest.approx(0.8 * 0.5 * (1 + math.cos(math.pi / 4)))


def test_the_rates_of_published_recipes_on_salicons_10_000_stimuli():
    mlnet, deep = training.options(model="mlnet"), training.options(model="deepconvnet")
    rate = learning_rate(mlnet, 10_000 // mlnet.batch_size)
    for update in (0, 1, 700, 5000):  # Keras 1's decay=5e-4
        assert float(rate(update)) == pytest.approx(1e-3 / (1 + 5e-4 * update), rel=1e-5)
    assert (mlnet.loss, mlnet.momentum, mlnet.nesterov, mlnet.dropout) == ("mlnet-mse", 0.9, True, 0.5)
    rate = learning_rate(deep, 10_000 // deep.batch_size)
    for update in (0, 1999, 2000, 5999, 6000):  # halved every 2000
        # Caffe's loss is half the sum of squares of 2 (P - S), at its rate of 0.01 / (240 x 320).
        caffe = 0.01 / (240 * 320) * 0.5 ** (update // 2000)
        gradient, ours = caffe * 2 * 2 * 1.0, float(rate(update)) * 2 * 2 * 1.0 / (240 * 320)
        assert ours == pytest.approx(gradient, rel=1e-5)
    shallow = training.options(model="shallownet")
    assert (shallow.loss, shallow.batch_size, shallow.flip) == ("4*mse", 128, True)
    assert float(learning_rate(shallow, 10)(6000)) == pytest.approx(0.025)


def test_warm_up_rises_in_a_straight_line_and_the_decay_begins_after_it():
    np.testing.assert_allclose(rates([0, 4, 9, 10], warmup=1.0), [0.08, 0.4, 0.8, 0.8], rtol=1e-5)
    np.testing.assert_allclose(rates([10, 25, 40], warmup=1.0, decay="linear"), [0.8, 0.4, 0.0], atol=1e-6)
    schedule = WarmUp(keras.optimizers.schedules.CosineDecay(0.5, 9), 3)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert [float(again(step)) for step in range(9)] == [float(schedule(step)) for step in range(9)]
    constant = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(WarmUp(0.5, 4)))
    assert [float(constant(step)) for step in (0, 3, 9)] == [0.125, 0.5, 0.5]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"optimizer": "adam", "momentum": 0.9}, "momentum"),
        ({"optimizer": "sgd", "nesterov": True}, "nesterov"),
        ({"clip_norm": 1.0, "clip_value": 1.0}, "clip_norm"),
        ({"decay": "cosin"}, "decay"),
        ({"decay_rate": 0.0}, "decay_rate"),
        ({"warmup": -1.0}, "warmup"),
        ({"learning_rate": math.nan}, "learning_rate"),
        ({"gradient_accumulation": 0}, "gradient_accumulation"),
        ({"strategy": "mirrored", "gradient_accumulation": 2}, "one device"),
        ({"strategy": "mirrored", "xla": True}, "one device"),
        ({"strategy": "all"}, "strategy"),
        ({"precision": "float8"}, "precision"),
        ({"checkpoint_minutes": -1}, "checkpoint_minutes"),
        ({"epochs": 2.5}, "whole number"),
        ({"seed": 2**32}, "seed must lie in 0..4294967295, got 4294967296"),
        ({"seed": -1}, "seed"),
        ({"flip": "maybe"}, "true or false"),
    ],
)
def test_options_that_make_no_sense_are_refused(changes, word):
    with pytest.raises(InputError, match=word):
        training.options(**changes)
