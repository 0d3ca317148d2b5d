"""MATLAB's imresize, bicubic, in double precision: the MIT benchmark's code and the toolboxes have it."""

import math
from functools import lru_cache

import numpy as np
from scipy import sparse


def imresize(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A map (H, W) at `size` (rows, columns), float64: `imresize(values, size, 'bicubic')`.

    Bicubic (Keys, a = -1/2), centres of pixels at half-integers, the kernel widened against aliasing where a
    side becomes smaller, borders mirrored, weights of sum 1. Beside sharp edges the kernel goes below the
    smallest and above the largest value. OpenCV's and Pillow's bicubic have another a or other borders.
    ValueError: no map, or no size of two sides.
    """
    values = np.asarray(values)
    if values.ndim != 2 or np.shape(size) != (2,) or min(*values.shape, *size) < 1:
        raise ValueError(f"expected a map (height, width) and a size for it, got {values.shape} and {size}")
    return _weigh(values, *((cells, cells / n) for cells, n in zip(size, values.shape, strict=True)))


def imresize_by(values: np.ndarray, scale: float) -> np.ndarray:
    """A map (H, W) resized by a factor: `imresize(values, scale)`, ceil(H scale) x ceil(W scale).

    Where the sides are no multiple of 1 / scale, the last cell reaches over the border.
    """
    return _weigh(values, *((math.ceil(n * scale), scale) for n in values.shape))


def _weigh(values: np.ndarray, vertical: tuple[int, float], horizontal: tuple[int, float]) -> np.ndarray:
    rows, columns = _weights(values.shape[0], *vertical), _weights(values.shape[1], *horizontal)
    return (columns @ (rows @ np.asarray(values, np.float64)).T).T


@lru_cache(maxsize=64)  # images of a dataset have one size, or a few
def _weights(length: int, cells: int, scale: float) -> sparse.csr_array:
    """Weights (cells, length) of a resize in one dimension; each row sums to 1."""
    kernel_scale = min(scale, 1.0)
    centres = (np.arange(cells) + 0.5) / scale - 0.5
    reach = math.ceil(2 / kernel_scale)
    positions = np.floor(centres)[:, None] + np.arange(-reach, reach + 1)
    # Mirrored at the border, the border pixel doubled: ... 1 0 | 0 1 ... n-1 | n-1 ...
    pixels = np.abs(positions + 0.5).astype(int) % (2 * length)
    pixels = np.minimum(pixels, 2 * length - 1 - pixels)
    weights = _keys((centres[:, None] - positions) * kernel_scale)
    weights /= weights.sum(axis=1, keepdims=True)
    cell = np.repeat(np.arange(cells), pixels.shape[1])
    # Weights of a pixel that the mirror brings in twice are added.
    return sparse.csr_array((weights.ravel(), (cell, pixels.ravel())), shape=(cells, length))


def _keys(x: np.ndarray) -> np.ndarray:
    """The cubic convolution kernel with a = -1/2. Source: Keys 1981, eq. 15."""
    # `kerasal/layers/resizing.py` has it in keras.ops; this one serves processes that must not load Keras.
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))
