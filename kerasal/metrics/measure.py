"""Several metrics of one saliency map, which is checked and read once for all of them."""

from __future__ import annotations

from collections.abc import Iterable

from numpy.typing import ArrayLike

from kerasal.metrics._inputs import read_map
from kerasal.metrics._sweep import sweep
from kerasal.metrics.table import METRICS


def measure(
    metrics: Iterable[str],
    saliency_map: ArrayLike,
    density: ArrayLike | None = None,
    fixations: ArrayLike | None = None,
    other_fixations: ArrayLike | None = None,
    baseline: ArrayLike | None = None,
) -> dict[str, float]:
    """The values of several metrics, by their keys in `METRICS`; each equals its function's.

    The arguments are those of the functions, and only what the metrics need has to be given. Faster than
    calling them one by one: a map's extremes, sum and variance are found once, and CC, SIM, KLD and AUC-Judd
    go over the pixels together.
    ValueError: an unknown metric, an argument that one of them lacks, or whatever a function refuses.
    """
    given = {
        "density": density,
        "fixations": fixations,
        "other_fixations": other_fixations,
        "baseline": baseline,
    }
    read = {
        name: read_map(values, name) if name in ("density", "baseline") else values
        for name, values in given.items()
        if values is not None
    }
    saliency_map, started = read_map(saliency_map), {}
    for key in metrics:
        if key not in METRICS:
            raise ValueError(f"unknown metric {key!r}: one of {', '.join(METRICS)}")
        info = METRICS[key]
        needed = (info.target, *info.also_needs)
        if missing := [name for name in needed if name not in read]:
            raise ValueError(f"{info.name} needs {' and '.join(missing)}")
        started[key] = info.start(saliency_map, *(read[name] for name in needed))
    return dict(zip(started, sweep(saliency_map, list(started.values())), strict=True))
