"""Keras's own tests of a layer and of what has a configuration, on every layer, loss and metric.

As Keras runs them on its own, and the precisions beside those that it tries.
"""

import keras
import numpy as np
import pytest
from keras.src.testing import TestCase
from keras.src.utils import traceback_utils

from kerasal import layers, losses
from kerasal.metrics.keras_metrics import ImageMean

# Arguments, shape of the input and of the output, how many weights are trained, are not, and add to the loss.
LAYERS = {
    "Adaptation": ({}, (2, 7, 9, 1), (2, 7, 9, 1), (4, 0, 0)),
    "ASPP": ({"filters": 3, "dilations": (1, 2)}, (2, 7, 9, 4), (2, 7, 9, 6), (4, 0, 0)),
    "AttentiveConvLSTM": (
        {"filters": 3, "attention_filters": 2, "steps": 2},
        (2, 5, 6, 4),
        (2, 5, 6, 3),
        (7, 0, 0),
    ),
    "BilinearUpsampling": ({"factor": 3}, (2, 4, 5, 2), (2, 12, 15, 2), (0, 0, 0)),
    "CaffeMaxPooling2D": ({"pool_size": 3, "strides": 2}, (2, 8, 9, 2), (2, 4, 4, 2), (0, 0, 0)),
    "DilatedConv2D": (
        {"filters": 3, "kernel_size": 3, "padding": "same", "dilation_rate": 2},
        (2, 7, 9, 4),
        (2, 7, 9, 3),
        (2, 0, 0),
    ),
    "GaussianBlur": ({"size": 5, "sigma": 1.5}, (2, 7, 9, 3), (2, 7, 9, 3), (0, 0, 0)),
    "LearnedGaussianPrior": ({"gaussians": 3}, (2, 6, 8, 4), (2, 6, 8, 7), (1, 0, 0)),
    "LearnedPriorMap": ({"factor": 2}, (2, 6, 8, 4), (2, 6, 8, 4), (1, 0, 1)),
    "LocalResponseNormalization": ({"size": 3, "bias": 2.0}, (2, 5, 6, 7), (2, 5, 6, 7), (0, 0, 0)),
    "Maxout": ({"pieces": 3}, (2, 12), (2, 4), (0, 0, 0)),
    "StimulusPreprocessing": ({"size": (10, 12)}, (2, 7, 9, 3), (2, 10, 12, 3), (0, 0, 0)),
    "TheanoMaxPooling2D": ({"pool_size": 3, "strides": 2}, (2, 7, 9, 2), (2, 4, 5, 2), (0, 0, 0)),
    "WeightNormConv2D": ({"filters": 3}, (2, 7, 9, 4), (2, 7, 9, 3), (2, 1, 0)),
}


@pytest.fixture
def conformity():
    """Keras's test case, which shows whole tracebacks until the test ends."""
    case = TestCase()
    filtered = traceback_utils.is_traceback_filtering_enabled()
    case.setUp()
    yield case
    case.doCleanups()
    (keras.config.enable_traceback_filtering if filtered else keras.config.disable_traceback_filtering)()


def test_every_layer_has_a_case():
    classes = (getattr(layers, name) for name in layers.__all__)
    assert set(LAYERS) == {cls.__name__ for cls in classes if isinstance(cls, type)}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_passes_keras_test_of_layers(name, conformity):
    arguments, given, expected, (trainable, fixed, losses) = LAYERS[name]
    conformity.run_layer_test(
        getattr(layers, name),
        arguments,
        input_shape=given,
        expected_output_shape=expected,
        expected_num_trainable_weights=trainable,
        expected_num_non_trainable_weights=fixed,
        expected_num_losses=losses,
    )


PRECISION = {
    "float64": 1e-5,
    "mixed_float16": 0.02,
    "float16": 0.02,
    "mixed_bfloat16": 0.15,
    "bfloat16": 0.15,
}


@pytest.mark.parametrize("policy", PRECISION)
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_computes_in_its_policys_precision_what_it_computes_in_float32(name, policy):
    arguments, given, *_ = LAYERS[name]
    inputs = np.random.default_rng(0).normal(size=given).astype("float32")
    exact = getattr(layers, name)(**arguments, dtype="float32")
    expected = np.array(exact(inputs))
    layer = getattr(layers, name)(**arguments, dtype=policy)
    layer.build(given)
    layer.set_weights(exact.get_weights())
    found = layer(inputs)
    assert keras.backend.standardize_dtype(found.dtype) == keras.DTypePolicy(policy).compute_dtype
    assert {weight.dtype for weight in layer.weights} <= {keras.DTypePolicy(policy).variable_dtype}
    found = np.array(keras.ops.cast(found, "float64"))
    np.testing.assert_allclose(found, expected, rtol=0, atol=PRECISION[policy] * np.abs(expected).max())


LOSSES = {name: info.loss for name, info in losses.LOSSES.items()}
LOSSES["a sum"] = lambda **options: losses.LinearCombination(
    [(2.0, losses.KLD()), (1, losses.NSS())], **options
)
every_loss = pytest.mark.parametrize("name", LOSSES)


@every_loss
def test_a_loss_passes_keras_test_of_serialisation(name, conformity):
    conformity.run_class_serialization_test(LOSSES[name](name="mine", reduction="sum", dtype="bfloat16"))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@every_loss
def test_a_loss_that_is_made_under_a_mixed_policy_is_the_loss_made_without(name, policy):
    random = np.random.default_rng(0)
    y_true, y_pred = random.random((2, 33, 40, 2)), random.random((2, 33, 40, 1))
    maps = (y_true > [0, 0.9]) * y_true, y_pred
    expected = LOSSES[name]()(*maps)
    keras.config.set_dtype_policy(policy)
    try:
        found = LOSSES[name]()(*maps)
    finally:
        keras.config.set_dtype_policy("float32")
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    np.testing.assert_array_equal(found, expected)


def below(cls):
    """The classes made of one, those made of these, and so on."""
    return {each for child in cls.__subclasses__() for each in (child, *below(child))}


METRICS = {
    cls.__name__: cls
    for cls in below(keras.metrics.Metric) - {ImageMean}
    if cls.__module__.startswith("kerasal.")
}
ARGUMENTS = {"TermValue": (losses.KLD(),)}


@pytest.mark.parametrize("name", sorted(METRICS))
def test_a_metric_passes_keras_test_of_serialisation(name, conformity):
    metric = METRICS[name](*ARGUMENTS.get(name, ()), name="mine")
    again = conformity.run_class_serialization_test(metric)
    assert {variable.dtype for variable in again.variables} == {"float32"}
