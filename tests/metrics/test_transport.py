"""EMD against closed forms and a linear programme, and the reduction to a grid."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy.optimize import linprog

from kerasal.metrics import emd


def optimum_of_linear_programme(p, s):
    """Least cost over all flows between all pairs of cells, without a shortcut."""
    cells = [(row, column) for row in range(p.shape[0]) for column in range(p.shape[1])]
    costs = [math.dist(source, sink) for source in cells for sink in cells]
    n = len(cells)
    leaving, arriving = np.kron(np.eye(n), np.ones(n)), np.kron(np.ones(n), np.eye(n))
    masses = np.concatenate([p.ravel() / p.sum(), s.ravel() / s.sum()])
    result = linprog(costs, A_eq=np.vstack([leaving, arriving]), b_eq=masses, method="highs")
    assert result.success
    return result.fun


@pytest.mark.parametrize("seed", range(4))
def test_emd_of_grids_equals_a_linear_programme(seed):
    random = np.random.default_rng(seed)
    p, s = random.random((4, 5)) ** 3, random.random((4, 5)) * (random.random((4, 5)) < 0.6)
    assert emd(p, s, scale=None) == pytest.approx(optimum_of_linear_programme(p, s), rel=1e-7)


def test_emd_of_two_single_cells_is_their_distance():
    p, s = np.zeros((6, 9)), np.zeros((6, 9))
    p[1, 2], s[4, 6] = 3, 7
    assert emd(p, s, scale=None) == pytest.approx(5.0, rel=1e-12)


def test_emd_of_a_row_is_the_area_between_the_cumulative_sums():
    random = np.random.default_rng(5)
    p, s = random.random((1, 40)), random.random((1, 40))
    expected = np.abs(np.cumsum(p / p.sum() - s / s.sum())).sum()
    assert emd(p, s, scale=None) == pytest.approx(expected, rel=1e-9)


def test_emd_of_a_shifted_map_is_the_shift():
    p = np.zeros((8, 12))
    p[1:4, 2:6] = np.arange(12).reshape(3, 4)
    assert emd(p, np.roll(p, (3, 4), axis=(0, 1)), scale=None) == pytest.approx(5.0, rel=1e-9)


def test_identical_maps_are_at_distance_0_whatever_their_scale():
    density = np.random.default_rng(6).random((70, 90))
    assert emd(density, density) == 0.0
    assert emd(5 * density, density) == pytest.approx(0.0, abs=1e-12)


def test_the_default_unit_is_a_cell_of_32_pixels():
    rows, columns = np.mgrid[:320, :480]
    blob = [np.exp(-((rows - 150) ** 2 + (columns - x) ** 2) / (2 * 20**2)) for x in (120, 120 + 5 * 32)]
    # Five cells apart; the blobs lie alike on the grid, and their tails end inside it.
    assert emd(*blob) == pytest.approx(5.0, rel=1e-6)


def test_constant_map_counts_as_uniform():
    density = np.random.default_rng(7).random((3, 5))
    expected = optimum_of_linear_programme(np.ones((3, 5)), density)
    for constant in (0.0, 0.1, 255.0):
        value = emd(np.full((3, 5), constant), density, scale=None)
        assert value == pytest.approx(expected, rel=1e-7)
    assert emd(np.zeros((64, 96)), np.ones((64, 96))) == pytest.approx(0.0, abs=1e-12)


def test_all_zero_density_gives_nan():
    assert math.isnan(emd(np.ones((64, 96)), np.zeros((64, 96))))


def test_negative_values_are_refused_in_either_map():
    p = np.ones((64, 96))
    q = p.copy()
    q[3, 4] = -2
    with pytest.raises(ValueError, match=r"saliency_map must not be negative for EMD.*minimum of -2"):
        emd(q, p)
    with pytest.raises(ValueError, match="density must not be negative, got a minimum of -2"):
        emd(p, q)


def test_a_grid_of_one_cell_or_of_too_many_is_refused():
    with pytest.raises(ValueError, match=r"grid of 2 to 4096 cells, got 1 from a map of \(20, 30\)"):
        emd(np.ones((20, 30)), np.ones((20, 30)))
    with pytest.raises(ValueError, match=r"got 60000 from a map of \(200, 300\) and scale None"):
        emd(np.ones((200, 300)), np.ones((200, 300)), scale=None)


@pytest.mark.parametrize("scale", [0, -1, 1.5, 32])
def test_a_scale_that_does_not_reduce_is_refused(scale):
    with pytest.raises(ValueError, match=f"scale must be over 0 and at most 1, or None, got {scale}"):
        emd(np.ones((64, 96)), np.ones((64, 96)), scale=scale)


@pytest.mark.filterwarnings("ignore:numItermax reached:UserWarning")
def test_a_search_that_ends_too_soon_is_an_error_and_not_a_value(monkeypatch):
    monkeypatch.setattr("kerasal.metrics.transport.MOST_PIVOTS", 1)
    random = np.random.default_rng(10)
    with pytest.raises(RuntimeError, match="the optimal transport was not found"):
        emd(random.random((9, 14)), random.random((9, 14)), scale=None)


def test_importing_metrics_leaves_pot_aside_and_emd_brings_in_no_deep_learning_library():
    code = """
import os, sys
from kerasal import metrics
assert "ot" not in sys.modules
before, variables = set(sys.modules), dict(os.environ)
metrics.emd([[1.0, 2.0, 0.0]], [[0.0, 1.0, 1.0]], scale=None)
assert "ot" in sys.modules
new = set(sys.modules) - before
assert not new & {"tensorflow", "torch", "jax", "cupy"}, new
assert dict(os.environ) == variables
"""
    # Without Keras, which would have brought TensorFlow before.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "KERASAL_WITHOUT_KERAS": "1"}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
