import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import gaussian_filter

from kerasal.layers import Adaptation


def layer_with(numbers, shape):
    layer = Adaptation()
    layer.build(shape)
    layer.set_weights([np.asarray(part, "float32") for part in numbers])
    return layer


def reference(maps, logarithms, weight, centre, gain):
    """The docstring's formula in float64, map by map."""
    power, floor, high, wide, blur = np.exp(logarithms)
    rows, columns = maps.shape[1:3]
    y, x = ((np.arange(length) + 0.5) / length - 0.5 for length in (rows, columns))
    g = np.exp(-0.5 * ((y - centre[0]) / (0.3 * high)) ** 2)[:, None] * np.exp(
        -0.5 * ((x - centre[1]) / (0.3 * wide)) ** 2
    )
    plain = (maps[..., 0].astype(float) + 0.001 * floor) ** power * g ** weight[0] * np.exp(gain[0])
    return np.stack([gaussian_filter(m, 0.01 * blur * rows, mode="reflect", truncate=8) for m in plain])


@pytest.mark.parametrize(
    "numbers",
    [
        ([0, 0, 0, 0, 0], [0], [0, 0], [0]),
        ([0.5, -1, 0.3, -0.2, 1.2], [0.7], [0.05, -0.1], [0.4]),
        ([-0.7, 2, 0, 0.5, 0.8], [-0.5], [-0.2, 0.0], [-1]),
    ],
)
def test_the_layer_is_its_formula(numbers):
    maps = np.random.default_rng(0).uniform(size=(2, 60, 84, 1)).astype("float32") ** 3
    found = layer_with(numbers, maps.shape)(maps)
    np.testing.assert_allclose(found[..., 0], reference(maps, *numbers), rtol=2e-3, atol=1e-6)


def test_at_its_start_the_layer_leaves_a_smooth_map_as_it_is():
    y, x = np.mgrid[:60, :84]
    blob = np.exp(-((y - 20) ** 2 + (x - 60) ** 2) / (2 * 9**2))[None, ..., None].astype("float32")
    found = layer_with([np.zeros(5), [0], [0, 0], [0]], blob.shape)(blob)
    np.testing.assert_allclose(found, blob, atol=0.01)


def test_every_number_has_a_finite_gradient_even_on_an_empty_map():
    layer = layer_with([np.zeros(5), [0], [0, 0], [0]], (1, 32, 48, 1))
    for maps in (np.zeros((1, 32, 48, 1), "float32"), np.eye(32, 48, dtype="float32")[None, ..., None]):
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(tf.square(layer(maps) - 0.1))
        gradients = tape.gradient(value, layer.trainable_variables)
        assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert sum(int(np.prod(variable.shape)) for variable in layer.trainable_variables) == 9


def test_the_layer_is_read_back_from_its_config():
    layer = layer_with([np.full(5, 0.1), [0.2], [0.3, 0.4], [0.5]], (1, 32, 48, 1))
    again = Adaptation.from_config(layer.get_config())
    again.build((1, 32, 48, 1))
    again.set_weights(layer.get_weights())
    maps = np.random.default_rng(1).uniform(size=(1, 32, 48, 1)).astype("float32")
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(again(maps)), keras.ops.convert_to_numpy(layer(maps))
    )
