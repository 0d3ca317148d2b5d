"""Axes of plots: round ticks, and ranges that one outlier does not flatten."""

import math
from collections.abc import Sequence

OUTLIER = 4  # times the range of the others that a range may have
FEWEST = 3  # values that are left in a range


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers from `low` to `high`, at most so many: multiples of 1, 2 or 5 times a power of 10."""
    if not high > low:
        return [low]
    step = 10.0 ** math.floor(math.log10((high - low) / most))
    step *= next(factor for factor in (1, 2, 5, 10, 20) if (high - low) / (factor * step) <= most - 1)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{number * step:.12g}") for number in range(first, last + 1)]


def axis_range(values: Sequence[float]) -> tuple[float, float]:
    """The range of values, but for what would flatten the others.

    The lowest or the highest is left out, one after the other, as long as it alone makes the range more than
    four times as long; three are left at least.
    """
    inside = sorted(values)
    while len(inside) > FEWEST:
        whole = inside[-1] - inside[0]
        without = min((inside[1:], inside[:-1]), key=lambda part: part[-1] - part[0])
        rest = without[-1] - without[0]
        if not 0 < OUTLIER * rest < whole:
            break
        inside = without
    return float(inside[0]), float(inside[-1])
