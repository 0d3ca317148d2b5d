"""Filtering in the frequency domain, and components without correlation: what RARE2012 and AWS share."""

import math
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

import cv2
import numpy as np
from scipy import fft

# A filter on the frequencies `rho` and `alpha` of a plane: some of the columns, and what it is there.
# Elsewhere it is 0.
Transfer = list[tuple[slice, np.ndarray]]
Filters = TypeVar("Filters")

KEPT = 2**20  # pixels of the largest images whose filters are kept: they take up to 80 MB a megapixel


def kept_for_next(filters: Callable[..., Filters]) -> Callable[..., Filters]:
    """A function of an image's size (H, W), and more, that keeps what it returned last for the next image.

    Images of a folder are often of one size. The filters of one above `KEPT` are made anew each time.
    """
    kept = lru_cache(maxsize=1)(filters)

    @wraps(filters)
    def of_size(size, *others):
        return (kept if math.prod(size) <= KEPT else filters)(size, *others)

    return of_size


def principal_components(image: np.ndarray) -> list[np.ndarray]:
    """The decorrelated colour planes (H, W) of an image (H, W, 3), mean 0, the strongest first.

    Components without variance, such as two of three in an image of greys, are left out.
    """
    planes = np.array(image.reshape(-1, 3).T, order="C")
    planes -= image.mean(axis=(0, 1))[:, np.newaxis]
    variances, axes = np.linalg.eigh(planes @ planes.T / planes.shape[1])
    kept = [i for i in (2, 1, 0) if variances[i] > 1e-10 * variances[2]]
    return list((axes[:, kept].T @ planes).reshape(len(kept), *image.shape[:2]))


class FrequencyPlane:
    """The frequencies of planes of one size (H, W), with borders mirrored.

    A transform is cyclic: opposite borders are neighbours. So a margin is mirrored beyond each border, twice
    the longest wavelength or an eighth of the side, and some more for a length that transforms fast.

    Attributes:
        rho: cycles per pixel, float32, of the larger plane.
        alpha: direction, radians; 0 varies along the rows, π/2 down the columns.
    """

    def __init__(self, size: tuple[int, int], longest_wavelength: int):
        self.size = size
        lengths = [fft.next_fast_len(side + 2 * min(2 * longest_wavelength, side // 8)) for side in size]
        beyond = [length - side for length, side in zip(lengths, size, strict=True)]
        self._margins = [(both // 2, both - both // 2) for both in beyond]  # before and after, of each axis
        v, u = np.meshgrid(*(fft.fftfreq(length) for length in lengths), indexing="ij")
        self._of_columns = u[0]
        self.rho = np.hypot(u, v).astype(np.float32)
        self.alpha = np.arctan2(v, u).astype(np.float32)

    def spectrum(self, plane: np.ndarray) -> np.ndarray:
        """The transform of a plane (H, W), complex64."""
        return fft.fft2(np.pad(plane.astype(np.float32), self._margins, mode="symmetric"))

    def energy(self, spectrum: np.ndarray, transfer: Transfer, memory: np.ndarray) -> np.ndarray:
        """The modulus (H, W), float32, of the response to a filter.

        memory: as large as the spectrum and of its type; it may be used again.

        The first pass of the inverse transform leaves out the columns where the filter is zero, the second
        the rows of the margin. What is left is rounded step by step as in `scipy.fft.ifft2`: with another
        last bit a response may fall into another bin of RARE2012's histograms.
        """
        memory.fill(0)
        factor = np.float32(1 / memory.size)
        for columns, values in transfer:
            part = memory[:, columns]
            np.multiply(spectrum[:, columns], values, out=part)
            part = fft.ifft(part, axis=0, norm="forward", overwrite_x=True)
            np.multiply(part, factor, out=memory[:, columns])
        ((top, _), (left, _)), (rows, columns) = self._margins, self.size
        response = fft.ifft(memory[top : top + rows], axis=1, norm="forward", overwrite_x=True)
        return np.abs(response[:, left : left + columns])

    def fast_energy(
        self, spectrum: np.ndarray, transfer: Transfer, memory: np.ndarray, out: np.ndarray
    ) -> None:
        """`energy` to float32's rounding, not to its last bit, into `out`: OpenCV takes half the time."""
        memory.fill(0)
        for columns, values in transfer:
            np.multiply(spectrum[:, columns], values, out=memory[:, columns])
        pairs = memory.view(np.float32).reshape(*memory.shape, 2)  # as OpenCV has complex numbers
        cv2.dft(pairs, pairs, flags=cv2.DFT_INVERSE | cv2.DFT_SCALE)
        ((top, _), (left, _)), (rows, columns) = self._margins, self.size
        np.abs(memory[top : top + rows, left : left + columns], out=out)

    def columns_between(self, lowest: float, highest: float) -> list[slice]:
        """The columns whose frequency along the rows, in cycles per pixel, lies between the two."""
        places = np.flatnonzero((self._of_columns >= lowest) & (self._of_columns <= highest))
        runs = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
        return [slice(int(run[0]), int(run[-1]) + 1) for run in runs if run.size]

    def angle_from(self, direction: float) -> np.ndarray:
        """How far each frequency is from a direction in 0..π, in -π..π."""
        angle = self.alpha - np.float32(direction - np.pi)
        angle += np.float32(2 * np.pi) * (angle < 0)
        return angle - np.float32(np.pi)
