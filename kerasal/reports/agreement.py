"""Whether two lists of means rank alike."""

import math
from collections.abc import Sequence

from scipy import stats

from kerasal.evaluation import tables
from kerasal.metrics import METRICS

FEWEST_FOR_RANKS = 4  # pairs, under which a rank correlation says nothing


def rank_correlations(pairs: Sequence[tuple[float, float]], what: str) -> dict[str, float] | None:
    """Spearman's rho and Kendall's tau-b of printed values and ours, with two-sided p-values; None for few.

    The number of pairs stands under `what`, as "losses". Pairs without a finite value of ours do not count.
    Source: scipy.stats.
    """
    known = [pair for pair in pairs if math.isfinite(pair[1])]
    if len(known) < FEWEST_FOR_RANKS:
        return None
    printed, ours = zip(*known, strict=True)
    spearman, kendall = stats.spearmanr(printed, ours), stats.kendalltau(printed, ours)
    return {
        "spearman": float(spearman.statistic),
        "spearman_p": float(spearman.pvalue),
        "kendall": float(kendall.statistic),
        "kendall_p": float(kendall.pvalue),
        what: len(known),
    }


def agreement_table(agreement: dict[str, dict[str, float]], printed: str, what: str) -> tables.Table:
    """Rank correlations with a printed table, a row a metric; `what` as there."""
    rows = [
        [
            tables.Cell(METRICS[metric].name),
            tables.Cell(f"{its['spearman']:+.2f}"),
            tables.Cell(f"{its['spearman_p']:.3f}"),
            tables.Cell(f"{its['kendall']:+.2f}"),
            tables.Cell(f"{its['kendall_p']:.3f}"),
            tables.Cell(str(its[what])),
        ]
        for metric, its in agreement.items()
    ]
    return tables.Table(
        f"rank correlation with {printed}",
        ["metric", "Spearman's rho", "p (rho)", "Kendall's tau", "p (tau)", what],
        rows,
    )
