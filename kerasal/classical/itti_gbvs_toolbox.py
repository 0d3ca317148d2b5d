"""The model of Itti, Koch and Niebur as the GBVS toolbox computes it (`ittikochmap`)."""

from collections.abc import Sequence

import numpy as np

from kerasal._imresize import imresize
from kerasal.classical._inputs import is_constant, read_image
from kerasal.classical.gbvs_toolbox import SMALLEST, Levels, feature_maps, map_size
from kerasal.classical.map_operators import attenuate_borders, promote_single_peaks
from kerasal.classical.matlab import mat2gray, round_half_away


def itti_gbvs_toolbox(
    image: np.ndarray,
    *,  # written out as in `gbvs`: these are the names and defaults that help shows
    salmapmaxsize: int | None = None,
    channels: str = "CIO",
    colorWeight: float = 1.0,
    dklcolorWeight: float = 1.0,
    intensityWeight: float = 1.0,
    orientationWeight: float = 1.0,
    gaborangles: Sequence[float] = (0, 45, 90, 135),
    ittiCenterLevels: Sequence[int] = (2, 3),
    ittiDeltaLevels: Sequence[int] = (2,),
) -> np.ndarray:
    """`master_map_resized` of the toolbox's `ittikochmap`, revision of 24 July 2012, to 1e-4 of the range.

    Args:
        image: as in `kerasal.classical.itti`, at least 128x128.
        salmapmaxsize: larger side of the map, pixels; None is an eighth of the image's.
        channels: which of C (colour), D (DKL colour), I (intensity), O (orientation).
        colorWeight, dklcolorWeight, intensityWeight, orientationWeight: of each channel in the sum.
        gaborangles: degrees.
        ittiCenterLevels: of the pyramid; level n is 1/2^n of the image.
        ittiDeltaLevels: from a centre's level to its surround's.

    InputError: an image too small or of another form, no or an unknown channel, a level or size out of range.
    """
    image = read_image(image, "itti (gbvs-toolbox)", SMALLEST)
    size = image.shape[:2]
    if is_constant(image):
        return np.zeros(size)
    weights = {"C": colorWeight, "D": dklcolorWeight, "I": intensityWeight, "O": orientationWeight}
    pairs = [(center, center + delta) for center in ittiCenterLevels for delta in ittiDeltaLevels]
    small = map_size(size, round_half_away(max(size) / 8) if salmapmaxsize is None else salmapmaxsize)
    master = np.zeros(small)
    for channel, types in feature_maps(image, channels, {*sum(pairs, ())}, gaborangles).items():
        contrasts = [center_surround(levels, *pair) for levels in types for pair in pairs]
        master += weights[channel] * normalize(sum(normalize(imresize(c, small)) for c in contrasts))
    master = mat2gray(attenuate_borders(master, 4))
    return mat2gray(imresize(master, size))


def center_surround(levels: Levels, center: int, surround: int) -> np.ndarray:
    """(centre - surround)², at the centre's size."""
    return (levels[center] - imresize(levels[surround], levels[center].shape)) ** 2


def normalize(values: np.ndarray) -> np.ndarray:
    """The operator N: stretch to 0..10, then put down a map with many alike peaks."""
    return promote_single_peaks(10 * mat2gray(values), peak=10, threshold=1)
