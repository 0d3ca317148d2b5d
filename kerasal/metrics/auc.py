"""Areas under the ROC curve: the saliency map as a classifier of fixated pixels.

The functions take one image and compute in float64; the class is the same for Keras, over batches and in
float32. docs/metrics.md holds the table of special values.
"""

import math
from collections.abc import Callable

import keras
import numpy as np
from keras import ops
from numpy.typing import ArrayLike

from kerasal import _maps
from kerasal.metrics._image_mean import ImageMean, checked_prediction, is_constant
from kerasal.metrics._inputs import STRETCH, Map, read_fixations, read_map, stretches

BINS = 1 << 16  # a table of them fits a processor's second cache
SHARED = -1.0  # in that table: a bin with a level in it

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
    if ties not in TIES:
        raise ValueError(f"ties must be one of {', '.join(TIES)}, got {ties!r}")
    if (seed is None) == (ties == "random"):
        raise ValueError(f"ties='random' needs a seed and no other ties takes one, got {ties!r} and {seed!r}")
    saliency_map = read_map(saliency_map)
    fixated = np.unique(read_fixations(fixations, saliency_map))
    unfixated = saliency_map.pixels.size - fixated.size
    if fixated.size == 0 or unfixated == 0:
        return math.nan
    if saliency_map.is_constant:
        return 0.5
    levels, among_fixated = np.unique(saliency_map.read(fixated), return_counts=True)
    # The trapezoids add up to the mean of the n steps and half a step for the way to (1, 1): half of a
    # fixated pixel of the lowest level counts no more.
    weights = among_fixated.astype(np.float64)
    weights[0] -= 0.5
    above, equal = _weigh_and_count(saliency_map, levels, weights)
    fixated_above = fixated.size - np.cumsum(among_fixated)
    mean_rank, last_rank = TIES[ties](among_fixated, equal - among_fixated, seed)
    false_positives = above - weights @ fixated_above + among_fixated @ mean_rank - last_rank / 2
    return float(1 - false_positives / (fixated.size * unfixated))


@keras.saving.register_keras_serializable(package="kerasal", name="AUCJuddMetric")
class AUCJudd(ImageMean):
    """Mean of `auc_judd` over images, for `model.compile(metrics=[...])`.

    Tied pixels count with their expectation. Images without a fixation, or with nothing but fixations, are
    left out. Sorts every map, which takes longer than all the other metrics together.
    """

    def __init__(self, name="auc_judd", **kwargs):
        super().__init__(name=name, **kwargs)

    def image_values(self, y_true, y_pred):
        fixated = ops.cast(_maps.fixation_map(y_true, "AUCJudd") > 0, "float32")
        prediction = checked_prediction(y_pred)
        n = ops.sum(fixated, axis=_maps.PIXELS)
        unfixated = _maps.pixel_count(fixated) - n
        has_value = ops.logical_and(n > 0, unfixated > 0)
        pairs = ops.where(has_value, n * unfixated, 1.0)
        area = _share_of_pairs_in_order(prediction, fixated, pairs) + _last_step(prediction, fixated) / (
            2.0 * pairs
        )
        area = ops.where(is_constant(prediction), 0.5, area)
        is_finite = ops.isfinite(ops.max(prediction, axis=_maps.PIXELS))
        return ops.where(is_finite, area, float("nan")), has_value


def _share_of_pairs_in_order(prediction, fixated, pairs):
    """Share of the pairs of a fixated and an unfixated pixel with the fixated one above; a tie is a half."""
    shape = ops.shape(prediction)
    images, pixels = shape[0], shape[1] * shape[2] * shape[3]
    values = ops.reshape(prediction, (images, pixels))
    order = ops.argsort(values, axis=1)
    values = ops.take_along_axis(values, order, axis=1)
    fixated = ops.take_along_axis(ops.reshape(fixated, (images, pixels)), order, axis=1)
    # Pixels of one value form a group; groups are numbered upwards through the batch.
    is_new = ops.cast(values[:, 1:] != values[:, :-1], "int32")
    groups = ops.pad(ops.cumsum(is_new, axis=1), [(0, 0), (1, 0)])
    groups = ops.reshape(groups + pixels * ops.expand_dims(ops.arange(images), 1), (-1,))

    def per_group(x):
        totals = ops.segment_sum(ops.reshape(x, (-1,)), groups, num_segments=images * pixels)
        return ops.reshape(totals, (images, pixels))

    fixated_here, unfixated_here = per_group(fixated), per_group(1.0 - fixated)
    unfixated_below = ops.cumsum(unfixated_here, axis=1) - unfixated_here / 2.0
    return ops.sum(fixated_here * unfixated_below / ops.expand_dims(pairs, 1), axis=1)


def _last_step(prediction, fixated):
    """Expected number of unfixated pixels above the last of the fixated pixels."""
    lowest = ops.min(ops.where(fixated > 0, prediction, np.inf), axis=_maps.PIXELS, keepdims=True)
    unfixated = 1.0 - fixated
    above = ops.sum(ops.where(prediction > lowest, unfixated, 0.0), axis=_maps.PIXELS)
    tied_fixated = ops.sum(ops.where(prediction == lowest, fixated, 0.0), axis=_maps.PIXELS)
    tied_unfixated = ops.sum(ops.where(prediction == lowest, unfixated, 0.0), axis=_maps.PIXELS)
    return above + tied_unfixated * tied_fixated / (tied_fixated + 1.0)


def _weigh_and_count(saliency_map: Map, levels: np.ndarray, weights: np.ndarray) -> tuple[float, np.ndarray]:
    """The sum over all pixels of the weights of the levels under each, and how many pixels lie at each level.

    The levels ascend. Sorting half a million values takes longer than all else in the metric. Rounded to
    bins the values keep their order, so that a table has the weights under a bin, and only those that share
    a bin with a level need sorting.
    """
    constant = _rounding_constant(levels, saliency_map)
    first = _bits(levels[:1] + constant)[0] - 1
    bins = _bits(levels + constant) - first
    # From bin 0, under all levels, to the one above all; clipping takes in what lies further out.
    table = np.repeat(
        np.concatenate([[0.0], np.cumsum(weights)]), np.diff(bins + 1, prepend=0, append=bins[-1] + 2)
    )
    table[bins] = SHARED
    rounded, places = np.empty(STRETCH), np.empty(STRETCH, dtype=np.int64)
    total, near = 0.0, []
    for part in stretches(saliency_map.pixels):
        values = saliency_map.read(part)
        weighed, place = rounded[: values.size], places[: values.size]
        np.subtract(_bits(np.add(values, constant, out=weighed)), first, out=place)
        np.take(table, place, out=weighed, mode="clip")
        shared = weighed == SHARED
        near.append(values[shared])
        total += weighed.sum() - SHARED * near[-1].size
    near = np.sort(np.concatenate(near))
    at_or_below = np.searchsorted(near, levels, side="right")
    below = np.searchsorted(near, levels, side="left")
    return total + weights @ (near.size - at_or_below), at_or_below - below


def _rounding_constant(levels: np.ndarray, saliency_map: Map) -> float:
    """What to add to values so that the sum's last bits number at most 65,536 bins between the levels.

    The sum is rounded to a multiple of its last place, which is as wide as a bin. Of a positive sum the bits
    stand for an integer that grows with it; of a negative one, far under the levels, for a negative integer.
    """
    spread = levels[-1] - levels[0] or saliency_map.highest - saliency_map.lowest
    exponent = math.frexp(spread / BINS)[1] + 52
    return max(math.ldexp(1.5, min(exponent, 1000)), 4 * abs(levels[0]), 4 * abs(levels[-1]))


def _bits(values: np.ndarray) -> np.ndarray:
    return values.view(np.int64)


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
    means, last = [], 0
    for a, b in zip(fixated, unfixated, strict=True):
        positions = np.sort(generator.choice(a + b, a, replace=False))
        ranks = positions - np.arange(a)
        means.append(ranks.mean())
        last = last if len(means) > 1 else ranks[-1]
    return np.array(means), last


# For each value that occurs at a fixated pixel, given the fixated and the unfixated pixels that have it:
# the mean number of those unfixated pixels that come before a fixated one; and, for the lowest value, the
# number that come before the last fixated one.
TIES: dict[str, Callable] = {"expected": _expected, "above": _above, "random": _random}
