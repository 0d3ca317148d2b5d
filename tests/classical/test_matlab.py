"""MATLAB's imresize and its kin: values computed by hand from Keys's kernel, and ties."""

import numpy as np
import pytest
from PIL import Image

from kerasal._imresize import imresize
from kerasal.classical.matlab import imresize_nearest, mat2gray, round_half_away


def test_bicubic_enlarging_equals_the_values_from_keys_kernel():
    expected = [-0.09375, 0.1328125, 0.5859375, 1.5625, 3.0625, 5.2265625, 8.0546875, 9.46875]
    np.testing.assert_allclose(imresize(np.array([[0.0, 1, 4, 9]]), (1, 8))[0], expected, rtol=1e-12)


def test_bicubic_shrinking_stretches_the_kernel():
    expected = [0.79816262, 12.42102121, 39.25737008]
    np.testing.assert_allclose(imresize(np.arange(8.0)[:, None] ** 2, (3, 1))[:, 0], expected, rtol=1e-8)


@pytest.mark.parametrize("size", [(13, 40), (50, 9), (31, 31)])
def test_bicubic_equals_pillow_inside_the_borders(size):
    values = np.random.default_rng(0).random((31, 23)).astype(np.float32)
    pillow = np.asarray(Image.fromarray(values).resize(size[::-1], Image.Resampling.BICUBIC))
    border = [int(4 * max(1, new / old)) for new, old in zip(size, values.shape, strict=True)]
    inside = tuple(slice(width, -width) for width in border)
    np.testing.assert_allclose(imresize(values, size)[inside], pillow[inside], atol=2e-6)


def test_nearest_takes_the_later_pixel_of_a_tie():
    # Shrinking by 4: the centres lie halfway, at 1.5, 5.5 and 9.5 from 0.
    assert imresize_nearest(np.arange(12)[None], (1, 3)).tolist() == [[2, 6, 10]]
    assert imresize_nearest(np.arange(3)[:, None], (6, 1)).ravel().tolist() == [0, 0, 1, 1, 2, 2]


def test_a_constant_map_is_clipped_instead_of_stretched():
    assert mat2gray(np.full((2, 3), 7.0)).tolist() == [[1, 1, 1], [1, 1, 1]]
    assert mat2gray(np.array([2.0, 4.0, 3.0])).tolist() == [0, 1, 0.5]


def test_halves_are_rounded_up_and_not_to_even():
    assert [round_half_away(x) for x in (0.5, 1.5, 2.5, 2.4)] == [1, 2, 3, 2]
