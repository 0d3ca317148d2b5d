"""The functions of MATLAB that the toolboxes are written in, where numpy's and OpenCV's differ."""

import numpy as np


def imresize_nearest(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """`imresize(values, size, 'nearest')`: no smoothing; halfway between two pixels the later one."""
    rows, columns = (
        # The centre of output pixel i is ((i + 1/2) n_in/n_out), in whole numbers to keep ties exact.
        (2 * np.arange(n_out) + 1) * n_in // (2 * n_out)
        for n_in, n_out in zip(values.shape, size, strict=True)
    )
    return values[np.ix_(rows, columns)]


def mat2gray(values: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Stretch to 0..1 by minimum and maximum; a constant map is clipped to 0..1 instead.

    `out` may be `values` itself: new memory for each of many maps takes longer than the arithmetic.
    """
    low, high = values.min(), values.max()
    if high == low:
        return np.clip(values, 0, 1, out=out)
    stretched = np.subtract(values, low, out=out)
    stretched /= high - low
    return stretched


def round_half_away(value: float) -> int:
    """`round` of a non-negative number: halves go up, not to the even neighbour."""
    return int(np.floor(value + 0.5))
