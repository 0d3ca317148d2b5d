"""Areas under the ROC curve: the saliency map as a classifier of fixated pixels.

AUC-Judd of one image, in float64. docs/metrics.md holds the table of special values.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import ArrayLike

from kerasal.metrics._inputs import STRETCH, Map, read_fixations, read_map
from kerasal.metrics._sweep import Sum, swept

BINS = 1 << 16  # what 16 bits tell apart
SHARED = -1.0  # in a table of weights by bin: a bin with a level in it

Seed = int | np.random.Generator | None  # what numpy.random.default_rng takes


def auc_judd(
    saliency_map: ArrayLike, fixations: ArrayLike, ties: str = "expected", seed: Seed = None
) -> float:
    """AUC-Judd: thresholds at the fixated values, against all other pixels; in [0, 1]. Larger is better.

    The i-th largest of n fixated values gives the true positive rate i / n and, as false positive rate, the
    share of unfixated pixels above it; (0, 0) and (1, 1) are added; area by the trapezoidal rule.

    Args:
        saliency_map: (H, W), any real values; only their order matters.
        fixations: a binary map (H, W), or (N, 2) integers (row, column); a pixel counts once.
        ties: how pixels of one value are ordered. "expected": the exact mean over all orders, which is what
            the MIT benchmark's jitter estimates. "above": every pixel of a threshold's value counts as above
            it, fixated or not, which can lead below 0: AUC_Judd.m without jitter. "random": one random
            order, drawn with `seed`.
        seed: integer or numpy Generator, for ties="random" alone.

    0.5 for a constant map whatever `ties` is; NaN without fixations and if every pixel is fixated.
    ValueError: NaN, infinity, a fixation outside the map, a fixation map that is not binary.
    """
    return swept(start_auc_judd, read_map(saliency_map, totals=False), fixations, ties, seed)


def start_auc_judd(
    saliency_map: Map, fixations: ArrayLike, ties: str = "expected", seed: Seed = None
) -> Sum | float:
    if ties not in TIES:
        raise ValueError(f"ties must be one of {', '.join(TIES)}, got {ties!r}")
    if (seed is None) == (ties == "random"):
        raise ValueError(f"ties='random' needs a seed and no other ties takes one, got {ties!r} and {seed!r}")
    fixated = np.unique(read_fixations(fixations, saliency_map))
    if fixated.size in (0, saliency_map.pixels.size):
        return math.nan
    if saliency_map.is_constant:
        return 0.5
    return _Judd(saliency_map, fixated, lambda *tied: TIES[ties](*tied, seed))


class _Judd:
    """The area from the number of pixels above and at each level, which is a value of a fixated pixel.

    Sorting half a million values takes longer than all else in the metric. Rounded to 16 bits the values
    keep their order, so that a table has the weight of all levels under a pixel, and only values that share
    a bin with a level need sorting.

    fixated: pixel indices. rank: a function of `TIES`.
    """

    turn = 0

    def __init__(self, saliency_map: Map, fixated: np.ndarray, rank: Callable):
        self.map, self.fixated, self.rank = saliency_map, fixated.size, rank
        self.levels, self.among_fixated = np.unique(saliency_map.read(fixated), return_counts=True)
        # The trapezoids add up to the mean of the n steps and half a step for the way to (1, 1): half of a
        # fixated pixel of the lowest level counts no more.
        self.weights = self.among_fixated.astype(np.float64)
        self.weights[0] -= 0.5
        self._choose_bins()
        bins = self._bins(self.levels).astype(np.int64)
        under = np.concatenate([[0.0], np.cumsum(self.weights)]).astype(np.float32)  # halves of whole numbers
        self.table = np.repeat(under, np.diff(np.concatenate([[0], bins + 1, [BINS]])))
        self.table[bins] = SHARED
        self.total, self.near = 0.0, list[np.ndarray]()

    def _choose_bins(self) -> None:
        """A bin's width is a power of two, so that the sum below is rounded once and keeps the order.

        The levels take about half of the bins or more, and stay below the last, which has all above them.
        """
        lowest, highest = self.levels[0], self.levels[-1]
        spread = highest - lowest or self.map.highest - self.map.lowest
        self.scale = math.ldexp(1.0, min(16 - math.frexp(1.01 * spread)[1], 1000))
        self.shift = 1 - lowest * self.scale
        # OpenCV rounds to 32 bits before it saturates.
        self.clipped = not (self.map.highest - highest) * self.scale < 2**30

    def _bins(self, values: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        if self.clipped:
            values = np.minimum(values, self.levels[-1])
        return cv2.addWeighted(values, self.scale, values, 0.0, self.shift, out, cv2.CV_16U).ravel()

    def add(self, part: slice, scratch: np.ndarray) -> None:
        values = self.map.read(part)
        places, weighed = scratch[: STRETCH // 2].view(np.uint16), scratch[STRETCH // 2 :].view(np.float32)
        places = self._bins(values, places[: values.size])
        weighed = cv2.LUT(places, self.table, weighed[: values.size]).ravel()
        shared = weighed == SHARED
        self.near.append(values[shared])
        self.total += cv2.sumElems(weighed)[0] - SHARED * self.near[-1].size

    def value(self) -> float:
        near = np.sort(np.concatenate(self.near))
        at_or_below = np.searchsorted(near, self.levels, side="right")
        equal = at_or_below - np.searchsorted(near, self.levels, side="left")
        above = self.total + self.weights @ (near.size - at_or_below)
        fixated_above = self.fixated - np.cumsum(self.among_fixated)
        mean_rank, last_rank = self.rank(self.among_fixated, equal - self.among_fixated)
        false_positives = (
            above - self.weights @ fixated_above + self.among_fixated @ mean_rank - last_rank / 2
        )
        return float(1 - false_positives / (self.fixated * (self.map.pixels.size - self.fixated)))


def _expected(fixated: np.ndarray, unfixated: np.ndarray, seed: Seed):
    """The j-th of a tied fixated pixels has on average b j / (a + 1) of b tied unfixated ones above it."""
    return unfixated / 2, unfixated[0] * fixated[0] / (fixated[0] + 1)


def _above(fixated: np.ndarray, unfixated: np.ndarray, seed: Seed):
    """In AUC_Judd.m all pixels of a value count as above each fixated one, save the i - 1 that were counted.

    That includes the fixated pixels of the same value that come after it: a - j of them.
    """
    return unfixated + (fixated - 1) / 2, unfixated[0]


def _random(fixated: np.ndarray, unfixated: np.ndarray, seed: Seed):
    generator = np.random.default_rng(seed)
    ranks = [
        np.sort(generator.choice(a + b, a, replace=False)) - np.arange(a)
        for a, b in zip(fixated, unfixated, strict=True)
    ]
    return np.array([each.mean() for each in ranks]), ranks[0][-1]


# For each value that occurs at a fixated pixel, given the fixated and the unfixated pixels that have it:
# the mean number of those unfixated pixels that come before a fixated one; and, for the lowest value, the
# number that come before the last fixated one.
TIES: dict[str, Callable] = {"expected": _expected, "above": _above, "random": _random}
