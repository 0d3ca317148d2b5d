"""Adaptive whitening saliency (Garcia-Diaz, Fdez-Vidal, Pardo and Dosil 2012), re-implemented from its paper.

The authors' program is not open, and nobody has compared the two: scores of this one are not scores of
theirs.
"""

from __future__ import annotations

import itertools
import math

import cv2
import numpy as np
from numpy.typing import ArrayLike

from kerasal.classical._inputs import is_constant, read_image
from kerasal.classical._threads import in_threads, one_blas_thread
from kerasal.classical.matlab import mat2gray
from kerasal.classical.spectrum import FrequencyPlane, Transfer, kept_for_next, principal_components
from kerasal.errors import InputError

SMALLEST = 32  # after scaling by fr
LARGEST = 2**24  # pixels, after scaling by fr; it takes 0.3 GB a megapixel
ORIENTATIONS = np.deg2rad((0, 45, 90, 135))
ANGULAR_SIGMA = float(np.deg2rad(37.5))
SHORTEST_WAVELENGTH = 6  # pixels; an octave between scales
SCALES = (7, 5, 5)  # of the luminance-like component and the two others
RADIAL_SIGMA = float(abs(np.log(0.55)))  # a bandwidth of two octaves
REACH = 7.5  # radial sigmas; what a log-Gabor has beyond, 6e-13 of its peak, is far below float32's rounding
STRETCH = 16_384  # samples that are whitened at a time, and stay in the processor's cache


@one_blas_thread
def aws(image: ArrayLike, fr: float = 1.0, sp: float = 2.1) -> np.ndarray:
    """How far each pixel is from the image's own statistics, once these are decorrelated.

    A re-implementation from the paper, not the authors' program, whose arguments it takes. Colour is
    whitened; each component is filtered with log-Gabors at four orientations and seven or five scales; for
    each orientation the moduli are whitened over the scales; saliency is the squared norm, summed over
    orientations and components, each component divided by its sum first, and smoothed.

    Args:
        image: (H, W, 3) RGB or (H, W) grey; uint8, or floats in [0, 1]. After scaling, sides of 32 and
            more, at most 16.7 megapixels.
        fr: scale of the image before anything else, in (0, 1].
        sp: of the last smoothing: a Gaussian of sigma 0.01 sp times the larger side; 0 is off.

    Returns (H, W) float64 in [0, 1], its extremes 0 and 1; all 0 for a constant image.
    InputError: an image of the wrong size or form, fr or sp out of range.
    """
    if not 0 < fr <= 1:
        raise InputError(f"aws needs fr in (0, 1], got {fr}")
    if not 0 <= sp < math.inf:
        raise InputError(f"aws needs a finite sp of 0 or more, got {sp}")
    image = read_image(image, "aws", int(np.ceil(SMALLEST / fr)), int(LARGEST / fr**2))
    size = image.shape[:2]
    if is_constant(image):
        return np.zeros(size)
    if fr < 1:
        image = cv2.resize(image, None, fx=fr, fy=fr, interpolation=cv2.INTER_AREA)
    components = principal_components(image) if image.ndim == 3 else [image]
    saliency_map = sum(energy / (energy.sum() or 1) for energy in _squared_norms(components))
    if sp > 0:
        saliency_map = cv2.GaussianBlur(saliency_map, (0, 0), 0.01 * sp * max(saliency_map.shape))
    if fr < 1:
        saliency_map = cv2.resize(saliency_map, size[::-1], interpolation=cv2.INTER_LINEAR)
    return mat2gray(saliency_map)


def whitened_norm(features: np.ndarray) -> np.ndarray:
    """The squared norm (N,) of each sample of features (S, N), whitened over all samples.

    That is (x - mean)ᵀ C⁻¹ (x - mean): no order or sign of eigenvectors enters. Directions without variance
    are left out. Its mean over the samples is the number of directions kept. The mean of the features is
    taken off in their own memory.
    """
    features -= features.mean(axis=1, keepdims=True, dtype=np.float64).astype(features.dtype)
    covariance = (features @ features.T).astype(np.float64) / features.shape[1]
    variances, axes = np.linalg.eigh(covariance)
    kept = variances > 1e-6 * variances[-1]
    whitening = (axes[:, kept] / np.sqrt(variances[kept])).astype(features.dtype).T
    norm = np.empty(features.shape[1], features.dtype)
    for start in range(0, norm.size, STRETCH):
        part = slice(start, start + STRETCH)
        whitened = whitening @ features[:, part]
        np.einsum("ij,ij->j", whitened, whitened, out=norm[part])
    return norm


def _squared_norms(components: list[np.ndarray]) -> list[np.ndarray]:
    """For each colour component the squared norms of its whitened moduli, summed over the orientations."""
    frequencies, rings, sectors = _filters(components[0].shape)
    spectra = in_threads(lambda component: frequencies.spectrum(component / component.std()), components)

    def norm(which: tuple[int, int]) -> np.ndarray:
        component, orientation = which
        turned = spectra[component] * sectors[orientation]
        memory = np.empty_like(turned)
        moduli = np.empty((SCALES[component], *frequencies.size), np.float32)
        for modulus, ring in zip(moduli, rings, strict=False):
            frequencies.fast_energy(turned, ring, memory, out=modulus)
        return whitened_norm(moduli.reshape(len(moduli), -1)).reshape(frequencies.size)

    norms = in_threads(norm, itertools.product(range(len(components)), range(len(ORIENTATIONS))))
    count = len(ORIENTATIONS)
    of_components = [norms[start : start + count] for start in range(0, len(norms), count)]
    return in_threads(lambda parts: sum(parts, start=np.zeros(frequencies.size)), of_components)


@kept_for_next
def _filters(size: tuple[int, int]) -> tuple[FrequencyPlane, list[Transfer], list[np.ndarray]]:
    """The frequencies of an image's size, and the radial and the angular parts of its log-Gabors."""
    wavelengths = [SHORTEST_WAVELENGTH * 2**scale for scale in range(max(SCALES))]
    frequencies = FrequencyPlane(size, wavelengths[-1])
    rings = in_threads(lambda wavelength: _ring(frequencies, wavelength), wavelengths)
    sectors = in_threads(lambda orientation: _sector(frequencies, orientation), ORIENTATIONS)
    return frequencies, rings, sectors


def _ring(frequencies: FrequencyPlane, wavelength: float) -> Transfer:
    """The radial part of a log-Gabor; 0 at frequency 0."""
    highest = math.exp(REACH * RADIAL_SIGMA) / wavelength
    ring = []
    for columns in frequencies.columns_between(-highest, highest):
        rho = frequencies.rho[:, columns]
        octaves = np.log(np.maximum(rho, 1e-9) * np.float32(wavelength))
        ring.append((columns, np.exp(-(octaves**2) / np.float32(2 * RADIAL_SIGMA**2)) * (rho > 0)))
    return ring


def _sector(frequencies: FrequencyPlane, orientation: float) -> np.ndarray:
    """The angular part of a log-Gabor."""
    return np.exp(-(frequencies.angle_from(orientation) ** 2) / (2 * ANGULAR_SIGMA**2))
