"""One pass over the pixels of a map for all metrics that need one.

Reading a map from memory takes about as long as a metric's arithmetic on it, so that several metrics take
turns at each stretch of pixels while it is in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from kerasal.metrics._inputs import STRETCH, Map, read_map, stretches


class Sum(Protocol):
    """A metric on its way: `add` is called once for each stretch, in any order, then `value`.

    All metrics compute in the same `scratch` (STRETCH,), float64: one each would crowd the cache.
    Their `turn` at a stretch, from 0 on: those come first whose first steps are slow arithmetic, behind which
    the pixels arrive from memory unnoticed.
    """

    turn: int

    def add(self, part: slice, scratch: np.ndarray) -> None: ...

    def value(self) -> float: ...


# What begins a metric of a saliency map and its other arguments, checked here: its value where that needs no
# pass over the pixels, or its sum.
Start = Callable[..., Sum | float]


def swept(start: Start, saliency_map: ArrayLike | Map, *arguments) -> float:
    """One metric."""
    saliency_map = read_map(saliency_map)
    return sweep(saliency_map, [start(saliency_map, *arguments)])[0]


def sweep(saliency_map: Map, started: Sequence[Sum | float]) -> list[float]:
    """The values of metrics that have started, in one pass."""
    sums = [metric for metric in started if not isinstance(metric, float)]
    sums.sort(key=lambda metric: metric.turn)
    if sums:
        scratch = np.empty(STRETCH)
        # Backwards: of the pass that checked the maps, the end is in the cache still.
        for part in reversed(list(stretches(saliency_map.pixels))):
            for metric in sums:
                metric.add(part, scratch)
    return [metric if isinstance(metric, float) else metric.value() for metric in started]
