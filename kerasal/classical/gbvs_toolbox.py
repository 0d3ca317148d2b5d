"""The pyramid, the channels and the Gabors of the GBVS toolbox, which its GBVS and its Itti share.

Rewritten from a description of the toolbox's revision of 24 July 2012 (Harel, Koch and Perona). A *level* n
is 1/2^n of the image. The pyramid is in single precision, as in the toolbox's compiled code; the rest is in
double precision.
"""

import math
from collections.abc import Iterable

import cv2
import numpy as np

from kerasal.classical.dkl import rgb_to_dkl
from kerasal.classical.map_operators import attenuate_borders, quadrature_energy
from kerasal.classical.matlab import round_half_away
from kerasal.errors import InputError

SMALLEST = 128  # pixels of a side; the toolbox refuses less
CHANNELS = "CDIO"

Levels = dict[int, np.ndarray]


def map_size(size: tuple[int, int], salmapmaxsize: int) -> tuple[int, int]:
    """The size of the map for an image of that size: its larger side is `salmapmaxsize`.

    InputError: less than a pixel, or no end of them.
    """
    if not 1 <= salmapmaxsize < math.inf:
        raise InputError(f"salmapmaxsize must be 1 pixel or more, got {salmapmaxsize}")
    rows, columns = (max(1, round_half_away(side * salmapmaxsize / max(size))) for side in size)
    return rows, columns


def feature_maps(
    image: np.ndarray, channels: str, levels: Iterable[int], gaborangles: Iterable[float]
) -> dict[str, list[Levels]]:
    """For each channel its types, for each type its map at each level.

    C: |B - min(R, G)| / I and |R - G| / I. D: the three axes of DKL. I: max(R, G, B). O: the Gabors'
    energy at each angle; without angles there is no O. A grey image, (H, W), has neither C nor D.

    InputError: an unknown channel, or nothing of a colour image; no level, one below 1 or between two.
    """
    if unknown := set(channels) - set(CHANNELS):
        raise InputError(
            f"unknown channel {sorted(unknown)[0]!r}: channels are a text of {', '.join(CHANNELS)}"
        )
    if image.ndim == 2:
        channels = "".join(channel for channel in channels if channel not in "CD")
    levels = sorted(levels)
    if not levels or levels[0] < 1 or any(level != round(level) for level in levels):
        raise InputError(f"levels of the pyramid are whole, 1 or more, got {levels or 'none'}")
    pyramids = [pyramid(plane, levels[-1]) for plane in _planes(image)]
    intensity = pyramids[-1]
    makers = {
        "C": lambda level: _color(*(planes[level] for planes in pyramids)),
        "D": lambda level: rgb_to_dkl(*(planes[level] for planes in pyramids[:3])),
        "I": lambda level: [intensity[level]],
        "O": lambda level: [gabor_energy(intensity[level], angle) for angle in gaborangles],
    }
    made = {channel: [makers[channel](level) for level in levels] for channel in channels}
    if image.ndim == 3 and not any(by_level[0] for by_level in made.values()):
        raise InputError(f"channels {channels!r} give no feature map: name some, and gaborangles for O")
    return {
        channel: [dict(zip(levels, types, strict=True)) for types in zip(*by_level, strict=True)]
        for channel, by_level in made.items()
        if by_level[0]
    }


def _planes(image: np.ndarray) -> list[np.ndarray]:
    """Red, green, blue and intensity, or the last alone for a grey image, in single precision."""
    if image.ndim == 2:
        return [image.astype(np.float32)]
    colors = [np.ascontiguousarray(image[..., i], np.float32) for i in range(3)]
    return [*colors, np.maximum(np.maximum(*colors[:2]), colors[2])]


def pyramid(plane: np.ndarray, highest: int) -> Levels:
    """Levels 1 to `highest` of one plane (H, W) of float32."""
    levels: Levels = {}
    for level in range(1, highest + 1):
        plane = levels[level] = subsample(plane)
    return levels


def subsample(plane: np.ndarray) -> np.ndarray:
    """Half of a plane in each direction, (H // 2, W // 2), float32, by a filter of six taps.

    A plane with a side of 10 or less comes back as it is.
    """
    if min(plane.shape) <= 10:
        return plane
    return _halve_rows(_halve_rows(plane.T).T)  # columns first: the order decides the rounding


def gabor_energy(intensity: np.ndarray, angle: float) -> np.ndarray:
    """|I * even Gabor| + |I * odd Gabor|, edges replicated, 13 lines of the border faded."""
    energy = quadrature_energy(_double(intensity), angle, 13, (2, 4), np.pi, cv2.BORDER_REPLICATE)
    energy[energy < 1e-10] = 0  # a flat area: the filters' means are 0 to rounding only
    return attenuate_borders(energy, 13)


def _halve_rows(x: np.ndarray) -> np.ndarray:
    """Half of the rows of a plane, float32.

    Taps of equal weight are added in single precision, the rest is in double: so the levels equal the
    toolbox's to the last bit, and colours fall on the same side of a ceiling in `dkl`.
    """
    n = x.shape[0] // 2 * 2
    half = np.empty((n // 2, x.shape[1]), np.float32)
    outer, middle, inner = (
        _double(x[k : n - 5 + k : 2] + x[5 - k : n - k : 2])
        for k in range(3)  # six taps: 1 5 10 10 5 1
    )
    middle *= 5
    outer += middle
    inner *= 10
    outer += inner
    np.divide(outer, 32, out=half[1:-1], casting="same_kind")
    first, last = x[:4], x[n - 4 : n][::-1]
    for place, taps in ((0, first), (-1, last)):
        half[place] = (10 * _double(taps[0] + taps[1]) + 5 * _double(taps[2]) + taps[3]) / 26
    if len(x) > n:  # an odd side: its last pixel comes into the last output
        half[-1] = (x[n - 4] + 5 * _double(x[n - 3] + x[n]) + 10 * _double(x[n - 2] + x[n - 1])) / 31
    return half


def _double(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float64)


def _color(*planes: np.ndarray) -> list[np.ndarray]:
    red, green, blue, intensity = map(_double, planes)
    safe = np.where(intensity > 0, intensity, 1)
    return [np.abs(blue - np.minimum(red, green)) / safe, np.abs(red - green) / safe]
