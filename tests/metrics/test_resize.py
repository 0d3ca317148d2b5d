"""Resizing as MATLAB's imresize does it: against Pillow, plain loops and the GBVS toolbox's maps."""

import math

import numpy as np
import pytest
from PIL import Image

from kerasal._imresize import imresize, imresize_by
from kerasal.layers import resize_bicubic
from kerasal.metrics import resize_map


def test_reduction_equals_pillow_s_bicubic_inside_the_borders():
    # Pillow works in float32 and cuts its kernel off at the border, where ours mirrors the map.
    values = np.random.default_rng(8).random((320, 480))
    grid = imresize_by(values, 1 / 32)
    pillow = np.asarray(Image.fromarray(values.astype(np.float32)).resize((15, 10), Image.Resampling.BICUBIC))
    assert grid.shape == (10, 15)
    np.testing.assert_allclose(grid[2:-2, 2:-2], pillow[2:-2, 2:-2], atol=1e-6)


def test_reduction_equals_a_plain_loop_over_mirrored_pixels():
    values, scale = np.random.default_rng(9).random((19, 26)), 1 / 8
    padded = np.pad(values, 32, mode="symmetric")

    def kernel(x):
        x = abs(x)
        if x <= 1:
            return (1.5 * x - 2.5) * x * x + 1
        return ((-0.5 * x + 2.5) * x - 4) * x + 2 if x <= 2 else 0.0

    expected = np.zeros((3, 4))  # 19 / 8 and 26 / 8, rounded up
    for i, j in np.ndindex(3, 4):
        centre = (8 * i + 3.5 + 32, 8 * j + 3.5 + 32)
        total = 0.0
        for row, column in np.ndindex(padded.shape):
            weight = kernel((row - centre[0]) * scale) * kernel((column - centre[1]) * scale)
            expected[i, j] += weight * padded[row, column]
            total += weight
        expected[i, j] /= total
    np.testing.assert_allclose(imresize_by(values, scale), expected, rtol=1e-10)


@pytest.mark.parametrize("size", [(60, 45), (30, 15), (17, 200), (120, 44)])
def test_layers_have_the_same_kernel_away_from_the_borders(size):
    values = np.random.default_rng(10).random((60, 45))
    expected = imresize(values, size)
    found = resize_bicubic(values[None, ..., None].astype("float32"), size)[0, ..., 0]
    # The kernel reaches two cells of the coarser of the two grids; layers cut it off at the border.
    i, j = (2 * math.ceil(new / old) + 1 for new, old in zip(size, values.shape, strict=True))
    np.testing.assert_allclose(found[i:-i, j:-j], expected[i:-i, j:-j], atol=1e-5)


def test_reduction_keeps_a_constant():
    np.testing.assert_allclose(imresize_by(np.full((75, 50), 0.3), 1 / 32), 0.3, rtol=1e-12)


def test_a_map_of_the_size_asked_for_stays_as_it_is():
    values = np.random.default_rng(3).random((17, 23))
    np.testing.assert_array_equal(resize_map(values, (17, 23)), values)


@pytest.mark.parametrize("size", [(40, 60), (95, 140), (40, 140)])
def test_resizing_equals_pillow_s_bicubic_inside_the_borders(size):
    # Pillow's kernel is Keys's with a = -1/2 as well, and widened when a side becomes smaller.
    values = np.random.default_rng(8).random((60, 90))
    pillow = Image.fromarray(values.astype(np.float32)).resize(size[::-1], Image.Resampling.BICUBIC)
    inside = (slice(6, -6), slice(6, -6))
    np.testing.assert_allclose(resize_map(values, size)[inside], np.asarray(pillow)[inside], atol=1e-6)


@pytest.mark.parametrize("model", ["gbvs", "itti"])
def test_enlarging_equals_the_toolbox_s_maps_at_the_size_of_the_image(shared, model):
    with np.load(shared / "golden/classical.npz") as arrays:
        stimuli = [name.split("/")[1] for name in arrays.files if name.startswith(f"{model}_full/")]
        assert stimuli
        for stimulus in stimuli:
            full = resize_map(arrays[f"{model}/{stimulus}"], (600, 800))
            full = (full - full.min()) / np.ptp(full)  # the toolbox's last step
            np.testing.assert_allclose(full[::8, ::8], arrays[f"{model}_full/{stimulus}"], atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "size", "told"),
    [
        ((6, 9, 3), (12, 18), r"got \(6, 9, 3\) and \(12, 18\)"),
        ((6,), (12, 18), r"got \(6,\) and"),
        ((0, 9), (12, 18), r"got \(0, 9\) and"),
        ((6, 9), (12, 18, 3), r"and \(12, 18, 3\)"),
        ((6, 9), 12, "and 12"),
        ((6, 9), (0, 18), r"and \(0, 18\)"),
        ((6, 9), (12, -1), r"and \(12, -1\)"),
    ],
)
def test_what_is_no_map_and_no_size_is_told(shape, size, told):
    with pytest.raises(ValueError, match=rf"a map \(height, width\) and a size for it, .*{told}"):
        resize_map(np.ones(shape), size)


def test_a_list_of_rows_is_a_map():
    np.testing.assert_allclose(resize_map([[1, 1], [1, 1]], (3, 5)), np.ones((3, 5)))
