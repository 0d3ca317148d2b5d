"""The model of Itti, Koch and Niebur as the SaliencyToolbox computes it (Walther and Koch 2006).

Written from a description of the toolbox, not from its source. A *level* n is 1/2^(n-1) of the image: level 1
is the image.
"""

import cv2
import numpy as np

from kerasal._imresize import imresize
from kerasal.classical._inputs import is_constant, read_image
from kerasal.classical.map_operators import attenuate_borders, promote_single_peaks, quadrature_energy
from kerasal.classical.matlab import imresize_nearest, round_half_away
from kerasal.errors import InputError

SMALLEST = 32  # pixels of a side: with less there is no level 6, the first surround
PAIRS = ((3, 6), (3, 7), (4, 7), (4, 8), (5, 8), (5, 9))  # levels of centre and surround
MAP_LEVEL = 5
ANGLES = (0, 45, 90, 135)
TAPS = (1, 1, 5, 10, 10, 5, 1)  # for samples 2k - 3 .. 2k + 3; lopsided, as in the toolbox


def itti_saliency_toolbox(image: np.ndarray, *, normtype: str = "Iterative", numIter: int = 3) -> np.ndarray:
    """The SaliencyToolbox's saliency map at its defaults, resized as pysaliency does.

    Exact but for the frame of the orientation maps: along the top and the bottom border the toolbox divides
    rounding errors by rounding errors, and 0 stands here in their place.

    Args:
        image: as in `kerasal.classical.itti`, at least 32x32.
        normtype: how maps are normalised: "Iterative", "LocalMax" (the 1998 paper's) or "None".
        numIter: rounds of "Iterative".
    """
    if normtype not in NORMALIZATIONS:
        raise InputError(f"unknown normtype {normtype!r}: one of {', '.join(NORMALIZATIONS)}")
    image = read_image(image, "itti (saliency-toolbox)", SMALLEST)
    if is_constant(image):
        return np.zeros(image.shape[:2])
    saliency_map = imresize(saliency_toolbox_map(image, normtype, numIter), image.shape[:2]).clip(0)
    return saliency_map / (saliency_map.max() or 1)


def saliency_toolbox_map(image: np.ndarray, normtype: str = "Iterative", numIter: int = 3) -> np.ndarray:
    """The map at level 5, in the toolbox's own units, of an image in [0, 1]."""
    features = _features(image)
    total = np.zeros(features[0][0][MAP_LEVEL].shape)

    def normalize(values: np.ndarray, upper: float | None = None) -> np.ndarray:
        return NORMALIZATIONS[normtype](_stretch(values.clip(0), upper), upper, numIter)

    for subfeatures in features:
        maps = [
            normalize(sum(normalize(contrast, 10) for contrast in _contrasts(levels, total.shape)))
            for levels in subfeatures
        ]
        conspicuity = normalize(sum(maps)) if len(maps) > 1 else maps[0]
        total += conspicuity / (len(maps) * len(features))
    return normalize(total, 2)


def _features(image: np.ndarray) -> list[list[dict[int, np.ndarray]]]:
    """Colour (red-green, blue-yellow), intensity, orientation (four angles), each as a pyramid."""
    if image.ndim == 2:
        colors, intensity = [], image
    else:
        intensity = image @ (0.298936, 0.587043, 0.114021)
        colors = [[pyramid(plane) for plane in _opponents(image)]]
    levels = pyramid(intensity)
    return [*colors, [levels], [_orientation(levels, angle) for angle in ANGLES]]


def _opponents(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    red, green, blue = np.moveaxis(image, 2, 0)
    brightest = image.max(axis=2)
    # In the dark, colours are noise.
    scale = np.divide(1, brightest, out=np.zeros_like(brightest), where=brightest >= 0.1)
    return (red - green) * scale, (blue - np.minimum(red, green)) * scale


def pyramid(plane: np.ndarray) -> dict[int, np.ndarray]:
    """Levels 1, 2, ... of a plane (H, W), until the smaller side is 1."""
    levels = {1: plane}
    while min(levels[len(levels)].shape) > 1:
        levels[len(levels) + 1] = halve_rows(halve_rows(levels[len(levels)]).T).T
    return levels


def halve_rows(x: np.ndarray) -> np.ndarray:
    """Smooth and take every second row, (H // 2, W); taps beyond a border are left out, with their weight."""
    n = len(x)
    if n <= 3:
        weights = {1: [1], 2: [1 / 2, 1 / 2], 3: [1 / 4, 1 / 2, 1 / 4]}[n]
        return np.tensordot(weights, x, 1)[None]
    padded = np.pad(x, ((3, 3), (0, 0)))
    inside = np.pad(np.ones((n, 1)), ((3, 3), (0, 0)))
    stop = n // 2 * 2
    return sum(tap * padded[k : k + stop : 2] for k, tap in enumerate(TAPS)) / sum(
        tap * inside[k : k + stop : 2] for k, tap in enumerate(TAPS)
    )


def _orientation(levels: dict[int, np.ndarray], angle: float) -> dict[int, np.ndarray]:
    """|even Gabor| + |odd Gabor| of the levels that the pairs need, zeros outside."""
    maps = {}
    for level in sorted({*sum(PAIRS, ())} & levels.keys()):
        maps[level] = quadrature_energy(levels[level], angle, 4, (2.3333, 2.3333), 7, cv2.BORDER_CONSTANT)
        maps[level][:4, 4:-4] = maps[level][-4:, 4:-4] = 0
    return maps


def _contrasts(levels: dict[int, np.ndarray], size: tuple[int, int]) -> list[np.ndarray]:
    """|centre - surround| of each pair whose surround exists, at the map's size, borders faded."""
    width = round_half_away(max(size) / 20)
    small = {level: imresize_nearest(levels[level], size) for level in {*sum(PAIRS, ())} & levels.keys()}
    return [attenuate_borders(np.abs(small[c] - small[s]), width) for c, s in PAIRS if s in small]


def _stretch(values: np.ndarray, upper: float | None) -> np.ndarray:
    """To 0..upper by minimum and maximum; a constant map to the middle. None: as it is."""
    if upper is None:
        return values
    low, high = values.min(), values.max()
    return (values - low) * (upper / (high - low)) if high > low else np.full_like(values, upper / 2)


def _iterative(values: np.ndarray, upper: float | None, numIter: int) -> np.ndarray:
    """Peaks near each other compete: a narrow excitation, a wide inhibition, round after round."""
    excitation, inhibition = (
        [_surround_matrix(side, values.shape, *kernel) for side in values.shape]
        for kernel in ((0.02, 0.5), (0.25, 1.5))
    )
    for _ in range(numIter):
        excited, inhibited = (rows @ values @ columns.T for rows, columns in (excitation, inhibition))
        values = (values + excited - inhibited - 0.02 * values.max()).clip(0)
    return values


def _surround_matrix(side: int, size: tuple[int, int], width: float, strength: float) -> np.ndarray:
    """A Gaussian blur of one axis as a matrix; where it sticks out of the map its sum is kept.

    Its sigma is `width` of the map's larger side, its peak `strength` times that of a distribution; it ends
    at a hundredth of its peak, or at half of the map's smaller side.
    """
    sigma = width * max(size)
    reach = int(sigma * np.sqrt(-2 * np.log(0.01)))
    if (limit := max(0, min(size) // 2 - 1)) > 0:
        reach = min(reach, limit)
    offsets = np.arange(-reach, reach + 1)
    taps = strength / (sigma * np.sqrt(2 * np.pi)) * np.exp(-(offsets**2) / (2 * sigma**2))
    distance = np.subtract.outer(np.arange(side), np.arange(side))
    matrix = np.where(np.abs(distance) <= reach, taps[np.clip(distance + reach, 0, 2 * reach)], 0)
    return matrix * (taps.sum() / matrix.sum(axis=1, keepdims=True))


def _local_max(values: np.ndarray, upper: float | None, numIter: int) -> np.ndarray:
    peak = values.max() if upper is None else upper
    return promote_single_peaks(values, peak, threshold=1 if upper is None else peak / 10)


NORMALIZATIONS = {"Iterative": _iterative, "LocalMax": _local_max, "None": lambda values, *_: values}
