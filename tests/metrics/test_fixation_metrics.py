"""NSS and information gain against plain loops, by hand, and at the edges."""

import math

import numpy as np
import pytest
from slow_metrics import EPSILON, example, slow_information_gain, slow_nss

from kerasal.metrics import information_gain, nss


@pytest.mark.parametrize("seed", range(5))
def test_nss_equals_a_plain_loop_over_fixations(seed):
    saliency_map, _, fixation_map = example(seed)
    coordinates = np.argwhere(fixation_map)
    expected = slow_nss(saliency_map, coordinates)
    assert nss(saliency_map, coordinates) == pytest.approx(expected, rel=1e-12)
    assert nss(saliency_map, fixation_map) == pytest.approx(expected, rel=1e-12)


def test_nss_of_three_pixels_by_hand_divides_by_n_minus_1():
    # Mean 1, squared deviations 2 over n - 1 = 2: a standard deviation of 1, and 2 lies one above the mean.
    assert nss([[0, 1, 2]], [[0, 2]]) == pytest.approx(1.0, abs=1e-15)


def test_nss_counts_two_fixations_on_one_pixel():
    saliency_map, _, _ = example(1)
    once, twice = [[0, 1], [4, 2]], [[0, 1], [4, 2], [4, 2]]
    assert nss(saliency_map, twice) == pytest.approx(slow_nss(saliency_map, twice), rel=1e-12)
    assert nss(saliency_map, twice) != pytest.approx(nss(saliency_map, once), rel=1e-3)


def test_coordinates_are_row_then_column():
    saliency_map = np.zeros((3, 8))
    saliency_map[1, 6] = 1
    assert nss(saliency_map, [[1, 6]]) > 4
    with pytest.raises(ValueError, match=r"3 rows and 8 columns, got row 6, column 1 at index 0"):
        nss(saliency_map, [[6, 1]])


def test_masked_pixels_are_refused_and_a_mask_of_nothing_is_none():
    saliency_map, _, fixation_map = example(2)
    masked = np.ma.masked_array(saliency_map, saliency_map < 0.3)
    hidden = np.ma.masked_array(fixation_map, fixation_map)
    for maps in ((masked, fixation_map), (saliency_map, hidden)):
        with pytest.raises(ValueError, match="masked pixels, which no metric leaves out"):
            nss(*maps)
    whole = np.ma.masked_array(saliency_map, np.zeros_like(saliency_map, bool))
    assert nss(whole, fixation_map) == nss(saliency_map, fixation_map)


@pytest.mark.parametrize("count", [2, 3])
def test_what_nonzero_gives_is_refused_for_two_fixations_too(count):
    saliency_map = np.random.default_rng(3).random((9, 11))
    fixation_map = np.zeros((9, 11))
    fixation_map[[1, 4, 7][:count], [2, 3, 5][:count]] = 1
    with pytest.raises(ValueError, match=r"np\.argwhere gives them"):
        nss(saliency_map, np.nonzero(fixation_map))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [(0, 0), (130, 7), (259, 399)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_nss_refuses_a_large_map_with_one_value_that_is_not_finite(bad, place, dtype):
    saliency_map = np.random.default_rng(4).random((260, 400)).astype(dtype)
    saliency_map[place] = bad
    with pytest.raises(ValueError, match=f"must be finite, got {bad} at row {place[0]}, column {place[1]}"):
        nss(saliency_map, [[1, 2]])


@pytest.mark.parametrize("offset", [0, -0.5, 3, 1e6, -1e9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nss_of_a_large_map_far_from_0_equals_numpy_s(offset, dtype):
    saliency_map = (np.random.default_rng(5).random((260, 400)) * 1024 + offset).astype(dtype)
    fixations = np.array([[0, 0], [131, 8], [259, 399]])
    exact = saliency_map.astype(np.longdouble)
    expected = (exact[tuple(fixations.T)].mean() - exact.mean()) / exact.std(ddof=1)
    assert nss(saliency_map, fixations) == pytest.approx(float(expected), rel=1e-8)


@pytest.mark.parametrize("constant", [0.0, 0.1, -3.0])
def test_constant_map_has_nss_0(constant):
    assert nss(np.full((4, 9), constant), [[1, 2], [3, 8]]) == 0.0


@pytest.mark.parametrize("none", [np.zeros((4, 9)), np.empty((0, 2), int), np.empty((0, 2)), []])
@pytest.mark.parametrize("saliency_map", [np.ones((4, 9)), np.arange(36.0).reshape(4, 9)])
def test_image_without_fixations_has_nss_nan(none, saliency_map):
    assert math.isnan(nss(saliency_map, none))


def test_nss_is_0_where_every_pixel_is_fixated():
    saliency_map, _, _ = example(2)
    assert nss(saliency_map, np.ones(saliency_map.shape)) == pytest.approx(0.0, abs=1e-14)


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_nss_does_not_depend_on_the_scale_even_at_the_ends_of_float64(scale):
    saliency_map, _, fixation_map = example(3)
    assert nss(scale * saliency_map, fixation_map) == pytest.approx(
        nss(saliency_map, fixation_map), rel=1e-12
    )


@pytest.mark.parametrize("seed", range(5))
def test_information_gain_equals_a_plain_loop_over_fixations(seed):
    saliency_map, baseline, fixation_map = example(seed)
    coordinates = np.argwhere(fixation_map)
    expected = slow_information_gain(saliency_map, coordinates, baseline)
    assert information_gain(saliency_map, coordinates, baseline) == pytest.approx(expected, rel=1e-12)
    assert information_gain(saliency_map, fixation_map, baseline) == pytest.approx(expected, rel=1e-12)


def test_information_gain_of_a_map_twice_as_certain_is_one_bit():
    # At the fixation the map has 2/4 and the baseline 1/4, once their zeros are taken for minima.
    assert information_gain([[0, 2, 2, 0]], [[0, 1]], [[0, 2, 3, 3]]) == pytest.approx(1.0, abs=1e-14)


def test_information_gain_counts_two_fixations_on_one_pixel():
    saliency_map, baseline, _ = example(1)
    twice = [[0, 1], [4, 2], [4, 2]]
    expected = slow_information_gain(saliency_map, twice, baseline)
    assert information_gain(saliency_map, twice, baseline) == pytest.approx(expected, rel=1e-12)


def test_a_fixation_on_the_map_s_minimum_costs_a_bounded_number_of_bits():
    value = information_gain([[0, 1, 1]], [[0, 0]], [[1, 1, 0]])
    assert value == pytest.approx(np.log2(EPSILON) - np.log2(1 / 2), rel=1e-12)


def test_constant_maps_count_as_uniform_in_information_gain():
    _, baseline, fixation_map = example(2)
    flat = np.full(baseline.shape, 0.1)
    assert information_gain(flat, fixation_map, 5 * flat) == 0.0
    shifted = (baseline - baseline.min()) / (baseline - baseline.min()).sum()
    expected = np.mean(-np.log2(baseline.size) - np.log2(shifted[fixation_map > 0]))
    assert information_gain(flat, fixation_map, baseline) == pytest.approx(expected, rel=1e-9)
    assert information_gain(baseline, fixation_map, flat) == pytest.approx(-expected, rel=1e-9)


def test_image_without_fixations_has_information_gain_nan():
    saliency_map, baseline, _ = example(3)
    assert math.isnan(information_gain(saliency_map, [], baseline))


def test_a_baseline_of_another_size_or_not_finite_is_refused_by_name():
    saliency_map, baseline, fixation_map = example(4)
    with pytest.raises(ValueError, match=r"baseline and saliency_map must have one shape, got \(7, 5\)"):
        information_gain(saliency_map, fixation_map, baseline.T)
    baseline[2, 1] = np.nan
    with pytest.raises(ValueError, match="baseline must be finite, got nan at row 2, column 1"):
        information_gain(saliency_map, fixation_map, baseline)
