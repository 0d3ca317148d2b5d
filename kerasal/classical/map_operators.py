"""Steps on single maps that several of the models share: Gabor filters, borders, local maxima."""

from functools import lru_cache

import cv2
import numpy as np


def quadrature_energy(
    plane: np.ndarray, theta: float, half_width: int, sigma: tuple[float, float], period: float, border: int
) -> np.ndarray:
    """|plane * even Gabor| + |plane * odd Gabor|, (H, W) float64. `border` as `cv2.filter2D` takes it."""
    # It correlates where the toolboxes convolve; even and odd filters give the same |response|.
    kernels = (gabor(theta, phase, half_width, sigma, period) for phase in (0, 90))
    even, odd = (np.abs(cv2.filter2D(plane, cv2.CV_64F, kernel, borderType=border)) for kernel in kernels)
    return even + odd


@lru_cache(maxsize=32)
def gabor(
    theta: float, phase: float, half_width: int, sigma: tuple[float, float], period: float
) -> np.ndarray:
    """A Gabor filter, (2 half_width + 1) squared, of mean 0 and L2 norm 1.

    Args:
        theta: degrees; 0 varies down the rows, so that it answers to horizontal edges.
        phase: degrees; 0 is even, 90 odd.
        half_width: pixels.
        sigma: of the envelope across and along the stripes, pixels.
        period: of the stripes, pixels.
    """
    angle = np.deg2rad(theta)
    row, column = np.mgrid[-half_width : half_width + 1, -half_width : half_width + 1]
    across = row * np.cos(angle) - column * np.sin(angle)
    along = -row * np.sin(angle) - column * np.cos(angle)
    values = np.cos(2 * np.pi * across / period + np.deg2rad(phase))
    values *= np.exp(-(across**2) / (2 * sigma[0] ** 2) - along**2 / (2 * sigma[1] ** 2))
    values -= values.mean()
    values /= np.linalg.norm(values)
    values.setflags(write=False)
    return values


def attenuate_borders(values: np.ndarray, width: int) -> np.ndarray:
    """Fade the frame of a map: line k from a border, k < width, is multiplied by (k + 1)/(width + 1).

    A width of more than half of a side becomes half of that side.
    """
    width = min(width, min(values.shape) // 2)
    lines = [np.arange(1, side + 1) for side in values.shape]
    rows, columns = (np.minimum(np.minimum(line, line[::-1]) / (width + 1), 1) for line in lines)
    return values * rows[:, None] * columns


def local_maxima(values: np.ndarray, threshold: float) -> np.ndarray:
    """The values (N,) of the pixels off the border that reach the threshold and their four neighbours.

    Every pixel of a plateau counts.
    """
    inner = values[1:-1, 1:-1]
    if inner.size == 0:
        return inner.ravel()
    neighbours = np.maximum.reduce([values[:-2, 1:-1], values[2:, 1:-1], values[1:-1, :-2], values[1:-1, 2:]])
    return inner[(inner >= neighbours) & (inner >= threshold)]


def promote_single_peaks(values: np.ndarray, peak: float, threshold: float) -> np.ndarray:
    """Multiply a map in [0, peak] by (peak - mean of its local maxima)²: many alike are put down.

    A single local maximum counts as unrivalled: the factor is peak². Without any, the map stays as it is.
    """
    maxima = local_maxima(values, threshold)
    if len(maxima) > 1:
        return values * (peak - maxima.mean()) ** 2
    return values * peak**2 if len(maxima) == 1 else values
