"""Whether two lists of means rank alike."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from kerasal.evaluation import Comparison, tables
from kerasal.evaluation.resampling import CONFIDENCE
from kerasal.metrics import METRICS

FEWEST_FOR_RANKS = 4  # pairs, under which a rank correlation says nothing


def agreements(
    comparison: Comparison,
    printed: Mapping[str, Mapping[str, float]],
    what: str,
    resampled: Callable[[str, list[str]], np.ndarray | None] = lambda metric, systems: None,
) -> dict[str, dict[str, Any]]:
    """`rank_correlations` of means with a printed table, for each metric that both have and know enough of.

    Args:
        printed: [metric][system].
        resampled: gives `rank_correlations` that of a metric and systems.
    """
    found = {}
    for metric in [key for key in printed if key in comparison.metrics]:
        systems = list(printed[metric])
        ours = [comparison.summaries[system][metric].mean for system in systems]
        values = list(printed[metric].values())
        if correlations := rank_correlations(values, ours, what, resampled(metric, systems)):
            found[metric] = correlations
    return found


def rank_correlations(
    printed: Sequence[float], ours: Sequence[float], what: str, resampled: np.ndarray | None = None
) -> dict[str, float | list[float]] | None:
    """Spearman's rho and Kendall's tau-b of printed values and ours, with two-sided p-values.

    The number of pairs stands under `what`, as "losses". Pairs without a finite value of ours do not count.
    None for fewer than four pairs, or where all values of a list are equal.

    Args:
        resampled: our values (pairs, resamples), as `kerasal.evaluation.resampling` gives them; with them
            there are 95 % intervals: the percentiles of their correlations, moved so that their median is
            ours, since resampled values are noisier than ours and correlate less. Noise has taken from
            ours, too: of values that truly agree the intervals lie too low (docs/quest.md).

    Source: scipy.stats; Kendall 1945 (tau-b).
    """
    printed, ours = np.asarray(printed, float), np.asarray(ours, float)
    known = np.isfinite(ours)
    printed, ours = printed[known], ours[known]
    if len(ours) < FEWEST_FOR_RANKS or not (np.ptp(printed) and np.ptp(ours)):
        return None
    spearman, kendall = stats.spearmanr(printed, ours), stats.kendalltau(printed, ours)
    found: dict[str, float | list[float]] = {
        "spearman": float(spearman.statistic),
        "spearman_p": float(spearman.pvalue),
        "kendall": float(kendall.statistic),
        "kendall_p": float(kendall.pvalue),
        what: len(ours),
    }
    if resampled is not None:
        tail = (1 - CONFIDENCE) / 2
        for name, correlation in (("spearman", _spearman), ("kendall", _kendall)):
            with np.errstate(invalid="ignore"):  # 0 / 0 where all of a resample are equal
                drawn = correlation(printed, resampled[known])
            low, median, high = np.nanquantile(drawn, [tail, 0.5, 1 - tail])
            moved = found[name] - median + np.array([low, high])
            found[f"{name}_interval"] = np.clip(moved, -1, 1).tolist()
    return found


def agreement_table(agreement: dict[str, dict], printed: str, what: str) -> tables.Table:
    """Rank correlations with a printed table, a row a metric; `what` as there."""
    intervals = all("spearman_interval" in found for found in agreement.values())
    header, rows = ["metric"], [[tables.Cell(METRICS[metric].name)] for metric in agreement]
    for name, label, short in (("spearman", "Spearman's rho", "rho"), ("kendall", "Kendall's tau", "tau")):
        header += [label, *["95 % interval"] * intervals, f"p ({short})"]
        for row, found in zip(rows, agreement.values(), strict=True):
            row.append(tables.Cell(f"{found[name]:+.2f}"))
            if intervals:
                row.append(tables.Cell("{:+.2f} to {:+.2f}".format(*found[f"{name}_interval"])))
            row.append(tables.Cell(f"{found[f'{name}_p']:.3f}"))
    for row, found in zip(rows, agreement.values(), strict=True):
        row.append(tables.Cell(str(found[what])))
    return tables.Table(f"rank correlation with {printed}", [*header, what], rows)


def agreement_sentence(agreement: dict[str, dict[str, Any]], printed: str, what: str) -> str:
    """The same in a sentence; `what` as there."""
    shown = []
    for metric, found in agreement.items():
        interval = found.get("spearman_interval")
        within = in_brackets(interval, 2) if interval else ""
        shown.append(f"{METRICS[metric].name} {found['spearman']:+.2f}{within}")
    count = next(iter(agreement.values()))[what]
    return f"Spearman's rank correlation with {printed} over {count} {what}: {', '.join(shown)}."


def in_brackets(interval: Iterable[float], digits: int = 3) -> str:
    """An interval in brackets after its value."""
    low, high = interval
    return f" ({low:+.{digits}f} to {high:+.{digits}f})"


def _spearman(printed: np.ndarray, resampled: np.ndarray) -> np.ndarray:
    """Spearman's rho with each column of (pairs, resamples): the correlation of ranks."""
    ranks = (stats.rankdata(values, axis=0) for values in (printed, resampled))
    return _cosines(*(of_values - of_values.mean(axis=0) for of_values in ranks))


def _kendall(printed: np.ndarray, resampled: np.ndarray) -> np.ndarray:
    """Kendall's tau-b with each column of (pairs, resamples): how many of all twos are in one order."""
    one, other = np.triu_indices(len(printed), 1)
    return _cosines(*(np.sign(values[one] - values[other]) for values in (printed, resampled)))


def _cosines(vector: np.ndarray, columns: np.ndarray) -> np.ndarray:
    return vector @ columns / np.sqrt((vector**2).sum() * (columns**2).sum(axis=0))
