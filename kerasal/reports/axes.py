"""Axes of plots: round ticks, and ranges that one outlier does not flatten."""

from collections.abc import Sequence

from matplotlib.ticker import MaxNLocator

OUTLIER = 4  # times the range of the others that a range may have
FEWEST = 3  # values that are left in a range


def ticks(low: float, high: float, most: int = 6, integer: bool = False) -> list[float]:
    """Round numbers from `low` to `high`, at most so many: multiples of 1, 2 or 5 times a power of 10.

    With `integer` whole ones alone.
    """
    if not high > low:
        return [low]
    found = MaxNLocator(most - 1, steps=[1, 2, 5, 10], integer=integer).tick_values(low, high)
    rounding = 1e-9 * (high - low)
    return [float(tick) for tick in found if low - rounding <= tick <= high + rounding]


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
