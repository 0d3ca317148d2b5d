"""Several metrics of one saliency map, which is checked and read once for all of them, or of many maps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from kerasal._processes import in_processes, worthwhile_processes
from kerasal.errors import InputError
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


def measure_many(
    metrics: Iterable[str],
    saliency_maps: Sequence[ArrayLike],
    densities: Sequence[ArrayLike] | None = None,
    fixations: Sequence[ArrayLike] | None = None,
    other_fixations: Sequence[ArrayLike] | None = None,
    baselines: Sequence[ArrayLike] | None = None,
    *,
    processes: int | None = None,
) -> dict[str, np.ndarray]:
    """The values (N,), float64, of several metrics for N maps: what `measure` gives of each, on all cores.

    Arrays (N, H, W), or sequences of arrays that may differ in size; each argument has one for each map.
    A script that has more than one process needs the usual `if __name__ == "__main__":`.

    Args:
        processes: how many work at a time; None is one a core, fewer for few maps; 1 works in this process.

    ValueError: as `measure`, with the index of the map. InputError: arguments of differing lengths, fewer
    than one process.
    """
    metrics = list(metrics)
    given = [saliency_maps, densities, fixations, other_fixations, baselines]
    count = len(saliency_maps)
    names = ("saliency_maps", "densities", "fixations", "other_fixations", "baselines")
    for name, values in zip(names, given, strict=True):
        if values is not None and len(values) != count:
            raise InputError(f"{name} must have one for each of {count} maps, got {len(values)}")
    processes = worthwhile_processes(count) if processes is None else processes
    items = ([None if values is None else values[index] for values in given] for index in range(count))
    rows = []
    for index, result in enumerate(in_processes(partial(_measured, metrics), items, processes)):
        try:
            rows.append(result())
        except ValueError as error:
            raise type(error)(f"map {index}: {error}") from None
    return {key: np.array([row[key] for row in rows], "float64") for key in metrics}


def _measured(metrics: list[str], item: list[ArrayLike | None]) -> dict[str, float]:
    return measure(metrics, *item)
