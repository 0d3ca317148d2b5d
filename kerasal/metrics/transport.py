"""Earth mover's distance: what it costs to carry the saliency map's mass to where the density has it.

docs/metrics.md holds the table of special values.
"""

from __future__ import annotations

import math
import os
import sys
from types import ModuleType

import numpy as np
from numpy.typing import ArrayLike

from kerasal._imresize import imresize_by
from kerasal.metrics._inputs import Map, read_density, read_map, read_positive_map

LARGEST_GRID = 4096  # cells; the cost matrix takes up to 34 MB then
MOST_PIVOTS = 10_000_000  # against an endless search; random grids of 4,096 cells need under a hundredth


def emd(saliency_map: ArrayLike, density: ArrayLike, scale: float | None = 1 / 32) -> float:
    """Earth mover's distance between both distributions, in grid cells. Smaller is better, best value 0.

    The exact optimum of the transport, found by POT's network simplex in float64; the ground distance is
    Euclidean between cell centres. Each map is first reduced by `scale` and negative values, which the
    bicubic kernel leaves beside sharp peaks, are set to 0.

    Args:
        saliency_map: (H, W), not negative. A constant map counts as the uniform distribution.
        density: (H, W), not negative. NaN if it is zero everywhere.
        scale: factor of the reduction, 1/32 as in the MIT benchmark's code, so that one cell is 32 pixels.
            None takes the maps for grids as they are.

    ValueError: NaN, infinity, negative values, shapes that differ, a scale that leaves one cell or more
    than 4,096. RuntimeError: no optimum found.
    """
    saliency_map = read_positive_map(saliency_map, "saliency_map", " for EMD, which moves its mass")
    density = read_density(density, saliency_map)
    if density.highest == 0:
        return math.nan
    p, s = _grid(saliency_map, scale), _grid(density, scale)
    p, s = (grid.distribution.probabilities(slice(None)).reshape(grid.shape) for grid in (p, s))
    return _cost_of_transport(p, s)


def _grid(full: Map, scale: float | None) -> Map:
    if scale is None:
        grid = full
    elif 0 < scale <= 1:
        grid = read_map(np.maximum(imresize_by(full.read(slice(None)).reshape(full.shape), scale), 0))
    else:
        raise ValueError(f"scale must be over 0 and at most 1, or None, got {scale}")
    if not 1 < grid.pixels.size <= LARGEST_GRID:
        raise ValueError(
            f"EMD needs a grid of 2 to {LARGEST_GRID} cells, got {grid.pixels.size} "
            f"from a map of {full.shape} and scale {scale}"
        )
    return grid


def _cost_of_transport(p: np.ndarray, s: np.ndarray) -> float:
    """Least mass times distance that makes p out of s.

    Mass that both have in one cell never has to move, since a detour is no shorter than the straight way.
    Without it the problem has a quarter of the size.
    """
    surplus = p - s
    sources, sinks = np.argwhere(surplus > 0), np.argwhere(surplus < 0)
    if len(sources) == 0 or len(sinks) == 0:
        return 0.0
    supply, demand = surplus[surplus > 0], -surplus[surplus < 0]
    distances = np.hypot(sources[:, :1] - sinks[:, 0], sources[:, 1:] - sinks[:, 1])
    cost, log = _import_pot().emd2(
        supply / supply.sum(), demand / demand.sum(), distances, numItermax=MOST_PIVOTS, log=True
    )
    if log["warning"] is not None:
        raise RuntimeError(f"the optimal transport was not found: {log['warning']}")
    return float(cost * supply.sum())


def _import_pot() -> ModuleType:
    """POT, without the deep learning libraries that it would load for tensors of theirs."""
    if "ot" in sys.modules:
        return sys.modules["ot"]
    unwanted = {f"POT_BACKEND_DISABLE_{name}": "1" for name in ("TENSORFLOW", "PYTORCH", "JAX", "CUPY")}
    added = {name: value for name, value in unwanted.items() if name not in os.environ}
    os.environ.update(added)
    try:
        import ot
    finally:
        for name in added:
            del os.environ[name]
    return ot
