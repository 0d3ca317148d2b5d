"""AUC-Borji and shuffled AUC: ten equal steps of the map's range as thresholds, against chosen pixels.

docs/metrics.md holds the table of special values.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from kerasal.metrics._inputs import EPSILON, Map, read_fixations, read_map, stretches
from kerasal.metrics.auc import Seed

# As k * 0.1 and not k / 10: a value that lies exactly on a threshold counts as above it, so that the last
# bit of 0.3 matters. This is how the MIT benchmark's code counts them out.
THRESHOLDS = np.arange(11) * 0.1


def auc_borji(
    saliency_map: ArrayLike, fixations: ArrayLike, splits: int | None = None, seed: Seed = None
) -> float:
    """AUC-Borji: fixated pixels against random pixels of the same image, in [0, 1]. Larger is better.

    The map is brought to [0, 1]. For each threshold 0, 0.1, ... 1 the true positive rate is the share of the
    fixated pixels that reach it, the false positive rate that of random pixels; (0, 0) is added; area by the
    trapezoidal rule.

    Args:
        saliency_map: (H, W), any real values.
        fixations: a binary map (H, W), or (N, 2) integers (row, column); a pixel counts once.
        splits: None for the exact expectation over the random pixels: all pixels take their place. Or how
            often to draw as many pixels as there are fixated ones, with replacement, as AUC_Borji.m of the
            MIT benchmark does 100 times by default; the mean area comes back.
        seed: integer or numpy Generator, which `splits` needs.

    0.5 for a constant map; NaN without fixations. ValueError: NaN, infinity, a fixation outside the map, a
    fixation map that is not binary.
    """
    _check_sampling(splits, seed)
    saliency_map = read_map(saliency_map, totals=False)
    fixated = np.unique(read_fixations(fixations, saliency_map))
    if fixated.size == 0:
        return math.nan
    if saliency_map.is_constant:
        return 0.5
    compared = None
    if splits is not None:
        pixels = saliency_map.pixels.size
        compared = np.random.default_rng(seed).integers(0, pixels, splits * fixated.size)
    return _area(saliency_map, fixated, compared)


def sauc(
    saliency_map: ArrayLike,
    fixations: ArrayLike,
    other_fixations: ArrayLike,
    splits: int | None = None,
    seed: Seed = None,
) -> float:
    """Shuffled AUC: fixated pixels against pixels fixated in other images, in [0, 1]. Larger is better.

    AUC-Borji with the pixels of `other_fixations` in place of random ones. Since those share the centre bias,
    a map that is nothing but a centre bias scores about one half.

    Args:
        saliency_map: (H, W), any real values.
        fixations: a binary map (H, W), or (N, 2) integers (row, column); a pixel counts once.
        other_fixations: likewise, of other images, brought to this image's size; all of them together. In a
            list repeats count: it is what other fixations are drawn from.
        splits: None for the exact expectation: every other pixel counts. Or how often to draw as many of
            them as there are fixated pixels (or all, if there are fewer), without replacement, as
            AUC_shuffled.m of the MIT benchmark does 100 times by default; the mean area comes back.
        seed: integer or numpy Generator, which `splits` needs.

    0.5 for a constant map; NaN without fixations or without others. ValueError: NaN, infinity, a fixation
    outside the map, a fixation map that is not binary.
    """
    _check_sampling(splits, seed)
    saliency_map = read_map(saliency_map, totals=False)
    fixated = np.unique(read_fixations(fixations, saliency_map))
    others = read_fixations(other_fixations, saliency_map, "other_fixations")
    if fixated.size == 0 or others.size == 0:
        return math.nan
    if saliency_map.is_constant:
        return 0.5
    if splits is not None:
        generator = np.random.default_rng(seed)
        drawn = min(fixated.size, others.size)
        others = np.concatenate([generator.permutation(others)[:drawn] for _ in range(splits)])
    return _area(saliency_map, fixated, others)


def _check_sampling(splits: int | None, seed: Seed) -> None:
    if (splits is None) != (seed is None):
        raise ValueError(f"splits and seed go together, got splits {splits!r} and seed {seed!r}")
    if splits is not None and splits < 1:
        raise ValueError(f"splits must be positive, got {splits}")


def _area(saliency_map: Map, fixated: np.ndarray, compared: np.ndarray | None) -> float:
    """Area under the curve; linear in the false positive rates, hence the mean area of equal draws pooled.

    compared: pixel indices; None for all pixels.
    """
    levels = _levels(saliency_map)
    true_positives = _rates(_count(saliency_map.read(fixated), levels), fixated.size)
    if compared is None:
        counts = sum(
            _count_within(saliency_map.read(part), levels, *extremes)
            for part, extremes in zip(stretches(saliency_map.pixels), saliency_map.extremes, strict=True)
        )
        false_positives = _rates(counts, saliency_map.pixels.size)
    else:
        false_positives = _rates(_count(saliency_map.read(compared), levels), compared.size)
    return float(np.sum(np.diff(false_positives) * (true_positives[1:] + true_positives[:-1])) / 2)


def _count(values: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """How many of some values reach each of the levels."""
    return values.size - np.searchsorted(np.sort(values), levels)


def _count_within(values: np.ndarray, levels: np.ndarray, lowest: float, highest: float) -> np.ndarray:
    """`_count` of so many values, and their extremes, that comparing takes less time than sorting."""
    counts = np.where(levels <= lowest, values.size, 0)
    for index in np.flatnonzero((lowest < levels) & (levels <= highest)):
        counts[index] = np.count_nonzero(values >= levels[index])
    return counts


def _rates(counts: np.ndarray, pixels: int) -> np.ndarray:
    """Rates from none to all, which the map's lowest value reaches."""
    return np.array([0, *counts[::-1], pixels]) / pixels


def _levels(saliency_map: Map) -> np.ndarray:
    """For each threshold over 0 the smallest float64 that reaches it once the map is brought to [0, 1].

    Comparing with these saves scaling half a million pixels. Found by halving an interval about the inverse
    that is wide enough for its rounding.
    """
    lowest, value_range = saliency_map.lowest, saliency_map.highest - saliency_map.lowest
    thresholds = THRESHOLDS[1:]
    inverse = lowest + thresholds * value_range
    margin = 4 * EPSILON * (abs(lowest) + value_range)
    below, reaching = inverse - margin, inverse + margin
    while True:
        middle = below + (reaching - below) / 2
        undecided = (below < middle) & (middle < reaching)
        if not undecided.any():
            return reaching
        reaches = (middle - lowest) / value_range >= thresholds
        reaching = np.where(undecided & reaches, middle, reaching)
        below = np.where(undecided & ~reaches, middle, below)
