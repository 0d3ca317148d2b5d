import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerasal.export.graph import density, matrix_resize

PILLOW = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


@pytest.mark.parametrize("method", PILLOW)
@pytest.mark.parametrize(
    ("before", "after"), [((40, 61), (17, 90)), ((1, 1), (8, 12)), ((300, 3), (8, 12)), ((9, 7), (9, 7))]
)
def test_resize_by_matrices_equals_pillows(before, after, method):
    # Pillow widens the kernel where it shrinks, and its cubic has a = -0.5, too.
    image = np.random.default_rng(1).uniform(0, 255, before).astype("float32")
    expected = np.array(Image.fromarray(image).resize(after[::-1], PILLOW[method]))
    result = matrix_resize(tf.constant(image[None, ..., None]), after, method)
    assert result.shape == (1, *after, 1)
    np.testing.assert_allclose(result[0, ..., 0], expected, atol=2e-3)  # of 255, float32


def test_resize_keeps_channels_and_images_of_a_batch_apart():
    images = np.random.default_rng(2).uniform(size=(3, 10, 14, 3)).astype("float32")
    together = matrix_resize(tf.constant(images), (5, 21), "bicubic").numpy()
    alone = matrix_resize(tf.constant(images[1:2, ..., 2:]), (5, 21), "bicubic").numpy()
    np.testing.assert_allclose(together[1, ..., 2], alone[0, ..., 0], atol=1e-6)


def test_density_sums_to_one_and_is_uniform_without_any_saliency():
    maps = np.zeros((2, 4, 5, 1), "float32")
    maps[0, 1, 2] = 1
    maps[0, 3, 3] = 3
    densities = density(tf.constant(maps)).numpy()
    assert densities[0, 1, 2] == 0.25
    np.testing.assert_allclose(densities[1], 1 / 20)
    np.testing.assert_allclose(densities.sum(axis=(1, 2, 3)), 1, rtol=1e-6)
