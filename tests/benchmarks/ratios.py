"""How benchmarks take a time and tell a ratio: `performance.py` reads the lines that `tell_ratio` prints."""

import re
import statistics
import time
from collections.abc import Callable

LINE = re.compile(r"^ratio (?P<ratio>[0-9.]+): (?P<what>.+), against (?P<against>.+)$", re.MULTILINE)


def tell_ratio(ratio: float, what: str, against: str) -> None:
    """Print a ratio of which more is better: how many times as fast, or which share of a limit's rate.

    Args:
        what: what was measured.
        against: the peer, or the limit, that the same run measured.
    """
    print(f"ratio {ratio:.3g}: {what}, against {against}", flush=True)


def read_ratios(output: str) -> list[tuple[str, str, float]]:
    """The ratios in a benchmark's output: what, against what, ratio."""
    return [(found["what"], found["against"], float(found["ratio"])) for found in LINE.finditer(output)]


def median_seconds(run: Callable[[], object], rounds: int) -> float:
    """The median of several rounds, after two that compile."""
    taken = []
    for _ in range(rounds + 2):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[2:])
