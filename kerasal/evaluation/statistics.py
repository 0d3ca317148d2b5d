"""What the scores of images say about systems: means with their uncertainty, and paired differences.

A system may have been trained several times, from several seeds: values of a metric are then (seeds, images).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import stats

from kerasal.errors import InputError
from kerasal.evaluation.resampling import RESAMPLES, bootstrap_intervals
from kerasal.evaluation.scores import Scores
from kerasal.metrics import METRICS

LEVEL = 0.05  # of the tests
FEWEST_FOR_TEST = 6  # images: of five, Wilcoxon's p is 0.0625 at the least


@dataclass(frozen=True)
class Summary:
    """One metric of one system, over the images that have a value, of means over seeds."""

    mean: float
    standard_error: float  # of the mean, over images; NaN for a single image
    interval: tuple[float, float]  # bootstrap over images and seeds, 95 %; NaN for a single image
    images: int
    skipped: int  # images without a value, such as those without a fixation


@dataclass(frozen=True)
class Difference:
    """One metric of one system minus the reference's, over the images that have a value for both."""

    mean: float
    interval: tuple[float, float]  # bootstrap over images and seeds, 95 %; NaN for a single image
    p_value: float  # Wilcoxon's signed-rank test over images, two-sided, of means over seeds
    p_seeds: float  # t test of the mean over images and seeds, two-sided; NaN for one seed or image
    p_corrected: float  # the larger of the two, corrected by Holm for the number of systems compared
    images: int

    @property
    def told_apart(self) -> bool:
        """Whether the two are different systems: by the corrected test, and by the interval."""
        low, high = self.interval
        return self.p_corrected < LEVEL and (low > 0 or high < 0)


@dataclass(frozen=True)
class Comparison:
    """Systems on the same images: `summaries[system][metric]`, `differences[system][metric]`.

    The reference has no differences. Systems in `unranked` compete with none: they know the answers, as
    observers do, or did not learn.
    """

    metrics: tuple[str, ...]
    summaries: dict[str, dict[str, Summary]]
    reference: str
    differences: dict[str, dict[str, Difference]]
    unranked: frozenset[str] = frozenset()
    seeds: int = 1  # that each system was trained from; with one, intervals are over images alone

    @property
    def over(self) -> str:
        """What intervals and corrected tests are over."""
        return "images" if self.seeds == 1 else f"images and {self.seeds} seeds"

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

    @cached_property
    def mean_places(self) -> dict[str, float]:
        """The mean place over the metrics of each system that has one in all."""
        places = [self.ranks(metric) for metric in self.metrics]
        return {
            system: float(np.mean([ranks[system] for ranks in places]))
            for system in self.summaries
            if all(system in ranks for ranks in places)
        }

    def summaries_as_dict(self) -> dict[str, dict[str, dict[str, Any]]]:
        """`summaries` as plain values, each with its place as "rank"; None where there is none."""
        ranks = {metric: self.ranks(metric) for metric in self.metrics}
        return {
            system: {
                key: {**asdict(summary), "rank": ranks[key].get(system)} for key, summary in summaries.items()
            }
            for system, summaries in self.summaries.items()
        }


def compare(
    scores: Mapping[str, Scores | Sequence[Scores]],
    reference: str | None = None,
    *,
    unranked: Iterable[str] = (),
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Summaries of systems, and their paired differences from one of them.

    Args:
        scores: of each system by its name, on the same images in any order; several of one system are its
            seeds, as many for each. A seed without any value of a metric plays no part in it.
        reference: the system to subtract; default the first. Seeds are paired as they come.
        unranked: systems that compete with none.
        seed, resamples: of the bootstrap. Every interval draws the same images and seeds.

    Metrics that not all systems have are left out. InputError: no systems, an unknown reference, systems
    scored on different images or with different numbers of seeds.
    """
    if not scores:
        raise InputError("nothing to compare: no scores")
    of_seeds = {system: [one] if isinstance(one, Scores) else list(one) for system, one in scores.items()}
    first = next(iter(of_seeds))
    reference = first if reference is None else reference
    if reference not in scores:
        raise InputError(f"unknown reference {reference!r}: one of {', '.join(scores)}")
    values = {system: _stacked(by_seed, of_seeds[first], system) for system, by_seed in of_seeds.items()}
    metrics = tuple(key for key in values[first] if all(key in other for other in values.values()))
    means = {(system, key): _known(by_metric[key]) for system, by_metric in values.items() for key in metrics}
    differences = {
        (system, key): _known(by_metric[key] - values[reference][key])
        for system, by_metric in values.items()
        if system != reference
        for key in metrics
    }
    of_means, of_differences = (_intervals(known, seed, resamples) for known in (means, differences))
    images = len(of_seeds[first][0].names)
    compared: dict[str, dict[str, Difference]] = {system: {} for system in scores if system != reference}
    for key in metrics:
        tests = {system: _tests(differences[system, key]) for system in compared}
        corrected = holm([np.fmax(*pair) for pair in tests.values()])  # fmax: a NaN plays no part
        for (system, (p_value, p_seeds)), p_corrected in zip(tests.items(), corrected, strict=True):
            known = differences[system, key]
            compared[system][key] = Difference(
                _mean(known), of_differences[system, key], p_value, p_seeds, p_corrected, known.shape[1]
            )
    return Comparison(
        metrics,
        {
            system: {key: _summary(means[system, key], of_means[system, key], images) for key in metrics}
            for system in scores
        },
        reference,
        compared,
        frozenset(unranked),
        len(of_seeds[first]),
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for their number: the chance of any false rejection is that of the level.

    The smallest is multiplied by their number, the next by one less, and so on; none becomes smaller than one
    before it, or larger than 1. NaN stays NaN and does not count.
    Source: Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure".
    """
    p_values = np.asarray(p_values, float)
    corrected = np.full(len(p_values), math.nan)
    order = np.argsort(p_values)[: np.isfinite(p_values).sum()]  # NaN sorts last
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(1, np.maximum.accumulate(factors * p_values[order]))
    return corrected.tolist()


def _stacked(seeds: list[Scores], first: list[Scores], system: str) -> dict[str, np.ndarray]:
    """The values (seeds, images) of each metric, in the order of the first system's images."""
    if len(seeds) != len(first) or not seeds:
        raise InputError(
            f"{system} was scored with {len(seeds)} seeds and the first system with {len(first)}: "
            "they cannot be paired"
        )
    aligned = [_aligned(one, first[0], system) for one in seeds]
    return {key: np.stack([one[key] for one in aligned]) for key in aligned[0]}


def _aligned(scores: Scores, first: Scores, system: str) -> dict[str, np.ndarray]:
    if scores.names == first.names:
        return scores.values
    if sorted(scores.names) != sorted(first.names) or len(set(first.names)) < len(first.names):
        raise InputError(f"{system} was scored on other images than the first system: they cannot be paired")
    position = {name: index for index, name in enumerate(scores.names)}
    order = [position[name] for name in first.names]
    return {key: values[order] for key, values in scores.values.items()}


def _known(values: np.ndarray) -> np.ndarray:
    """Of values (seeds, images), the seeds that have any, and the images that all of these have."""
    known = np.isfinite(values)
    seeds = known.any(axis=1)
    return values[seeds][:, known[seeds].all(axis=0) & seeds.any()]


def _intervals(samples: dict[tuple, np.ndarray], seed: int, resamples: int) -> dict[tuple, tuple]:
    """The interval of each sample (seeds, images): those of one shape at once."""
    shapes: dict[tuple[int, ...], list[tuple]] = {}
    for name, values in samples.items():
        shapes.setdefault(values.shape, []).append(name)
    found: dict[tuple, tuple] = {}
    for names in shapes.values():
        intervals = bootstrap_intervals(
            np.stack([samples[name] for name in names]), seed=seed, resamples=resamples
        )
        found |= dict(zip(names, map(tuple, intervals.tolist()), strict=True))
    return found


def _mean(known: np.ndarray) -> float:
    return float(known.mean()) if known.size else math.nan


def _summary(known: np.ndarray, interval: tuple[float, float], images: int) -> Summary:
    count = known.shape[1]
    error = float(known.mean(axis=0).std(ddof=1) / math.sqrt(count)) if count > 1 else math.nan
    return Summary(_mean(known), error, interval, count, images - count)


def _tests(known: np.ndarray) -> tuple[float, float]:
    """Two-sided p-values of differences (seeds, images): over images, and over images and seeds.

    The second is a t test of the mean. Its variance is the sum of those of the mean over images and of the
    mean over seeds, and its degrees of freedom are Satterthwaite's (1946).
    """
    seeds, images = known.shape
    if not known.size:
        return math.nan, math.nan
    by_image, by_seed = known.mean(axis=0), known.mean(axis=1)
    # The test ranks the images that differ; of zeros SciPy counts even those for many enough to approximate.
    differing = by_image[by_image != 0]
    # Where none does, there is nothing to rank: nothing speaks against equality.
    over_images = float(stats.wilcoxon(differing).pvalue) if len(differing) else 1.0
    if seeds < 2 or images < 2:
        return over_images, math.nan
    parts = np.array([by_image.var(ddof=1) / images, by_seed.var(ddof=1) / seeds])
    if not parts.any():  # every value the same
        return over_images, float(not np.any(known))
    shares = parts / parts.sum()
    freedom = 1 / (shares**2 / [images - 1, seeds - 1]).sum()
    statistic = abs(known.mean()) / math.sqrt(parts.sum())
    return over_images, float(2 * stats.t.sf(statistic, freedom))
