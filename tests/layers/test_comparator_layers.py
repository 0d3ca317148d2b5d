"""The layers of SalGAN, ML-Net, ShallowNet and DeepConvNet against plain NumPy, OpenCV and Pillow."""

import comparators_reference as reference
import cv2
import keras
import numpy as np
import pytest
from PIL import Image
from theano_reference import bilinear_upsampling

from kerasal.layers import (
    CaffeMaxPooling2D,
    LearnedPriorMap,
    LocalResponseNormalization,
    Maxout,
    StimulusPreprocessing,
    WeightNormConv2D,
    blur_5x5,
    fit_bilinear,
    resize_area,
    resize_cubic,
    resize_triangle,
)

# Shrunk, enlarged, both, by whole factors, to the same size, and next to nothing.
SIZES = [(97, 130), (40, 30), (100, 20), (20, 500), (96, 128), (48, 64), (2, 300), (1, 1)]
SIZE = (48, 64)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def first(x):
    """(1, H, W, C) as (C, H, W)."""
    return np.moveaxis(np.array(x)[0], -1, 0)


def test_response_normalisation_equals_a_loop_over_channels():
    x = 30 * normal(1, 4, 5, 9)
    np.testing.assert_allclose(
        first(LocalResponseNormalization()(x)), reference.lrn(first(x).astype("float64")), rtol=1e-5
    )
    layer = LocalResponseNormalization(3, alpha=0.1, beta=0.5, bias=2.0)
    expected = reference.lrn(first(x).astype("float64"), 3, 0.1, 0.5, 2.0)
    np.testing.assert_allclose(first(layer(x)), expected, rtol=1e-5)


def test_response_normalisation_in_float16_holds_for_values_whose_squares_do_not_fit():
    x = 2000 * normal(1, 4, 5, 9)
    np.testing.assert_allclose(
        first(LocalResponseNormalization(dtype="mixed_float16")(x)).astype("float64"),
        reference.lrn(first(x).astype("float64")),
        rtol=1e-2,
    )


@pytest.mark.parametrize("size", [(6, 9), (7, 8), (2, 3)])
@pytest.mark.parametrize(("window", "stride"), [(3, 2), (2, 2), (4, 3)])
def test_pooling_takes_the_ceiling(size, window, stride):
    if min(size) <= window - stride:
        pytest.skip("smaller than a window")
    x = normal(1, *size, 3)
    result = CaffeMaxPooling2D(window, stride)(x)
    np.testing.assert_array_equal(first(result), reference.caffe_pool(first(x), window, stride))


def test_a_last_window_is_cut_at_the_border():
    # By hand: rows 0-2, 2-3 of 1, 2, 3, 4; Keras's "valid" leaves out the 4, its "same" agrees.
    x = np.array([1, 2, 3, 4], "float32").reshape(1, 4, 1, 1)
    assert np.ravel(CaffeMaxPooling2D(3, 2)(np.repeat(x, 3, axis=2))).tolist() == [3, 4]
    # Five rows have two windows; Keras's "same" has three.
    x = np.array([5, 2, 3, 4, 1], "float32").reshape(1, 5, 1, 1)
    assert np.ravel(CaffeMaxPooling2D(3, 2)(np.repeat(x, 3, axis=2))).tolist() == [5, 4]


def test_maxout_takes_the_larger_of_neighbours():
    x = normal(2, 12)
    for pieces in (1, 2, 3):
        expected = [reference.maxout(row, pieces) for row in x]
        np.testing.assert_array_equal(Maxout(pieces)(x), expected)


def test_a_normalised_kernel_has_the_norm_of_its_gain():
    layer, x = WeightNormConv2D(5), normal(1, 6, 7, 3)
    layer.build(x.shape)
    kernel, bias, gain = (normal(*weight.shape, seed=i) for i, weight in enumerate(layer.weights))
    layer.set_weights([kernel, bias, gain])
    stored = kernel.transpose(3, 2, 0, 1).astype("float64")
    scaled = [w * g / np.sqrt(1e-6 + (w**2).sum()) for w, g in zip(stored, gain, strict=True)]
    expected = reference.relu(reference.correlate(first(x), np.array(scaled), bias))
    np.testing.assert_allclose(first(layer(x)), expected, rtol=1e-4, atol=1e-6)
    assert [weight.name for weight in layer.trainable_weights] == ["kernel", "bias"]


def test_a_prior_is_one_more_than_its_weights_enlarged_as_theano_does():
    layer, x = LearnedPriorMap(10), normal(2, 20, 30, 1)
    np.testing.assert_array_equal(layer(x), x)  # the weights start at 0
    prior = normal(2, 3)
    layer.set_weights([prior])
    expected = x[..., 0] * bilinear_upsampling(1 + prior[None, None].astype("float64"), 10)[0]
    np.testing.assert_allclose(np.array(layer(x))[..., 0], expected, rtol=1e-5, atol=1e-6)
    assert float(layer.losses[0]) == pytest.approx((prior**2).sum() / 6, rel=1e-5)


def test_the_references_of_both_convolutions_are_those_of_scipy():
    from scipy.signal import convolve2d, correlate2d

    x, kernel = normal(2, 6, 7), normal(3, 2, 3, 3, seed=1)
    for ours, theirs in ((reference.convolve, convolve2d), (reference.correlate, correlate2d)):
        expected = [sum(theirs(x[i], w[i], mode="same") for i in range(2)) for w in kernel]
        np.testing.assert_allclose(ours(x, kernel, np.zeros(3)), expected, atol=1e-5)


def test_a_transposed_convolution_of_keras_is_caffes():
    # 8x8, stride 4, padding 2 against "same".
    x, kernel = normal(1, 3, 5, 2), normal(2, 3, 8, 8, seed=1)
    layer = keras.layers.Conv2DTranspose(3, 8, strides=4, padding="same", use_bias=False)
    layer.build(x.shape)
    layer.set_weights([kernel.transpose(2, 3, 1, 0)])
    expected = reference.transposed(first(x).astype("float64"), kernel.astype("float64"), 4, 2)
    np.testing.assert_allclose(first(layer(x)), expected, rtol=1e-4, atol=1e-5)


def stimulus(size):
    return np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", SIZES)
def test_resizes_equal_opencvs_and_pillows(size):
    image = stimulus(size)
    floats = image.astype("float32")
    for resize, flag in ((resize_area, cv2.INTER_AREA), (resize_cubic, cv2.INTER_CUBIC)):
        expected = cv2.resize(floats, SIZE[::-1], interpolation=flag)
        np.testing.assert_allclose(resize(floats[None], SIZE)[0], expected, atol=2e-3)
    pillow = np.asarray(Image.fromarray(image).resize(SIZE[::-1], Image.Resampling.BILINEAR), "float32")
    assert np.abs(resize_triangle(floats[None], SIZE)[0] - pillow).max() <= 1  # it rounds twice
    grey = floats[..., :1]
    np.testing.assert_allclose(
        blur_5x5(grey[None])[0, ..., 0], cv2.GaussianBlur(grey, (5, 5), 0).reshape(size), atol=1e-4
    )


@pytest.mark.parametrize("size", [(97, 130), (40, 30), (130, 97), (61, 200), (64, 64), (333, 75)])
def test_fitting_equals_opencvs_resize_by_a_factor(size):
    floats = stimulus(size).astype("float32")
    scale = min(1, 64 / size[0], 64 / size[1])
    expected = cv2.resize(floats, None, fx=scale, fy=scale)
    np.testing.assert_allclose(fit_bilinear(floats[None], 64)[0], expected, atol=5e-3)


def test_fitting_leaves_a_long_thin_image_some_pixels():
    floats = stimulus((1, 300)).astype("float32")
    fitted = np.array(fit_bilinear(floats[None], 64, smallest=4))[0]
    assert fitted.shape == (4, 64, 3)
    np.testing.assert_array_equal(fitted[3], fitted[0])
    np.testing.assert_allclose(fitted[:1], cv2.resize(floats, (64, 1)), atol=5e-3)


def test_preprocessing_takes_another_mean_and_leaves_the_size():
    image = stimulus((5, 7)).astype("float32")
    result = StimulusPreprocessing(None, mean=(1, 2, 3))(image[None])
    np.testing.assert_array_equal(result[0], image[..., ::-1] - [1, 2, 3])


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (CaffeMaxPooling2D(3, 2), (2, 8, 13, 3)),
        (LearnedPriorMap(4, theano=False), (2, 8, 12, 3)),
        (LocalResponseNormalization(3, 0.1, 0.5, 2.0), (2, 8, 12, 3)),
        (Maxout(3), (2, 12)),
        (StimulusPreprocessing((8, 12), "area", (1, 2, 3)), (2, 9, 12, 3)),
        (WeightNormConv2D(4), (2, 8, 12, 3)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_layer_is_the_same_after_a_round_trip_through_its_config(layer, shape):
    x = normal(*shape)
    before = layer(x)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    again(x)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(x), before)
    assert again.get_config() == layer.get_config()
    assert tuple(layer.compute_output_shape(shape)) == tuple(before.shape)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: CaffeMaxPooling2D(2, 3), "strides"),
        (lambda: LocalResponseNormalization(4), "size"),
        (lambda: Maxout(0), "pieces"),
        (lambda: Maxout(2)(np.zeros((1, 3))), "3 units"),
        (lambda: LearnedPriorMap(10)(np.zeros((1, 20, 25, 1))), "20x25"),
        (lambda: WeightNormConv2D(0), "filters"),
        (lambda: StimulusPreprocessing((8, 8), "nearest"), "resize"),
    ],
)
def test_wrong_arguments_are_refused_by_name(make, word):
    with pytest.raises(ValueError, match=word):
        make()
