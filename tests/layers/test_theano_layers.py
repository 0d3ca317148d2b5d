import os
import subprocess
import sys

import cv2
import keras
import numpy as np
import pytest
import sam_layers
import scipy.ndimage
from theano_reference import bilinear_upsampling, pool2d, postprocess, preprocess

from kerasal.layers import (
    BilinearUpsampling,
    LearnedGaussianPrior,
    TheanoMaxPooling2D,
    crop_maps,
    gaussian_blur,
    pad_stimuli,
)

# Taller, wider, of the network's own aspect ratio and size, enlarged, and so thin that a pixel is left.
SIZES = [(97, 130), (60, 41), (96, 128), (48, 64), (20, 31), (3, 400), (400, 2)]


def first(x):
    return np.moveaxis(x, -1, 1)


def stimulus(size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


@pytest.mark.parametrize(("pool", "strides"), [(2, 2), (2, 1), (3, 2), (3, 1)])
@pytest.mark.parametrize("size", [(6, 9), (7, 8)])
def test_pooling_windows_lie_where_theano_has_them(pool, strides, size):
    x = np.random.default_rng(0).normal(size=(2, *size, 3)).astype("float32")
    result = keras.ops.convert_to_numpy(TheanoMaxPooling2D(pool, strides)(x))
    np.testing.assert_array_equal(first(result), pool2d(first(x), pool, strides, same=True))


def test_a_pooling_window_begins_before_the_image():
    # By hand: rows {2i - 1, 2i} of 1, 2, 3, 4; Keras 3 would give 2 and 4.
    x = np.array([1, 2, 3, 4], "float32").reshape(1, 4, 1, 1)
    assert keras.ops.convert_to_numpy(TheanoMaxPooling2D(2, 2)(x)).ravel().tolist() == [1, 3]
    assert keras.ops.convert_to_numpy(TheanoMaxPooling2D(2, 1)(x)).ravel().tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("factor", [1, 2, 3, 10, 16])
def test_enlargement_equals_theanos_transposed_convolution(factor):
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 2)).astype("float32")
    result = keras.ops.convert_to_numpy(BilinearUpsampling(factor)(x))
    np.testing.assert_allclose(first(result), bilinear_upsampling(first(x), factor), rtol=1e-5, atol=1e-6)


def test_enlargement_by_true_centres_is_that_of_keras():
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 2)).astype("float32")
    expected = keras.ops.image.resize(x, (48, 80), interpolation="bilinear")
    np.testing.assert_allclose(BilinearUpsampling(16, theano=False)(x), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", SIZES)
def test_padding_in_the_graph_is_opencvs_to_the_bit(size):
    if size in SIZES[-2:]:
        expected = np.zeros((1, 48, 64, 3))
        inner = (1, 64) if size[1] > size[0] else (48, 1)
        top, left = (48 - inner[0]) // 2, (64 - inner[1]) // 2
        resized = cv2.resize(stimulus(size), inner[::-1])
        expected[0, top : top + inner[0], left : left + inner[1]] = resized.reshape(*inner, 3)
    else:
        expected = preprocess(stimulus(size), (48, 64)).transpose(0, 2, 3, 1)[..., ::-1]
        expected = np.round(expected + np.array((123.68, 116.779, 103.939)))
    padded = keras.ops.convert_to_numpy(pad_stimuli(stimulus(size)[None], (48, 64)))
    np.testing.assert_array_equal(padded, expected)


@pytest.mark.parametrize("size", SIZES[:-2])
def test_cropping_and_smoothing_equal_opencv_and_scipy(size):
    maps = np.random.default_rng(0).uniform(size=(1, 48, 64, 1)).astype("float32")
    result = keras.ops.convert_to_numpy(gaussian_blur(crop_maps(maps, size), 57, 7.0))[0, ..., 0]
    expected = postprocess(maps[0, ..., 0], size) / 255
    np.testing.assert_allclose(result / result.max(), expected, rtol=1e-5, atol=1e-5)


def test_smoothing_mirrors_a_map_smaller_than_its_kernel_as_scipy_does():
    image = np.random.default_rng(0).uniform(size=(5, 3)).astype("float32")
    expected = scipy.ndimage.gaussian_filter(image.astype("float64"), 7)
    np.testing.assert_allclose(gaussian_blur(image[None, ..., None], 57, 7.0)[0, ..., 0], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: BilinearUpsampling(0), "factor"),
        (lambda: TheanoMaxPooling2D(0), "pool_size"),
        (lambda: LearnedGaussianPrior(0), "gaussians"),
    ],
)
def test_wrong_arguments_are_refused_by_name(make, word):
    with pytest.raises(ValueError, match=word):
        make()


@pytest.mark.ci
def test_jax_gives_what_tensorflow_gives_without_loading_it(tmp_path):
    pytest.importorskip("jax")
    program = [sys.executable, sam_layers.__file__, str(tmp_path / "maps.npy")]
    subprocess.run(program, check=True, env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"})
    ours = keras.ops.convert_to_numpy(sam_layers.network()(sam_layers.STIMULUS))
    assert ours.std() > 0.01
    np.testing.assert_allclose(np.load(tmp_path / "maps.npy"), ours, atol=1e-4)
