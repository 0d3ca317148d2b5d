"""Graph-based visual saliency (Harel, Koch and Perona 2006), as the authors' toolbox computes it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg.blas import dsymv

from kerasal._imresize import imresize
from kerasal.classical._inputs import is_constant, read_image
from kerasal.classical._threads import one_blas_thread
from kerasal.classical.gbvs_toolbox import SMALLEST, feature_maps, map_size
from kerasal.classical.map_operators import attenuate_borders
from kerasal.classical.matlab import mat2gray, round_half_away
from kerasal.errors import InputError

BLOCK = 96  # rows of the graph's matrix that are made at a time, and stay in the processor's cache
# Usually 10 to 25 are taken. On a map of two values alone the walk swings between the two kinds of pixels for
# ever, and the toolbox with it.
MOST_STEPS = 1000


@one_blas_thread
def gbvs(
    image: ArrayLike,
    *,
    salmapmaxsize: int = 32,
    channels: str = "DIO",
    colorWeight: float = 1.0,
    dklcolorWeight: float = 1.0,
    intensityWeight: float = 1.0,
    orientationWeight: float = 1.0,
    gaborangles: Sequence[float] = (0, 45, 90, 135),
    levels: Sequence[int] = (2, 3, 4),
    sigma_frac_act: float = 0.15,
    tol: float = 1e-4,
    blurfrac: float = 0.02,
) -> np.ndarray:
    """Where a random walk over the image stays longest, if it prefers steps to what looks different.

    Equals `master_map_resized` of the toolbox's `gbvs`, revision of 24 July 2012, to 1e-4 of the range; the
    arguments have the names and defaults of its `makeGBVSParams`. The toolbox differs from the NIPS paper:
    unlike pixels are |difference| apart, not |log ratio|, and a power of 1.5 takes the second walk's place.
    The toolbox's `gbvs_fast` is channels="DO", gaborangles=(0, 90), levels=(3,), tol=0.003,
    salmapmaxsize=24. Its `unCenterBias`, off by default, needs a stored map and is not offered.

    Args:
        image: (H, W, 3) RGB or (H, W) grey, at least 128x128; uint8, or floats in [0, 1]. A grey image
            has no colour channel; an RGB image of equal channels has one, as in the toolbox.
        salmapmaxsize: larger side of the map that the walk is on, pixels.
        channels: which of C (colour), D (DKL colour), I (intensity), O (orientation).
        colorWeight, dklcolorWeight, intensityWeight, orientationWeight: of each channel in the sum.
        gaborangles: degrees.
        levels: of the pyramid; level n is 1/2^n of the image.
        sigma_frac_act: how near a step ends, as a part of the map's mean side.
        tol: when the walk's distribution has settled: the L2 norm of its last change. The result depends on
            it: at the default it is some 2 % of the range away from equilibrium.
        blurfrac: sigma of the last blur, as a part of the map's larger side; 0 is off.

    Returns (H, W) float64 in [0, 1], its extremes 0 and 1; all 0 for a constant image.
    InputError: an image too small or of another form, no or an unknown channel, a size, a level, a
    sigma_frac_act or a blurfrac out of range.
    """
    if not sigma_frac_act > 0:
        raise InputError(f"gbvs needs sigma_frac_act above 0, got {sigma_frac_act}")
    if not blurfrac < math.inf:
        raise InputError(f"gbvs needs a finite blurfrac, got {blurfrac}")
    image = read_image(image, "gbvs", SMALLEST)
    size = image.shape[:2]
    if is_constant(image):
        return np.zeros(size)
    weights = {"C": colorWeight, "D": dklcolorWeight, "I": intensityWeight, "O": orientationWeight}
    small = map_size(size, salmapmaxsize)
    master = np.zeros(small)
    for channel, types in feature_maps(image, channels, levels, gaborangles).items():
        maps = [imresize(type_[level], small) for type_ in types for level in levels]
        master += weights[channel] * sum(v**1.5 for v in activations(maps, sigma_frac_act, tol))
    master = mat2gray(attenuate_borders(master, 4))
    if blurfrac > 0:
        sigma = blurfrac * max(small)
        width = 2 * round_half_away(2 * sigma) + 1  # cut off at twice its sigma
        master = mat2gray(cv2.GaussianBlur(master, (width, width), sigma, borderType=cv2.BORDER_REPLICATE))
    return mat2gray(imresize(master, size))


def activations(maps: Sequence[np.ndarray], sigma_frac_act: float, tol: float) -> list[np.ndarray]:
    """The distribution of the random walk on each of some feature maps of one shape; each has sum 1.

    From pixel c to pixel r the walk goes in proportion to |A_r - A_c| exp(-d²/(2 sigma²)), where d is
    their distance: the column c of the transition matrix, with sum 1. Power iteration from the uniform
    distribution, until a step changes it by no more than `tol` in the L2 norm; where `MOST_STEPS` do not
    suffice, the equilibrium.
    """
    size = maps[0].shape
    closeness = _closeness(size, sigma_frac_act * sum(size) / 2)
    weights = np.empty_like(closeness)
    return [_equilibrium(values.ravel(), closeness, weights, tol).reshape(size) for values in maps]


def _equilibrium(a: np.ndarray, closeness: np.ndarray, weights: np.ndarray, tol: float) -> np.ndarray:
    """The walk's distribution, (P,), on the values a (P,). Overwrites the lower triangle of `weights`.

    Before its columns are divided by their sums, the matrix is symmetric: BLAS needs half of it.
    """
    for start in range(0, a.size, BLOCK):
        stop = start + BLOCK
        block = weights[start:stop, :stop]
        np.subtract(a[start:stop, None], a[:stop], out=block)
        np.abs(block, out=block)
        block *= closeness[start:stop, :stop]
    uniform = np.full(a.size, 1 / a.size)
    sums = dsymv(1.0, weights.T, np.ones(a.size))
    if not sums.all():
        return uniform  # a constant map: no step leads away from a pixel
    v = uniform
    for _ in range(MOST_STEPS):
        before, v = v, dsymv(1.0, weights.T, v / sums)
        if np.linalg.norm(v - before) <= tol:
            return v / v.sum()
    return sums / sums.sum()  # what v goes to on average: as many steps lead from r to c as from c to r


@lru_cache(maxsize=8)
def _closeness(size: tuple[int, int], sigma: float) -> np.ndarray:
    """exp(-d²/(2 sigma²)) between all pairs of pixels: the part of the graph that hangs on the size alone."""
    row, column = (axis.ravel() for axis in np.indices(size))
    squared = np.subtract.outer(row, row) ** 2 + np.subtract.outer(column, column) ** 2
    closeness = np.exp(squared / (-2 * sigma**2))
    closeness.setflags(write=False)
    return closeness
