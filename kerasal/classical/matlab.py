"""The functions of MATLAB that the toolboxes are written in, where numpy's and OpenCV's differ."""

from functools import lru_cache

import numpy as np


def imresize(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """`imresize(values, size, 'bicubic')`: (H, W) to (rows, columns), float64.

    Keys's kernel with a = -0.5, centres of pixels at half-integers, borders mirrored with the edge pixel
    repeated, weights of sum 1; for shrinking the kernel is stretched, so that nothing aliases. OpenCV's
    and Pillow's bicubic have another a or other borders.
    """
    rows, columns = (_bicubic_weights(*pair) for pair in zip(values.shape, size, strict=True))
    if size[0] / values.shape[0] <= size[1] / values.shape[1]:  # the smaller scale first, as MATLAB does
        return (rows @ values) @ columns.T
    return rows @ (values @ columns.T)


def imresize_nearest(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """`imresize(values, size, 'nearest')`: no smoothing; halfway between two pixels the later one."""
    rows, columns = (
        # The centre of output pixel i is ((i + 1/2) n_in/n_out), in whole numbers to keep ties exact.
        (2 * np.arange(n_out) + 1) * n_in // (2 * n_out)
        for n_in, n_out in zip(values.shape, size, strict=True)
    )
    return values[np.ix_(rows, columns)]


def mat2gray(values: np.ndarray) -> np.ndarray:
    """Stretch to 0..1 by minimum and maximum; a constant map is clipped to 0..1 instead."""
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else values.clip(0, 1)


def round_half_away(value: float) -> int:
    """`round` of a non-negative number: halves go up, not to the even neighbour."""
    return int(np.floor(value + 0.5))


@lru_cache(maxsize=16)
def _bicubic_weights(n_in: int, n_out: int) -> np.ndarray:
    """The matrix (n_out, n_in) that resizes one axis."""
    scale = n_out / n_in
    stretch = max(1.0, 1 / scale)
    centres = (np.arange(n_out) + 0.5) / scale - 0.5
    reach = int(np.ceil(2 * stretch)) + 1
    taps = np.floor(centres).astype(int)[:, None] + np.arange(-reach, reach + 1)
    weights = _keys((centres[:, None] - taps) / stretch)
    weights /= weights.sum(axis=1, keepdims=True)
    mirrored = taps % (2 * n_in)
    mirrored = np.minimum(mirrored, 2 * n_in - 1 - mirrored)
    matrix = np.zeros((n_out, n_in))
    np.add.at(matrix, (np.arange(n_out)[:, None], mirrored), weights)
    matrix.setflags(write=False)
    return matrix


def _keys(x: np.ndarray) -> np.ndarray:
    """Keys's cubic convolution kernel, a = -0.5."""
    x = np.abs(x)
    inner = 1.5 * x**3 - 2.5 * x**2 + 1
    outer = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, inner, np.where(x <= 2, outer, 0.0))
