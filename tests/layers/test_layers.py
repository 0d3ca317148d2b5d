import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasal import _tensorflow
from kerasal.layers import (
    ASPP,
    AttentiveConvLSTM,
    BilinearUpsampling,
    DilatedConv2D,
    GaussianBlur,
    LearnedGaussianPrior,
    StimulusPreprocessing,
    TheanoMaxPooling2D,
)


@pytest.mark.parametrize("compiled", [False, True])
def test_the_bias_of_a_dilated_convolution_learns_in_bfloat16(compiled):
    """TensorFlow's own gradient of a bias is off by a tenth and more here."""
    random = np.random.default_rng(0)
    maps = random.standard_normal((4, 47, 63, 3)).astype("float32")
    weights = (random.standard_normal((4, 47, 63, 8)) + 0.02).astype("float32")
    layer = DilatedConv2D(8, 3, padding="same", dilation_rate=3, dtype="mixed_bfloat16")
    layer.build(maps.shape)

    def gradient():
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.cast(layer(maps), "float32") * weights)
        return tape.gradient(loss, layer.bias.value)

    found = (tf.function(gradient) if compiled else gradient)()
    # The map depends on the bias with a slope of 1: its gradient is the sum of the weights.
    np.testing.assert_allclose(found, weights.sum(axis=(0, 1, 2)), rtol=0.02)


@pytest.mark.parametrize("learns", [True, False])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("side", "dilation"), [(3, 2), (3, 12), (5, 4), (3, (1, 3))])
def test_a_dilated_convolution_and_its_gradients_are_sums(monkeypatch, side, dilation, padding, learns):
    if not learns:  # as where TensorFlow has no gradient of one
        monkeypatch.setattr(_tensorflow, "_learns_dilated", lambda dtype: False)
    random = np.random.default_rng(0)
    maps = random.standard_normal((2, 26, 29, 3)).astype("float32")
    layer = DilatedConv2D(4, side, padding=padding, dilation_rate=dilation)
    layer.build(maps.shape)
    kernel = layer.kernel.numpy()

    @tf.function
    def learn(x, upstream):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        return y, *tape.gradient(y, [x, layer.kernel.value], upstream)

    d = (dilation, dilation) if isinstance(dilation, int) else dilation
    reach = [(side - 1) * step for step in d]
    if padding == "same":
        padded = np.pad(maps, [(0, 0), *((r // 2, r - r // 2) for r in reach), (0, 0)]).astype("float64")
    else:
        padded = maps.astype("float64")
    rows, columns = (size - r for size, r in zip(padded.shape[1:3], reach, strict=True))
    upstream = random.standard_normal((2, rows, columns, 4)).astype("float32")
    expected, by_maps, by_kernel = np.zeros(upstream.shape), np.zeros(padded.shape), np.zeros(kernel.shape)
    for i in range(side):
        for j in range(side):
            window = np.s_[:, i * d[0] : i * d[0] + rows, j * d[1] : j * d[1] + columns]
            expected += padded[window] @ kernel[i, j]
            by_maps[window] += upstream @ kernel[i, j].T
            by_kernel[i, j] = np.einsum("bhwc,bhwf->cf", padded[window], upstream)
    if padding == "same":
        top, left = (r // 2 for r in reach)
        by_maps = by_maps[:, top : top + 26, left : left + 29]
    found = learn(maps, upstream)
    for ours, wanted in zip(found, (expected, by_maps, by_kernel), strict=True):
        np.testing.assert_allclose(ours, wanted, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.ci
def test_a_dilated_convolution_learns_where_tensorflow_cannot_differentiate_one():
    program = (
        "import numpy as np, tensorflow as tf\n"
        "from kerasal import _tensorflow; from kerasal.layers import ASPP\n"
        "layer = ASPP(2, (1, 12)); x = np.ones((1, 8, 9, 3), 'float32'); layer(x)\n"
        "with tf.GradientTape() as tape: y = tf.reduce_sum(layer(x))\n"
        "print(_tensorflow._learns_dilated(tf.float32), len(tape.gradient(y, layer.trainable_variables)))"
    )
    environment = {**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "4"], done.stderr


def test_a_dilated_convolution_is_keras_s():
    maps = np.random.default_rng(0).standard_normal((2, 9, 11, 3)).astype("float32")
    options = {"filters": 4, "kernel_size": 3, "padding": "same", "dilation_rate": 2, "activation": "relu"}
    expected, layer = keras.layers.Conv2D(**options, bias_initializer="normal"), DilatedConv2D(**options)
    wanted = expected(maps)
    layer.build(maps.shape)
    layer.set_weights(expected.get_weights())
    np.testing.assert_allclose(layer(maps), wanted, atol=1e-6)


@pytest.fixture
def channels_first():
    """Keras's own layers have their channels first, unless they are told otherwise."""
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


def test_layers_have_their_channels_last_whatever_keras_is_set_to(channels_first):
    image = np.random.default_rng(0).uniform(0, 255, (1, 8, 12, 3)).astype("float32")
    shapes = {
        ASPP(2, (1, 2)): (1, 8, 12, 4),
        AttentiveConvLSTM(4, 2, steps=2): (1, 8, 12, 4),
        GaussianBlur(): (1, 8, 12, 3),
        StimulusPreprocessing((4, 24)): (1, 4, 24, 3),
        TheanoMaxPooling2D(): (1, 4, 6, 3),
    }
    results = {layer: (layer(image), shape) for layer, shape in shapes.items()}
    keras.config.set_image_data_format("channels_last")
    for layer, (result, shape) in results.items():
        assert tuple(result.shape) == shape, layer
        again = type(layer).from_config({**layer.get_config(), "name": None})
        again(image)
        again.set_weights(layer.get_weights())
        np.testing.assert_allclose(again(image), result, atol=1e-4)


def test_a_dilated_convolution_takes_keras_s_options():
    maps = np.random.default_rng(0).standard_normal((2, 9, 11, 3)).astype("float32")
    layer = DilatedConv2D(5, 3, use_bias=False)
    np.testing.assert_allclose(layer(maps), keras.ops.conv(maps, layer.kernel), atol=1e-5)
    # Traced alone: on a CPU TensorFlow computes no convolution with channels first.
    first = tf.function(DilatedConv2D(5, 3, padding="same", data_format="channels_first"))
    assert first.get_concrete_function(tf.TensorSpec((2, 3, 8, 7))).output_shapes == (2, 5, 8, 7)


def test_gaussian_blur_equals_a_plain_loop_over_pixels():
    image = np.random.default_rng(0).uniform(size=(7, 9, 2))
    blurred = keras.ops.convert_to_numpy(GaussianBlur(5, 1.0)(image[None].astype("float32")))[0]
    offsets = range(-2, 3)
    weights = {(i, j): np.exp(-(i**2 + j**2) / 2) for i in offsets for j in offsets}
    total = sum(weights.values())
    padded = np.pad(image, [(2, 2), (2, 2), (0, 0)], mode="symmetric")
    expected = np.zeros_like(image)
    for row in range(7):
        for column in range(9):
            for (i, j), weight in weights.items():
                expected[row, column] += weight / total * padded[row + 2 + i, column + 2 + j]
    np.testing.assert_allclose(blurred, expected, rtol=1e-5)


def test_gaussian_blur_leaves_a_constant_map_constant_up_to_the_border():
    constant = np.full((1, 6, 8, 1), -3.0, "float32")
    np.testing.assert_allclose(GaussianBlur(5, 1.0)(constant), constant, rtol=1e-6)


@pytest.mark.parametrize("arguments", [{"size": 4}, {"size": 0}, {"sigma": 0.0}])
def test_gaussian_blur_refuses_what_is_no_kernel(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        GaussianBlur(**arguments)


def test_aspp_equals_four_dilated_convolutions_by_hand():
    layer = ASPP(2, (1, 3))
    image = np.random.default_rng(0).normal(size=(9, 11, 3)).astype("float32")
    result = keras.ops.convert_to_numpy(layer(image[None]))[0]
    assert result.shape == (9, 11, 4)
    for branch, dilation in enumerate((1, 3)):
        kernel, bias = layer.branches[branch].get_weights()
        padded = np.pad(image.astype("float64"), [(dilation,) * 2, (dilation,) * 2, (0, 0)])
        expected = np.full((9, 11, 2), bias, "float64")
        for i in range(3):
            for j in range(3):
                window = padded[i * dilation : i * dilation + 9, j * dilation : j * dilation + 11]
                expected += window @ kernel[i, j].astype("float64")
        np.testing.assert_allclose(
            result[..., 2 * branch : 2 * branch + 2], np.maximum(expected, 0), rtol=1e-4, atol=1e-5
        )


def test_stimulus_is_ordered_bgr_with_the_imagenet_mean_taken_off():
    stimulus = np.zeros((1, 4, 6, 3), "float32")
    stimulus[..., 0], stimulus[..., 1], stimulus[..., 2] = 200, 100, 50  # red, green, blue
    result = keras.ops.convert_to_numpy(StimulusPreprocessing((4, 6))(stimulus))
    np.testing.assert_allclose(result[0, 2, 3], [50 - 103.939, 100 - 116.779, 200 - 123.68], rtol=1e-6)


def test_shrinking_a_stimulus_averages_instead_of_skipping_pixels():
    # A checkerboard at a quarter of its size: antialiased, every pixel is near the mean of 0 and 255.
    checkerboard = np.indices((64, 96)).sum(axis=0) % 2 * 255.0
    stimulus = np.repeat(checkerboard[None, ..., None], 3, axis=-1).astype("float32")
    result = keras.ops.convert_to_numpy(StimulusPreprocessing((16, 24))(stimulus))[0, ..., 2] + 123.68
    np.testing.assert_allclose(result[2:-2, 2:-2], 127.5, atol=3)


@pytest.mark.parametrize(
    "layer",
    [
        ASPP(2, (1, 2)),
        AttentiveConvLSTM(3, 2, steps=2),
        BilinearUpsampling(4),
        GaussianBlur(3, 0.7),
        LearnedGaussianPrior(2),
        StimulusPreprocessing((8, 12)),
        StimulusPreprocessing((8, 12), "padded"),
        TheanoMaxPooling2D(2, 1),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_layer_is_the_same_after_a_round_trip_through_its_config(layer):
    image = np.random.default_rng(0).uniform(0, 255, (2, 8, 12, 3)).astype("float32")
    before = layer(image)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    again(image)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(image), before)
    assert again.get_config() == layer.get_config()
    assert tuple(layer.compute_output_shape(image.shape)) == tuple(before.shape)
