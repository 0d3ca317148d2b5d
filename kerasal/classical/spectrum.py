"""Filtering in the frequency domain, and components without correlation: what RARE2012 and AWS share."""

import numpy as np
from scipy import fft


def principal_components(image: np.ndarray) -> list[np.ndarray]:
    """The decorrelated colour planes (H, W) of an image (H, W, 3), mean 0, the strongest first.

    Components without variance, such as two of three in an image of greys, are left out.
    """
    pixels = image.reshape(-1, 3) - image.mean(axis=(0, 1))
    variances, axes = np.linalg.eigh(pixels.T @ pixels / len(pixels))
    kept = [i for i in (2, 1, 0) if variances[i] > 1e-10 * variances[2]]
    return [(pixels @ axes[:, i]).reshape(image.shape[:2]) for i in kept]


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
        self._before = [(length - side) // 2 for length, side in zip(lengths, size, strict=True)]
        self._after = [
            length - side - before for length, side, before in zip(lengths, size, self._before, strict=True)
        ]
        v, u = np.meshgrid(*(fft.fftfreq(length) for length in lengths), indexing="ij")
        self.rho = np.hypot(u, v).astype(np.float32)
        self.alpha = np.arctan2(v, u).astype(np.float32)

    def spectrum(self, plane: np.ndarray) -> np.ndarray:
        """The transform of a plane (H, W), complex64."""
        margins = list(zip(self._before, self._after, strict=True))
        return fft.fft2(np.pad(plane.astype(np.float32), margins, mode="symmetric"))

    def energy(self, spectrum: np.ndarray, transfer: np.ndarray) -> np.ndarray:
        """The modulus (H, W), float32, of the response to a filter given on `rho` and `alpha`."""
        response = fft.ifft2(spectrum * transfer)
        (top, left), (rows, columns) = self._before, self.size
        return np.abs(response[top : top + rows, left : left + columns])

    def angle_from(self, direction: float) -> np.ndarray:
        """How far each frequency is from a direction, in -π..π."""
        return (self.alpha - np.float32(direction - np.pi)) % np.float32(2 * np.pi) - np.float32(np.pi)
