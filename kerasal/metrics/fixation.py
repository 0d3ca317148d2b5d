"""Metrics that read a saliency map at the fixations: NSS and information gain.

They take one image and compute in float64. docs/metrics.md holds the table of special values.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from kerasal.metrics._inputs import EPSILON, check_same_shape, read_fixations, read_map


def nss(saliency_map: ArrayLike, fixations: ArrayLike) -> float:
    """Mean standardised map value at the fixations, in standard deviations (divisor n - 1). Larger is better.

    saliency_map (H, W), any real values; fixations: a binary map (H, W), where a pixel counts once, or
    (N, 2) integers (row, column), where repeats count. 0.0 for a constant map; NaN without fixations, which
    averaging skips and counts. Equals NSS.m of the MIT benchmark, which takes a binary map.
    ValueError: NaN, infinity, a fixation outside the map, a fixation map that is not binary.
    Source: Peters et al. 2005.
    """
    saliency_map = read_map(saliency_map, extremes=False)
    fixated = read_fixations(fixations, saliency_map)
    if fixated.size == 0:
        return math.nan
    if saliency_map.is_constant:
        return 0.0
    standard_deviation = math.sqrt(saliency_map.squares / (saliency_map.pixels.size - 1))
    return float(saliency_map.deviations(fixated).mean()) / standard_deviation


def information_gain(saliency_map: ArrayLike, fixations: ArrayLike, baseline: ArrayLike) -> float:
    """Mean of log2(eps + p) - log2(eps + b) at the fixations, in bits per fixation. Larger is better.

    p and b are the saliency map and the baseline, each brought to [0, 1] by its own minimum and maximum and
    divided by its sum; eps = 2.2e-16. The baseline is a map that knows nothing of the stimulus, mostly a
    center_bias. Positive where the saliency map predicts the fixations better than the baseline does.

    saliency_map and baseline (H, W), any real values; fixations: a binary map (H, W), where a pixel counts
    once, or (N, 2) integers (row, column), where repeats count. A constant map counts as the uniform
    distribution; NaN without fixations. Equals InfoGain.m of the MIT benchmark, which takes a binary map.
    A fixation on the map's minimum counts log2(eps) = -52 less log2(b): -33 bits for a uniform b, 600 x 800.
    ValueError: NaN, infinity, shapes that differ, a fixation outside the map, a fixation map not binary.
    Source: Kümmerer et al. 2015.
    """
    saliency_map, baseline = read_map(saliency_map), read_map(baseline, "baseline")
    check_same_shape(baseline, saliency_map, "baseline")
    fixated = read_fixations(fixations, saliency_map)
    if fixated.size == 0:
        return math.nan
    p, b = (x.shifted_distribution.probabilities(fixated) for x in (saliency_map, baseline))
    return float(np.mean(np.log2(EPSILON + p) - np.log2(EPSILON + b)))
