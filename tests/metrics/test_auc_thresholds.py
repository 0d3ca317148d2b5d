"""AUC-Borji and shuffled AUC against plain loops over every possible draw, and at the edges."""

import itertools
import math

import numpy as np
import pytest
from slow_metrics import example, slow_auc_by_steps, unit_range

from kerasal.metrics import auc_borji, sauc
from kerasal.metrics._inputs import read_map
from kerasal.metrics.auc_thresholds import THRESHOLDS, _levels

BOTH = [
    lambda saliency_map, fixations, **options: auc_borji(saliency_map, fixations, **options),
    lambda saliency_map, fixations, **options: sauc(saliency_map, fixations, [[0, 2], [1, 5]], **options),
]
both = pytest.mark.parametrize("metric", BOTH, ids=["auc_borji", "sauc"])


@pytest.mark.parametrize("fixated", [[1], [0, 4], [1, 3, 4]])
def test_auc_borji_is_the_mean_over_every_draw_of_random_pixels(fixated):
    saliency_map = np.array([[0.0, 0.35, 0.9], [0.3, 1.0, 0.35]])
    values = unit_range(saliency_map)
    areas = [
        slow_auc_by_steps([values[i] for i in fixated], draw)
        for draw in itertools.product(values, repeat=len(fixated))
    ]
    fixations = [divmod(index, 3) for index in fixated]
    assert auc_borji(saliency_map, fixations) == pytest.approx(math.fsum(areas) / len(areas), rel=1e-12)


@pytest.mark.parametrize("fixated", [[1], [0, 4], [1, 3, 4, 5]])
def test_sauc_is_the_mean_over_every_draw_of_other_fixations(fixated):
    saliency_map = np.array([[0.0, 0.35, 0.9], [0.3, 1.0, 0.35]])
    values, others = unit_range(saliency_map), [0, 2, 3]
    areas = [
        slow_auc_by_steps([values[i] for i in fixated], [values[i] for i in draw])
        for draw in itertools.permutations(others, min(len(fixated), len(others)))
    ]
    fixations, other_fixations = ([divmod(index, 3) for index in pixels] for pixels in (fixated, others))
    expected = math.fsum(areas) / len(areas)
    assert sauc(saliency_map, fixations, other_fixations) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_larger_maps_equal_a_plain_loop_over_thresholds(seed):
    saliency_map, _, fixation_map = example(seed, size=(23, 31), fixated=40)
    other_map = example(seed + 50, size=(23, 31), fixated=90)[2]
    values = np.array(unit_range(saliency_map))
    at, other = values[fixation_map.ravel() > 0], values[other_map.ravel() > 0]
    assert auc_borji(saliency_map, fixation_map) == pytest.approx(slow_auc_by_steps(at, values), rel=1e-12)
    assert sauc(saliency_map, fixation_map, other_map) == pytest.approx(
        slow_auc_by_steps(at, other), rel=1e-12
    )


def test_a_value_on_a_threshold_counts_as_above_it():
    # Steps of exactly 0.1: 0.5 reaches the threshold 5 * 0.1, the other pixel does not.
    assert auc_borji([[0.0, 0.5, 1.0]], [[0, 1]]) == pytest.approx(1 / 3 + (1 / 3) / 2, rel=1e-12)


@pytest.mark.parametrize(
    ("lowest", "highest"),
    [(0.0, 1.0), (0.1, 1.0), (-1.0, 1e-9), (-3e-7, 1e6 + 0.3), (1e6, 1e6 + 0.3), (0.0, 1e-9), (-1.0, 1.0)],
)
def test_each_level_is_the_first_value_that_reaches_its_threshold(lowest, highest):
    # Also where a level lies near 0, and where the map's steps are coarse beside its range.
    levels = _levels(read_map([[lowest, highest]]))
    before = np.nextafter(levels, -np.inf)

    def unit(values):
        return (values - lowest) / (highest - lowest)

    assert (unit(levels) >= THRESHOLDS[1:]).all()
    assert (unit(before) < THRESHOLDS[1:]).all()


@both
def test_draws_scatter_around_the_expectation(metric):
    saliency_map, _, _ = example(7)
    fixations = [[0, 1], [3, 3], [4, 6], [2, 2]]
    values = [metric(saliency_map, fixations, splits=20, seed=seed) for seed in range(300)]
    expected = metric(saliency_map, fixations)
    assert np.mean(values) == pytest.approx(expected, abs=4 * np.std(values) / np.sqrt(300) + 1e-12)


@both
def test_the_same_seed_gives_the_same_draws(metric):
    saliency_map, _, _ = example(7)
    values = [metric(saliency_map, [[3, 3]], splits=3, seed=seed) for seed in (1, 1, 2)]
    assert values[0] == values[1] != values[2]


@both
def test_splits_and_seed_go_together(metric):
    saliency_map, _, fixation_map = example(1)
    with pytest.raises(ValueError, match="splits and seed go together, got splits 100 and seed None"):
        metric(saliency_map, fixation_map, splits=100)
    with pytest.raises(ValueError, match="splits and seed go together"):
        metric(saliency_map, fixation_map, seed=1)
    with pytest.raises(ValueError, match="splits must be positive, got 0"):
        metric(saliency_map, fixation_map, splits=0, seed=1)


@both
def test_a_pixel_counts_once_however_often_it_is_fixated(metric):
    saliency_map, _, _ = example(1)
    once = metric(saliency_map, [[0, 1], [4, 2]])
    assert metric(saliency_map, [[4, 2], [0, 1], [4, 2], [4, 2]]) == once


def test_sauc_weighs_a_pixel_by_how_often_others_fixated_it():
    # The only fixation is the maximum; of four others one shares its value and the rest lie below.
    saliency_map = np.array([[0.0, 0.5, 1.0]])
    assert sauc(saliency_map, [[0, 2]], [[0, 2], [0, 0], [0, 0], [0, 1]]) == pytest.approx(3 / 4 + 1 / 8)


@both
@pytest.mark.parametrize("constant", [0.0, 0.1, -3.0])
def test_constant_map_scores_one_half(metric, constant):
    assert metric(np.full((4, 9), constant), [[1, 2], [3, 8]]) == 0.5
    assert metric(np.full((4, 9), constant), [[1, 2], [3, 8]], splits=2, seed=1) == 0.5


@both
@pytest.mark.parametrize("none", [np.zeros((4, 9)), np.empty((0, 2), int), []])
def test_image_without_fixations_gives_nan(metric, none):
    assert math.isnan(metric(np.arange(36.0).reshape(4, 9), none))
    assert math.isnan(metric(np.ones((4, 9)), none))


def test_sauc_without_other_fixations_is_nan():
    assert math.isnan(sauc(np.arange(36.0).reshape(4, 9), [[1, 2]], np.zeros((4, 9))))


def test_auc_borji_is_one_half_where_every_pixel_is_fixated():
    assert auc_borji(np.arange(36.0).reshape(4, 9), np.ones((4, 9))) == pytest.approx(0.5, abs=1e-15)


def test_errors_of_other_fixations_name_them():
    with pytest.raises(ValueError, match=r"other_fixations must lie on the map .* index 0"):
        sauc(np.arange(36.0).reshape(4, 9), [[1, 2]], [[4, 0]])


@pytest.mark.parametrize(("scale", "offset"), [(1, 0), (0.1, 0), (0.3, -7), (1e-150, 1e-150), (1e200, 0)])
def test_shuffled_auc_against_all_pixels_is_auc_borji(scale, offset):
    """They count by quotients and by levels: values on a threshold must be above it in both."""
    steps = np.random.default_rng(7).integers(0, 21, (40, 50))
    saliency_map = steps * 0.05 * scale + offset
    everywhere = np.argwhere(np.ones(steps.shape))
    fixations = everywhere[::97]
    assert sauc(saliency_map, fixations, everywhere) == auc_borji(saliency_map, fixations)
