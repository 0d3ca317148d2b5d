"""RARE2012 (Riche, Mancas, Duvinage, Mibulumukini, Gosselin and Dutoit 2013), re-implemented from its paper.

The authors' program is not open, and nobody has compared the two: scores of this one are not scores of
theirs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import ArrayLike

from kerasal.classical._inputs import is_constant, read_image
from kerasal.classical._threads import in_threads, one_blas_thread
from kerasal.classical.matlab import mat2gray
from kerasal.classical.spectrum import FrequencyPlane, Transfer, kept_for_next, principal_components
from kerasal.errors import InputError

SMALLEST = 32
LARGEST = 2**24  # pixels; it takes 0.25 GB a megapixel
BINS = 11  # of a level's histogram, as in the authors' later DeepRare2019
HIGHEST_FREQUENCY = 1 / 4  # cycles per pixel, of the finest Gabors; an octave between scales
REACH = 7.5  # sigmas; what a Gabor has beyond, 6e-13 of its peak, is far below the rounding of float32


@one_blas_thread
def rare2012(
    image: ArrayLike,
    *,  # written out: these are the names and defaults that help shows
    color: str = "PCA",
    orientation: int = 8,
    multiscale: int = 3,
    pyr_level: int = 4,
    gabor_threshold: float = 0.3,
    inter_threshold: float = 0.3,
    gaussian: bool = False,
) -> np.ndarray:
    """What is rare in an image, in colour and in orientation, attracts.

    A re-implementation from the paper, not the authors' program. Names and defaults of the arguments are
    those of its parameter file. Open there, and chosen here: 11 bins; Gabors at 1/4, 1/8, 1/16 cycles per
    pixel, an octave wide, that meet their neighbours at half their height; the colour and the orientation
    map of a component are fused as orientations are.

    The authors call its output raw: their published scores smooth the map and, on photographs, add a
    centred Gaussian.

    Args:
        image: (H, W, 3) RGB or (H, W) grey, sides of 32 and more, at most 16.7 megapixels; uint8, or floats
            in [0, 1].
        color: components of a colour image: "PCA", "LAB" or "YCBCR".
        orientation: how many Gabor orientations; 0 leaves the orientation maps out.
        multiscale: how many Gabor scales.
        pyr_level: levels, each half of the one before, on which rarity is measured.
        gabor_threshold, inter_threshold: the share of the least contrasted maps that is dropped when
            orientations, or components, are fused.
        gaussian: blur the result with a sigma of 2 % of the larger side.

    Returns (H, W) float64 in [0, 1], its extremes 0 and 1; all 0 for a constant image.
    InputError: an unknown `color`, no level, a threshold above 1, an image of the wrong size or form.
    """
    if not pyr_level >= 1:
        raise InputError(f"rare2012 needs a pyr_level of 1 or more, got {pyr_level}")
    if not (gabor_threshold <= 1 and inter_threshold <= 1):
        raise InputError(
            f"rare2012 needs thresholds of at most 1, got {gabor_threshold} and {inter_threshold}"
        )
    image = read_image(image, "rare2012", SMALLEST, LARGEST)
    if is_constant(image):
        return np.zeros(image.shape[:2])
    components = _components(image, color)
    oriented = _orientation_maps(components, orientation, multiscale, pyr_level)
    channels = [
        fuse(
            [rarity(component, pyr_level), *([fuse(maps, gabor_threshold)] if maps else [])], gabor_threshold
        )
        for component, maps in zip(components, oriented, strict=True)
    ]
    saliency_map = fuse(channels, inter_threshold).astype(np.float64)
    if gaussian:
        saliency_map = cv2.GaussianBlur(saliency_map, (0, 0), 0.02 * max(saliency_map.shape))
    return mat2gray(saliency_map)


def rarity(values: np.ndarray, levels: int) -> np.ndarray:
    """The self-information -log p of each pixel's value, (H, W) in [0, 1].

    p is the share of pixels in the value's bin of the histogram, averaged over the levels of a pyramid.
    """
    level = np.asarray(values, np.float32)
    p = _shares(level)
    for _ in range(levels - 1):
        level = cv2.pyrDown(level)
        p += cv2.resize(_shares(level), p.shape[::-1], interpolation=cv2.INTER_LINEAR)
    p /= levels
    information = cv2.log(p, p)
    return mat2gray(np.negative(information, out=information), out=information)


def _shares(level: np.ndarray) -> np.ndarray:
    """For each pixel the share of pixels, float32, that fall into its bin."""
    scaled = mat2gray(level)
    scaled *= BINS
    bins = scaled.astype(np.uint8)
    counts = cv2.calcHist([bins], [0], None, [256], [0, 256]).ravel().astype(np.float64)
    counts[BINS - 1 : BINS + 1] = counts[BINS - 1 : BINS + 1].sum()  # 1 itself lies in the last bin
    return cv2.LUT(bins, (counts / bins.size).astype(np.float32))


def contrast(values: np.ndarray) -> float:
    """(max - mean)² of a map in [0, 1]: high for few peaks."""
    return float((values.max() - values.mean()) ** 2)


def fuse(maps: list[np.ndarray], threshold: float) -> np.ndarray:
    """A sum of maps by rank: of N stretched maps, the i-th least contrasted counts i/N, or 0 if that is less
    than the threshold. Ties keep the maps' order."""
    ranked = sorted((mat2gray(values) for values in maps), key=contrast)
    total = np.zeros_like(ranked[0])
    for rank, values in enumerate(ranked, start=1):
        weight = rank / len(ranked)
        if weight >= threshold:
            total += np.multiply(values, weight, out=values)
    return total


def _components(image: np.ndarray, color: str) -> list[np.ndarray]:
    """The decorrelated planes of a colour image; a grey one is its own."""
    conversions = {"LAB": cv2.COLOR_RGB2LAB, "YCBCR": cv2.COLOR_RGB2YCrCb}
    if color not in ("PCA", *conversions):
        raise InputError(f"unknown color {color!r}: one of PCA, {', '.join(conversions)}")
    if image.ndim == 2:
        return [image]
    if color == "PCA":
        return principal_components(image)
    return [*np.moveaxis(cv2.cvtColor(image.astype(np.float32), conversions[color]), 2, 0)]


def _orientation_maps(
    components: list[np.ndarray], orientations: int, scales: int, levels: int
) -> list[list[np.ndarray]]:
    """For each component, for each orientation: the rarities of the Gabors' energies, summed over scales.

    Each counts as much as its contrast.
    """
    frequencies, gabors = _filters(components[0].shape, orientations, scales)
    spectra = in_threads(frequencies.spectrum, components)

    def maps_of(gabors_of_scales: list[Transfer]) -> list[np.ndarray]:
        totals = [np.zeros(frequencies.size, np.float32) for _ in components]
        memory = np.empty_like(spectra[0])
        for gabor in gabors_of_scales:
            for spectrum, total in zip(spectra, totals, strict=True):
                rare = rarity(frequencies.energy(spectrum, gabor, memory), levels)
                total += np.multiply(rare, contrast(rare), out=rare)
        return totals

    by_orientation = in_threads(maps_of, gabors)
    return [[maps[index] for maps in by_orientation] for index in range(len(components))]


@kept_for_next
def _filters(
    size: tuple[int, int], orientations: int, scales: int
) -> tuple[FrequencyPlane, list[list[Transfer]]]:
    """The frequencies of an image's size, and for each orientation its Gabors."""
    frequencies = FrequencyPlane(size, int(2**scales / 2 / HIGHEST_FREQUENCY))
    directions = np.arange(orientations) * np.pi / max(1, orientations)
    return frequencies, in_threads(
        lambda theta: list(_gabors(frequencies, theta, orientations, scales)), directions
    )


def _gabors(frequencies: FrequencyPlane, theta: float, orientations: int, scales: int) -> Iterator[Transfer]:
    """The Gabors of one orientation, one a scale, as Gaussians in the frequency plane with a peak of 1.

    In units of its own frequency a Gabor has half its height at 2/3 and 4/3, and halfway to the
    neighbouring orientations.
    """
    half = math.sqrt(2 * math.log(2))  # a Gaussian's half width at half its height, in sigmas
    turned = frequencies.angle_from(theta)
    along, across = frequencies.rho * np.cos(turned), frequencies.rho * np.sin(turned)
    for scale in range(scales):
        f = HIGHEST_FREQUENCY / 2**scale
        sigma_along, sigma_across = f / (3 * half), f * math.tan(math.pi / (2 * orientations)) / half
        reach = REACH * math.hypot(sigma_along * math.cos(theta), sigma_across * math.sin(theta))
        centre = f * math.cos(theta)
        gabor = []
        for columns in frequencies.columns_between(centre - reach, centre + reach):
            exponent = -((along[:, columns] - f) ** 2) / (2 * sigma_along**2)
            exponent -= across[:, columns] ** 2 / (2 * sigma_across**2)
            gabor.append((columns, np.exp(exponent)))
        yield gabor
