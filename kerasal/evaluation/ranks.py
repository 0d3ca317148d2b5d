"""Mean ranks of systems over all images and metrics, and which of them chance alone may part.

Source: Demsar 2006, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 7: Friedman's
test, and Nemenyi's critical distance. His data sets are images here. The metrics of one image depend on each
other, so they are no observations of their own: an image has one rank for each system, the mean of its ranks
in the metrics. If nothing but chance parts the systems, such means vary no more than ranks in one metric do,
however much the metrics depend on each other, so that both tests keep their level.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from kerasal.evaluation.scores import Scores
from kerasal.evaluation.statistics import FEWEST_FOR_TEST, LEVEL
from kerasal.metrics import METRICS


@dataclass(frozen=True)
class MeanRanks:
    """Systems in the order of their mean ranks, the best first.

    Attributes:
        ranks: the mean rank of each system over the images, from 1.
        images, metrics: what they are over.
        p_value: of Friedman's test that all systems are alike.
        distance: mean ranks that differ by more are told apart, by Nemenyi's test.
        cliques: systems that are not told apart, as long as they get; of a system alone there is none.
    """

    ranks: dict[str, float]
    images: int
    metrics: tuple[str, ...]
    p_value: float
    distance: float
    cliques: tuple[tuple[str, ...], ...]


def mean_ranks(sets: Sequence[Mapping[str, Scores]]) -> MeanRanks | None:
    """The mean ranks of systems on one or several sets of images; None under two systems or six images.

    Args:
        sets: the scores of each system by its name; in each set all systems have the same images in the same
            order, and equal scores share a rank.

    Metrics that not all sets and systems have are left out, of an image those that some system has no value
    of, and images without any. Where Friedman's test does not reject, no system is told apart from another.
    """
    systems = list(sets[0])
    metrics = [key for key in METRICS if all(key in scores.values for one in sets for scores in one.values())]
    if len(systems) < 2 or not metrics:
        return None
    ranks = np.concatenate([_image_ranks(one, metrics) for one in sets])
    images, count = ranks.shape
    if images < FEWEST_FOR_TEST:
        return None
    means = ranks.mean(axis=0)
    statistic = 12 * images / (count * (count + 1)) * np.sum((means - (count + 1) / 2) ** 2)
    p_value = float(stats.chi2.sf(statistic, count - 1))
    ordered = {systems[index]: float(means[index]) for index in np.argsort(means, kind="stable")}
    distance = critical_distance(count, images)
    found = cliques(ordered, distance if p_value < LEVEL else math.inf)
    return MeanRanks(ordered, images, tuple(metrics), p_value, distance, found)


def critical_distance(systems: int, images: int) -> float:
    """Nemenyi's, at 0.05: the studentized range's quantile by the root of two times a mean rank's error."""
    quantile = stats.studentized_range.ppf(1 - LEVEL, systems, np.inf) / math.sqrt(2)
    return float(quantile * math.sqrt(systems * (systems + 1) / (6 * images)))


def cliques(ranks: Mapping[str, float], distance: float) -> tuple[tuple[str, ...], ...]:
    """The longest runs of systems, in the order of their ranks, of which no two differ by more than that."""
    names, values = list(ranks), list(ranks.values())
    found, end = [], 0
    for start in range(len(names)):
        last = max(index for index in range(start, len(names)) if values[index] - values[start] <= distance)
        if last > max(start, end):
            found.append(tuple(names[start : last + 1]))
            end = last
    return tuple(found)


def _image_ranks(scores: Mapping[str, Scores], metrics: Sequence[str]) -> np.ndarray:
    """Ranks (images, systems), means over the metrics; without images that have no value of any."""
    ranks = []
    for key in metrics:
        values = np.stack([of_system.values[key] for of_system in scores.values()], axis=1)
        values = np.where(np.isfinite(values), values, np.nan)  # of which one leaves an image without ranks
        values = -values if METRICS[key].higher_is_better else values
        ranks.append(stats.rankdata(values, axis=1, nan_policy="propagate"))
    ranks = np.stack(ranks)
    return np.nanmean(ranks[:, np.isfinite(ranks).any(axis=(0, 2))], axis=0)
