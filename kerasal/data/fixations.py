"""Fixation arithmetic: validity, scaling, fixation maps, density maps.

Coordinates are (x, y) = (column, row), float, 0-based with the origin at the outer corner of the top
left pixel: a fixation lies in pixel (floor(y), floor(x)) and is valid where 0 <= x < width and
0 <= y < height. Sizes are (rows, columns).
"""

from pathlib import Path

import cv2
import numpy as np

from kerasal.errors import InputError

LARGEST_SHARE = 0.05  # of an image's pixels that may be fixated: 15 observers and 5 s make less than 0.001


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


def fixated_pixels(array: np.ndarray, path: Path) -> np.ndarray:
    """The fixated pixels (N, 2) of a fixation map (H, W), as x, y: 0-based, row after row.

    Such a map has two values, of which the rarer marks fixations; where all of it is 0 nobody looked.
    InputError, naming the map's file: other values, or so many fixations as no eyes make.
    """
    low, high = array.min(), array.max()
    is_low, is_high = array == low, array == high
    if not (is_low | is_high).all():  # NaN fails too
        raise InputError(f"{path} is no fixation map, which has two values: {_looks_like(array)}")
    if low == high == 0:
        return np.empty((0, 2))
    marks = min(is_low, is_high, key=np.count_nonzero)
    share = np.count_nonzero(marks) / array.size
    if low == high or share > LARGEST_SHARE:
        covered = f"its rarer value covers {share:.0%}" if low < high else f"all of it is {low:g}"
        raise InputError(
            f"{path} is no fixation map, in which at most {LARGEST_SHARE:.0%} of the pixels are fixated: "
            f"{covered}, as in a mask"
        )
    rows, columns = np.nonzero(marks)
    return np.stack([columns, rows], axis=1).astype("float64")


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


def _looks_like(array: np.ndarray) -> str:
    """What an array of more than two values seems to be, for the user."""
    low, high = array.min(), array.max()
    if not np.isfinite([low, high]).all():
        return "it has values that are not finite"
    found = f"it has {len(np.unique(array))}, from {low:g} to {high:g}"
    place = (array - float(low)) / (float(high) - float(low))
    if np.mean(place > 0) <= LARGEST_SHARE and high <= 100:
        return f"{found}: are they counts? Save 1 where there is a fixation"
    if np.mean((place > 0.3) & (place < 0.7)) < 0.01 and np.mean(place > 0.5) <= LARGEST_SHARE:
        return f"{found}, most near both ends: are they dots, drawn smoothly or saved as JPEG?"
    return f"{found}: is it a density map? That goes into maps/"
