"""Metrics that compare a saliency map with a density map: CC, SIM and KLD.

They take one image and compute in float64. docs/metrics.md holds the table of special values.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import ArrayLike

from kerasal.metrics._inputs import (
    EPSILON,
    SMALLEST_FACTOR,
    Distribution,
    Map,
    inner,
    read_density,
    read_map,
    read_positive_map,
)
from kerasal.metrics._sweep import Sum, swept


def cc(saliency_map: ArrayLike, density: ArrayLike) -> float:
    """Pearson's correlation coefficient of the two maps, in [-1, 1]. Larger is better; no unit.

    saliency_map (H, W), any real values; density (H, W), not negative.
    0.0 if either map is constant; NaN for an all-zero density, which averaging skips and counts.
    ValueError: NaN, infinity, a negative density, shapes that differ. Equals CC.m of the MIT benchmark.
    """
    return swept(start_cc, read_map(saliency_map, extremes=False), density)


def sim(saliency_map: ArrayLike, density: ArrayLike) -> float:
    """Similarity: sum over pixels of the smaller of both distributions, in [0, 1]. Larger is better; no unit.

    Each map is first brought to [0, 1] by its own minimum and maximum and then divided by its sum, as
    similarity.m of the MIT benchmark does.
    saliency_map (H, W), any real values; density (H, W), not negative.
    A constant map counts as the uniform distribution; NaN for an all-zero density.
    ValueError: NaN, infinity, a negative density, shapes that differ.
    """
    return swept(start_sim, saliency_map, density)


def kld(saliency_map: ArrayLike, density: ArrayLike) -> float:
    """Kullback-Leibler divergence of the density S from the map P, in nats. Smaller is better, best value 0.

    sum of S log(eps + S / (P + eps)) with S and P divided by their sums and eps = 2.2e-16: KLdiv.m of the
    MIT benchmark. eps bounds the value by 36.05 and can take it below 0 by as much as 2.2e-16 per pixel.
    saliency_map and density (H, W), not negative: the map is not shifted, so that its zero has a meaning.
    A constant map counts as the uniform distribution; NaN for an all-zero density.
    ValueError: NaN, infinity, negative values, shapes that differ.
    """
    return swept(start_kld, saliency_map, density)


def start_cc(saliency_map: Map, density: ArrayLike) -> Sum | float:
    density = read_density(density, saliency_map)
    if density.highest == 0:
        return math.nan
    if saliency_map.is_constant or density.is_constant:
        return 0.0
    return _Covariance(saliency_map, density)


def start_sim(saliency_map: Map, density: ArrayLike) -> Sum | float:
    density = read_density(density, saliency_map)
    if density.highest == 0:
        return math.nan
    return _Similarity(saliency_map.shifted_distribution, density.shifted_distribution)


def start_kld(saliency_map: Map, density: ArrayLike) -> Sum | float:
    read_positive_map(saliency_map, "saliency_map", " for KLD, which divides it by its sum")
    density = read_density(density, saliency_map)
    if density.highest == 0:
        return math.nan
    return _Divergence(saliency_map.distribution, density.distribution)


class _Covariance:
    """CC: the products of the values where both maps' sums of squares are known well, else of deviations."""

    turn = 3

    def __init__(self, saliency_map: Map, density: Map):
        self.maps = saliency_map, density
        self.total = 0.0
        if have_moments := saliency_map.has_moments and density.has_moments:
            self.total = -saliency_map.total * density.total / density.pixels.size
        self.of = Map.read if have_moments else Map.deviations

    def add(self, part: slice, scratch: np.ndarray) -> None:
        self.total += inner(*(self.of(map_, part) for map_ in self.maps))

    def value(self) -> float:
        saliency_map, density = self.maps
        correlation = self.total / math.sqrt(saliency_map.squares * density.squares)
        return min(max(correlation, -1.0), 1.0)  # rounding can lead out by an ulp


class _Similarity:
    """SIM as 1 less half the sum of absolute differences of two distributions: the same in fewer steps."""

    turn = 2

    def __init__(self, p: Distribution, s: Distribution):
        self.p, self.s = p, s
        # Both as multiples of the density's total, so that only one of the maps has to be divided.
        self.ratio = s.total / p.total
        self.differences = 0.0

    def add(self, part: slice, scratch: np.ndarray) -> None:
        masses = self.s.masses(part)
        difference = cv2.scaleAdd(self.p.masses(part), -self.ratio, masses, scratch[: masses.size])
        self.differences += cv2.norm(difference, cv2.NORM_L1)

    def value(self) -> float:
        return max(1 - self.differences / (2 * self.s.total), 0.0)  # rounding can lead below 0 by an ulp


class _Divergence:
    """KLD; totals stand outside the logarithm: S / (P + eps) is a quotient times p.total / s.total."""

    turn = 1

    def __init__(self, p: Distribution, s: Distribution):
        self.p, self.s = p, s
        self.added_to_p, self.added_to_quotient = EPSILON * p.total, EPSILON * s.total / p.total
        self.divergence = s.total * math.log(p.total / s.total)

    def add(self, part: slice, scratch: np.ndarray) -> None:
        masses = self.s.masses(part)
        quotient = np.add(self.p.masses(part), self.added_to_p, out=scratch[: masses.size])
        np.divide(masses, quotient, out=quotient)
        # The eps in the logarithm is for a quotient of 0. Elsewhere it adds S log(1 + eps (P + eps) / S) to
        # the sum, which is under eps (P + eps): under 2.3e-16 for all pixels together, less than rounding.
        if self.s.lowest_mass(part) < SMALLEST_FACTOR:
            quotient += self.added_to_quotient
        cv2.log(quotient, quotient)  # a third faster than numpy's, and as exact
        self.divergence += inner(masses, quotient)

    def value(self) -> float:
        return self.divergence / self.s.total
