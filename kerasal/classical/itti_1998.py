"""The model of Itti, Koch and Niebur as their paper of 1998 describes it."""

from collections.abc import Sequence

import cv2
import numpy as np

from kerasal._imresize import imresize
from kerasal.classical._inputs import is_constant, read_image
from kerasal.classical.map_operators import local_maxima, quadrature_energy
from kerasal.classical.matlab import mat2gray
from kerasal.errors import InputError

SMALLEST = 64  # pixels of a side: scale 4 has 4x4 then
PEAK = 10  # M of the operator N, which the paper leaves open; both toolboxes have 10
ANGLES = (0, 45, 90, 135)
MAP_SCALE = 4

Scales = dict[int, np.ndarray]


def itti_1998(
    image: np.ndarray, *, centers: Sequence[int] = (2, 3, 4), deltas: Sequence[int] = (3, 4)
) -> np.ndarray:
    """Centre-surround contrast of intensity, colour and orientation, 42 maps, as in section 2 of the paper.

    The paper leaves open, and here is: the pyramid's filter (1 4 6 4 1)/16; Gabors of 9x9 pixels with a
    period of 7 on each scale, borders mirrored; M = 10; a local maximum is no smaller than its four
    neighbours and than a tenth of M.

    Args:
        image: as in `kerasal.classical.itti`, at least 64x64.
        centers: the scales c; scale n is 1/2^n of the image.
        deltas: δ, from a centre's scale to its surround's.

    InputError: no pair of scales, or one with a scale below 0 or between two.
    """
    pairs = [(center, center + delta) for center in centers for delta in deltas]
    used = {scale for pair in pairs for scale in pair}
    if not used or min(used) < 0 or any(scale != round(scale) for scale in used):
        raise InputError(f"itti (1998) needs whole scales of 0 or more, got {sorted(used) or 'none'}")
    image = read_image(image, "itti (1998)", SMALLEST)
    if is_constant(image):
        return np.zeros(image.shape[:2])
    highest = max(MAP_SCALE, *used)
    intensity = _pyramid(image if image.ndim == 2 else image.mean(axis=2), highest)
    small = intensity[MAP_SCALE].shape
    channels = [_conspicuity(intensity, pairs, small)]
    if image.ndim == 3:
        red, green, blue, yellow = broadly_tuned_colors(image)
        # Their pyramids are the differences of the paper's, as the pyramid is linear.
        opponents = [_pyramid(plane, highest) for plane in (red - green, blue - yellow)]
        channels.append(sum(_conspicuity(plane, pairs, small, opponent=True) for plane in opponents))
    oriented = [_orientation({scale: intensity[scale] for scale in used}, angle) for angle in ANGLES]
    channels.append(sum(normalize(_conspicuity(scales, pairs, small)) for scales in oriented))
    saliency_map = sum(normalize(channel) for channel in channels) / len(channels)
    saliency_map = imresize(saliency_map, image.shape[:2]).clip(0)
    return saliency_map / (saliency_map.max() or 1)


def broadly_tuned_colors(image: np.ndarray) -> list[np.ndarray]:
    """R, G, B, Y of an image in [0, 1], (H, W, 3): hues without luminance, which is divided out where it is
    a tenth of its maximum or more.

    With I = (r + g + b)/3: R = r - (g + b)/2, G = g - (r + b)/2, B = b - (r + g)/2,
    Y = (r + g)/2 - |r - g|/2 - b, negative values set to 0.
    """
    intensity = image.mean(axis=2)
    scale = np.divide(1, intensity, out=np.zeros_like(intensity), where=intensity > intensity.max() / 10)
    r, g, b = np.moveaxis(image * scale[..., None], 2, 0)
    tuned = (r - (g + b) / 2, g - (r + b) / 2, b - (r + g) / 2, (r + g) / 2 - np.abs(r - g) / 2 - b)
    return [plane.clip(0) for plane in tuned]


def normalize(values: np.ndarray) -> np.ndarray:
    """The operator N: to [0, M], times (M - m)², m the mean of the local maxima but the global one."""
    values = PEAK * mat2gray(values)
    maxima = np.sort(local_maxima(values, PEAK / 10))
    if len(maxima) and maxima[-1] == values.max():
        maxima = maxima[:-1]
    return values * (PEAK - (maxima.mean() if len(maxima) else 0)) ** 2


def _conspicuity(
    scales: Scales, pairs: list[tuple[int, int]], size: tuple[int, int], opponent: bool = False
) -> np.ndarray:
    """The sum over all pairs of N(|centre - surround|), at the map's size.

    `opponent`: the surround counts with the opposite sign, as in RG(c, s) = |(R - G)(c) - (G - R)(s)|.
    """
    total = np.zeros(size)
    for center, surround in pairs:
        inner = scales[center]
        outer = cv2.resize(scales[surround], inner.shape[::-1], interpolation=cv2.INTER_LINEAR)
        contrast = normalize(np.abs(inner + outer if opponent else inner - outer))
        how = cv2.INTER_AREA if contrast.shape > size else cv2.INTER_LINEAR
        total += cv2.resize(contrast, size[::-1], interpolation=how)
    return total


def _pyramid(plane: np.ndarray, highest: int) -> Scales:
    """Scales 0 (the plane itself) to `highest`, each half of the one before, a side of 1 staying 1."""
    scales = {0: np.ascontiguousarray(plane)}
    for scale in range(1, highest + 1):
        scales[scale] = cv2.pyrDown(scales[scale - 1])
    return scales


def _orientation(intensity: Scales, angle: float) -> Scales:
    """|even Gabor| + |odd Gabor| on each of these scales of the intensity."""
    return {
        scale: quadrature_energy(plane, angle, 4, (7 / 3, 7 / 3), 7, cv2.BORDER_REFLECT_101)
        for scale, plane in intensity.items()
    }
