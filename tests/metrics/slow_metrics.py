"""Plain loops over pixels in Python floats: what the metrics mean, written to be read and not to be fast."""

import itertools
import math

import numpy as np

EPSILON = 2.220446049250313e-16


def example(seed: int, size: tuple[int, int] = (5, 7), fixated: int = 4):
    """A saliency map with many tied values, a density map and a binary fixation map, none symmetric."""
    random = np.random.default_rng(seed)
    saliency_map = random.integers(0, 6, size) / 4
    density = random.random(size) ** 3
    fixation_map = np.zeros(size)
    fixation_map.flat[random.choice(fixation_map.size, fixated, replace=False)] = 1
    return saliency_map, density, fixation_map


def slow_cc(saliency_map, density):
    p, s = _numbers(saliency_map), _numbers(density)
    mean_p, mean_s = math.fsum(p) / len(p), math.fsum(s) / len(s)
    covariance = math.fsum((a - mean_p) * (b - mean_s) for a, b in zip(p, s, strict=True))
    spread_p = math.sqrt(math.fsum((a - mean_p) ** 2 for a in p))
    spread_s = math.sqrt(math.fsum((b - mean_s) ** 2 for b in s))
    return covariance / (spread_p * spread_s)


def slow_sim(saliency_map, density):
    p, s = _min_max_distribution(saliency_map), _min_max_distribution(density)
    return math.fsum(min(a, b) for a, b in zip(p, s, strict=True))


def slow_kld(saliency_map, density):
    p, s = _numbers(saliency_map), _numbers(density)
    sum_p, sum_s = math.fsum(p), math.fsum(s)
    total = 0.0
    for a, b in zip(p, s, strict=True):
        total += b / sum_s * math.log(EPSILON + (b / sum_s) / (a / sum_p + EPSILON))
    return total


def slow_nss(saliency_map, coordinates):
    p = _numbers(saliency_map)
    mean = math.fsum(p) / len(p)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in p) / (len(p) - 1))
    return math.fsum((saliency_map[row][column] - mean) / deviation for row, column in coordinates) / len(
        coordinates
    )


def slow_auc_judd(saliency_map, fixation_map, tie_breaker):
    """AUC-Judd of one order of the pixels: by value, and by `tie_breaker` among pixels of one value."""
    order = sorted(
        zip(_numbers(saliency_map), tie_breaker, _numbers(fixation_map), strict=True),
        key=lambda pixel: (-pixel[0], pixel[1]),
    )
    fixated = sum(pixel[2] for pixel in order)
    hits = misses = 0
    points = [(0.0, 0.0)]
    for _, _, is_fixated in order:
        if is_fixated:
            hits += 1
            points.append((misses / (len(order) - fixated), hits / fixated))
        else:
            misses += 1
    points.append((1.0, 1.0))
    return _area(points)


def slow_auc_judd_over_all_orders(saliency_map, fixation_map):
    """The mean of AUC-Judd over every order of the pixels: for maps of a handful of pixels."""
    areas = [
        slow_auc_judd(saliency_map, fixation_map, order)
        for order in itertools.permutations(range(np.asarray(saliency_map).size))
    ]
    return math.fsum(areas) / len(areas)


def slow_auc_judd_above(saliency_map, fixation_map):
    """AUC_Judd.m without jitter: above a threshold are all pixels that reach it, less the hits so far."""
    p, f = _numbers(saliency_map), _numbers(fixation_map)
    thresholds = sorted((value for value, fixated in zip(p, f, strict=True) if fixated), reverse=True)
    n = len(thresholds)
    points = [(0.0, 0.0)]
    for hits, threshold in enumerate(thresholds, start=1):
        above = sum(value >= threshold for value in p)
        points.append(((above - hits) / (len(p) - n), hits / n))
    points.append((1.0, 1.0))
    return _area(points)


def slow_auc_by_steps(positives, negatives):
    """AUC at the thresholds 0, 0.1, ... 1 of values in [0, 1]."""
    points = [(0.0, 0.0)]
    for step in range(10, -1, -1):
        threshold = step * 0.1
        true_positives = sum(value >= threshold for value in positives) / len(positives)
        points.append((sum(value >= threshold for value in negatives) / len(negatives), true_positives))
    return _area(points)


def slow_information_gain(saliency_map, coordinates, baseline):
    p, b = _min_max_distribution(saliency_map), _min_max_distribution(baseline)
    width = np.asarray(saliency_map).shape[1]
    bits = []
    for row, column in coordinates:
        index = row * width + column
        bits.append(math.log(EPSILON + p[index], 2) - math.log(EPSILON + b[index], 2))
    return math.fsum(bits) / len(bits)


def unit_range(saliency_map):
    """The map's values, flat, brought to [0, 1] by minimum and maximum."""
    values = _numbers(saliency_map)
    lowest, highest = min(values), max(values)
    return [(value - lowest) / (highest - lowest) for value in values]


def _area(points):
    return math.fsum((x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in itertools.pairwise(points))


def _numbers(values):
    return [float(value) for value in np.asarray(values).flat]


def _min_max_distribution(values):
    scaled = unit_range(values)
    total = math.fsum(scaled)
    return [value / total for value in scaled]
