"""The areas under the ROC curve against plain loops, by hand, and at the edges."""

import math

import numpy as np
import pytest
from slow_metrics import (
    example,
    slow_auc_judd,
    slow_auc_judd_above,
    slow_auc_judd_over_all_orders,
)

from kerasal.metrics import auc_judd


@pytest.mark.parametrize("seed", range(5))
def test_auc_judd_without_ties_equals_a_plain_loop(seed):
    _, saliency_map, fixation_map = example(seed)  # the density has no two equal values
    expected = slow_auc_judd(saliency_map, fixation_map, range(saliency_map.size))
    assert auc_judd(saliency_map, fixation_map) == pytest.approx(expected, rel=1e-12)
    assert auc_judd(saliency_map, fixation_map, ties="above") == pytest.approx(expected, rel=1e-12)
    assert auc_judd(saliency_map, fixation_map, ties="random", seed=3) == pytest.approx(expected, rel=1e-12)


def test_auc_judd_of_four_pixels_by_hand():
    # Fixated: 4 and 2 of (4, 3, 2, 1). The curve goes (0, 0), (0, 1/2), (1/2, 1), (1, 1).
    assert auc_judd([[4, 3, 2, 1]], [[1, 0, 1, 0]]) == pytest.approx(3 / 8 + 1 / 2, abs=1e-15)


@pytest.mark.parametrize(
    ("saliency_map", "fixation_map"),
    [
        ([[2, 2, 2], [2, 2, 1]], [[1, 1, 0], [0, 0, 0]]),
        ([[2, 2, 2], [2, 2, 1]], [[1, 1, 0], [0, 0, 1]]),
        ([[3, 1, 1], [1, 3, 2]], [[0, 1, 1], [0, 1, 0]]),
        ([[0, 0, 0, 0, 0, 7]], [[0, 0, 1, 0, 0, 1]]),
        ([[0, 0, 0, 0, 0, 7]], [[1, 1, 1, 1, 0, 1]]),
    ],
)
def test_auc_judd_is_the_mean_over_every_order_of_tied_pixels(saliency_map, fixation_map):
    expected = slow_auc_judd_over_all_orders(saliency_map, fixation_map)
    assert auc_judd(saliency_map, fixation_map) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_auc_judd_with_ties_above_equals_the_code_without_jitter(seed):
    saliency_map, _, fixation_map = example(seed, fixated=9)
    expected = slow_auc_judd_above(saliency_map, fixation_map)
    assert auc_judd(saliency_map, fixation_map, ties="above") == pytest.approx(expected, rel=1e-12)


def test_random_orders_scatter_around_the_expectation_as_shuffled_loops_do():
    saliency_map, _, fixation_map = example(7, fixated=9)
    expected = auc_judd(saliency_map, fixation_map)
    ours = [auc_judd(saliency_map, fixation_map, ties="random", seed=seed) for seed in range(400)]
    random = np.random.default_rng(8)
    loops = [slow_auc_judd(saliency_map, fixation_map, random.random(35)) for _ in range(400)]
    assert np.mean(ours) == pytest.approx(expected, abs=4 * np.std(ours) / 20)
    assert np.std(ours) == pytest.approx(np.std(loops), rel=0.2)  # 4 standard errors of a deviation of 400


def test_a_seed_repeats_itself_and_another_gives_another_value():
    saliency_map, _, fixation_map = example(7, fixated=9)
    values = [auc_judd(saliency_map, fixation_map, ties="random", seed=seed) for seed in (1, 1, 2)]
    assert values[0] == values[1] != values[2]


def test_auc_judd_counts_a_pixel_once():
    saliency_map, _, _ = example(1)
    once = auc_judd(saliency_map, [[0, 1], [4, 2]])
    assert auc_judd(saliency_map, [[4, 2], [0, 1], [4, 2], [4, 2]]) == once


@pytest.mark.parametrize("levels", [3, 256, 70_000])
def test_auc_judd_of_a_larger_map_equals_counting_every_pair(levels):
    # Whatever the number of distinct values is: few, as in an 8-bit picture, or more than the bins.
    random = np.random.default_rng(levels)
    saliency_map = random.integers(0, levels, (150, 190)) ** 2 / 7
    fixation_map = np.zeros((150, 190), bool)
    fixation_map.flat[random.choice(fixation_map.size, 60, replace=False)] = True
    at, off = saliency_map[fixation_map], saliency_map[~fixation_map]
    above = [(off > value).sum() + (off == value).sum() / 2 for value in at]
    lowest = at.min()
    tied = (at == lowest).sum()
    last = (off > lowest).sum() + (off == lowest).sum() * tied / (tied + 1)
    expected = 1 - np.mean(above) / off.size + last / (2 * off.size * at.size)
    assert auc_judd(saliency_map, fixation_map) == pytest.approx(expected, rel=1e-12)


def test_values_closer_than_a_bin_are_still_told_apart():
    # 65,536 bins over a range of 1 cannot separate steps of 1e-9.
    saliency_map = np.array([[0.0, 1.0, 0.5, 0.5 + 1e-9, 0.5 + 2e-9, 0.5 + 3e-9]])
    fixation_map = np.array([[0, 0, 0, 1, 0, 1]])
    expected = slow_auc_judd(saliency_map, fixation_map, range(6))
    assert auc_judd(saliency_map, fixation_map) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("far", [1e5, 1e12, 1e200])
def test_values_far_from_all_fixated_ones_count_on_their_side(far):
    _, saliency_map, fixation_map = example(2)
    outer = far * (1 + np.arange(saliency_map.size).reshape(saliency_map.shape) / 100)  # no two alike
    saliency_map = np.concatenate([-outer, saliency_map, outer])
    fixation_map = np.pad(fixation_map, [(len(fixation_map), len(fixation_map)), (0, 0)])
    expected = slow_auc_judd(saliency_map, fixation_map, range(saliency_map.size))
    assert auc_judd(saliency_map, fixation_map) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("ties", ["expected", "above"])
@pytest.mark.parametrize("constant", [0.0, 0.1, -3.0])
def test_constant_map_has_auc_judd_one_half(constant, ties):
    assert auc_judd(np.full((4, 9), constant), [[1, 2], [3, 8]], ties=ties) == 0.5


@pytest.mark.parametrize("none", [np.zeros((4, 9)), np.empty((0, 2), int), []])
@pytest.mark.parametrize("saliency_map", [np.ones((4, 9)), np.arange(36.0).reshape(4, 9)])
def test_image_without_fixations_has_auc_judd_nan(none, saliency_map):
    assert math.isnan(auc_judd(saliency_map, none))


def test_auc_judd_is_nan_where_every_pixel_is_fixated():
    assert math.isnan(auc_judd(np.arange(36.0).reshape(4, 9), np.ones((4, 9))))


def test_one_fixation_on_the_largest_value_is_perfect():
    assert auc_judd(np.arange(36.0).reshape(4, 9), [[3, 8]]) == 1.0


def test_ties_above_can_lead_below_0_as_the_code_without_jitter_does():
    saliency_map = np.zeros((4, 7))
    saliency_map[3, 6] = 1
    fixation_map = np.zeros((4, 7))
    fixation_map[3, :6] = 1
    expected = slow_auc_judd_above(saliency_map, fixation_map)
    assert auc_judd(saliency_map, fixation_map, ties="above") == pytest.approx(expected, rel=1e-12)
    assert expected < 0


def test_unknown_ties_and_a_missing_or_idle_seed_are_refused():
    saliency_map, _, fixation_map = example(1)
    with pytest.raises(ValueError, match=r"ties must be one of expected, above, random, got 'below'"):
        auc_judd(saliency_map, fixation_map, ties="below")
    with pytest.raises(ValueError, match="ties='random' needs a seed"):
        auc_judd(saliency_map, fixation_map, ties="random")
    with pytest.raises(ValueError, match="no other ties takes one"):
        auc_judd(saliency_map, fixation_map, seed=1)
