"""What the scores of images say about systems: means with their uncertainty, and paired differences."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from kerasal.errors import InputError
from kerasal.evaluation.scores import Scores
from kerasal.metrics import METRICS

RESAMPLES = 10_000
CONFIDENCE = 0.95
AT_ONCE = 1_000_000  # drawn values in memory at a time


@dataclass(frozen=True)
class Summary:
    """One metric of one system, over the images that have a value."""

    mean: float
    standard_error: float  # of the mean; NaN for a single image
    interval: tuple[float, float]  # bootstrap, 95 %; NaN for a single image
    images: int
    skipped: int  # images without a value, such as those without a fixation


@dataclass(frozen=True)
class Difference:
    """One metric of one system minus the reference's, over the images that have a value for both."""

    mean: float
    interval: tuple[float, float]  # bootstrap over images, 95 %; NaN for a single image
    p_value: float  # Wilcoxon's signed-rank test, two-sided; not corrected for the number of comparisons
    images: int


@dataclass(frozen=True)
class Comparison:
    """Systems on the same images: `summaries[system][metric]`, `differences[system][metric]`.

    The reference has no differences. Systems in `unranked` know the answers, as observers do, and compete
    with none.
    """

    metrics: tuple[str, ...]
    summaries: dict[str, dict[str, Summary]]
    reference: str
    differences: dict[str, dict[str, Difference]]
    unranked: frozenset[str] = frozenset()

    def ranks(self, metric: str, digits: int | None = None) -> dict[str, int]:
        """Place of each competing system, from 1; equal means share one. NaN has no place.

        With `digits`, means are compared as they are printed. The direction is the metric's in METRICS.
        """
        sign = 1 if METRICS[metric].higher_is_better else -1
        means = {
            system: sign * (mean if digits is None else round(mean, digits))
            for system, summary in self.summaries.items()
            if system not in self.unranked and not math.isnan(mean := summary[metric].mean)
        }
        return {system: 1 + sum(other > mean for other in means.values()) for system, mean in means.items()}


def compare(
    scores: Mapping[str, Scores],
    reference: str | None = None,
    *,
    unranked: Iterable[str] = (),
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Summaries of systems, and their paired differences from one of them.

    Args:
        scores: of each system by its name, on the same images in any order.
        reference: the system to subtract; default the first.
        unranked: systems that know the answers.
        seed, resamples: of the bootstrap over images. Every interval draws the same images.

    Metrics that not all systems have are left out. InputError: no systems, an unknown reference, systems
    scored on different images.
    """
    if not scores:
        raise InputError("nothing to compare: no scores")
    first = next(iter(scores))
    reference = first if reference is None else reference
    if reference not in scores:
        raise InputError(f"unknown reference {reference!r}: one of {', '.join(scores)}")
    metrics = tuple(
        key for key in scores[first].values if all(key in other.values for other in scores.values())
    )
    values = {system: _aligned(its, scores[first], system) for system, its in scores.items()}

    def interval(sample: np.ndarray) -> tuple[float, float]:
        return bootstrap_interval(sample, seed=seed, resamples=resamples)

    return Comparison(
        metrics,
        {system: {key: _summary(its[key], interval) for key in metrics} for system, its in values.items()},
        reference,
        {
            system: {key: _difference(its[key] - values[reference][key], interval) for key in metrics}
            for system, its in values.items()
            if system != reference
        },
        frozenset(unranked),
    )


def bootstrap_interval(
    values: np.ndarray, *, seed: int = 0, resamples: int = RESAMPLES, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of values (N,); NaN for fewer than two.

    Source: Efron and Tibshirani 1993, chapter 13.
    """
    if len(values) < 2:
        return (math.nan, math.nan)
    random, means = np.random.default_rng(seed), []
    step = max(1, AT_ONCE // len(values))
    for start in range(0, resamples, step):
        drawn = random.integers(0, len(values), (min(step, resamples - start), len(values)))
        means.append(values[drawn].mean(axis=1))
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail])
    return (float(low), float(high))


def _aligned(scores: Scores, first: Scores, system: str) -> dict[str, np.ndarray]:
    if scores.names == first.names:
        return scores.values
    if sorted(scores.names) != sorted(first.names) or len(set(first.names)) < len(first.names):
        raise InputError(f"{system} was scored on other images than the first system: they cannot be paired")
    position = {name: index for index, name in enumerate(scores.names)}
    order = [position[name] for name in first.names]
    return {key: values[order] for key, values in scores.values.items()}


def _summary(values: np.ndarray, interval) -> Summary:
    known = values[np.isfinite(values)]
    mean = float(known.mean()) if len(known) else math.nan
    error = float(known.std(ddof=1) / math.sqrt(len(known))) if len(known) > 1 else math.nan
    return Summary(mean, error, interval(known), len(known), len(values) - len(known))


def _difference(values: np.ndarray, interval) -> Difference:
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return Difference(math.nan, (math.nan, math.nan), math.nan, 0)
    # Where no image differs, the test has nothing to rank: nothing speaks against equality.
    p_value = float(stats.wilcoxon(known).pvalue) if np.any(known) else 1.0
    return Difference(float(known.mean()), interval(known), p_value, len(known))
