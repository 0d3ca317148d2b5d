"""Fixation arithmetic: validity, scaling, fixation maps, density maps.

Coordinates are (x, y) = (column, row), float, 0-based with the origin at the outer corner of the top
left pixel: a fixation lies in pixel (floor(y), floor(x)) and is valid where 0 <= x < width and
0 <= y < height. Sizes are (rows, columns).
"""

import cv2
import numpy as np


def inside(fixations: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Which of the fixations (N, 2) are finite and lie in an image of that size: (N,) bool."""
    x, y = fixations[:, 0], fixations[:, 1]
    return np.isfinite(fixations).all(axis=1) & (x >= 0) & (x < size[1]) & (y >= 0) & (y < size[0])


def pixels(
    fixations: np.ndarray, size: tuple[int, int], target: tuple[int, int] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns (N,) of valid fixations in the image, or in the image scaled to `target`.

    A fixation in the last fraction of a pixel stays in the image: rounding cannot push it out.
    """
    rows, columns = target or size
    column = np.floor(fixations[:, 0] * (columns / size[1])).astype("int64")
    row = np.floor(fixations[:, 1] * (rows / size[0])).astype("int64")
    return np.minimum(row, rows - 1), np.minimum(column, columns - 1)


def count_map(
    fixations: np.ndarray, size: tuple[int, int], target: tuple[int, int] | None = None
) -> np.ndarray:
    """The number of fixations in each pixel, float32, at `target` or `size`: its sum is N, always."""
    counts = np.zeros(target or size, "float32")
    np.add.at(counts, pixels(fixations, size, target), 1)
    return counts


def density_from_counts(
    counts: np.ndarray, size: tuple[int, int], sigma: float, dtype: str = "float32"
) -> np.ndarray:
    """A density map from a count map: blurred with a Gaussian, peak at 1; all 0 without fixations.

    `sigma` is in pixels of the stimulus, which has `size`; where `counts` has another size, the blur is
    scaled with it, along each axis. Beyond the borders there is nothing, as in the recipes that
    published maps were made with.
    """
    taps = [_taps(sigma * shape / side) for shape, side in zip(counts.shape, size, strict=True)]
    rows, columns = np.divmod(np.flatnonzero(counts > 0), counts.shape[1])  # np.nonzero is slow on floats
    if 0 < len(rows) < len(taps[0]) + len(taps[1]):
        density = _sum_of_gaussians(counts[rows, columns].astype(dtype), rows, columns, counts.shape, taps)
    else:
        y, x = (kernel.astype(dtype) for kernel in taps)
        density = cv2.sepFilter2D(counts.astype(dtype), -1, x, y, borderType=cv2.BORDER_CONSTANT)
    peak = density.max()
    return density / peak if peak > 0 else density


def reach(sigma: float) -> int:
    """Where a Gaussian is cut, in pixels from its centre: at four sigmas."""
    return round(4 * sigma)


def _taps(sigma: float) -> np.ndarray:
    """A Gaussian at whole numbers, cut at its reach: an odd number of float64, sum 1."""
    return cv2.getGaussianKernel(2 * reach(sigma) + 1, sigma, cv2.CV_64F).ravel()


def _sum_of_gaussians(weights, rows, columns, shape, taps) -> np.ndarray:
    """What a separable filter makes of a few points: one product of matrices.

    OpenCV multiplies: numpy's and TensorFlow's threads get in each other's way when tf.data's call them.
    """
    sides = []
    for place, length, kernel in zip((rows, columns), shape, taps, strict=True):
        # The kernel around each place is a window of the kernel with zeros on both sides.
        padded = np.pad(kernel.astype(weights.dtype), length)
        start = length + len(kernel) // 2 - place
        sides.append(np.lib.stride_tricks.sliding_window_view(padded, length)[start])
    return cv2.gemm(sides[0] * weights[:, None], sides[1], 1, None, 0, flags=cv2.GEMM_1_T)
