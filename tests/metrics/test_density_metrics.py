"""CC, SIM and KLD against plain loops, by hand, and at the edges."""

import math

import numpy as np
import pytest
from slow_metrics import EPSILON, example, slow_cc, slow_kld, slow_sim

from kerasal.metrics import cc, kld, nss, sim


@pytest.mark.parametrize(("metric", "slow"), [(cc, slow_cc), (sim, slow_sim), (kld, slow_kld)])
@pytest.mark.parametrize("seed", range(5))
def test_metric_equals_a_plain_loop_over_pixels(metric, slow, seed):
    saliency_map, density, _ = example(seed)
    assert metric(saliency_map, density) == pytest.approx(slow(saliency_map, density), rel=1e-12)


def test_cc_of_three_pixels_by_hand():
    # Deviations (-1, 0, 1) and (-1, 1, 0): 1 / sqrt(2 * 2).
    assert cc([[0, 1, 2]], [[0, 2, 1]]) == pytest.approx(0.5, abs=1e-15)


def test_sim_of_three_pixels_by_hand():
    # (0, 1, 3) / 4 and (0, 1, 1) / 2: minima 0, 1/4, 1/2.
    assert sim([[1, 2, 4]], [[5, 6, 6]]) == pytest.approx(0.75, abs=1e-15)


def test_kld_of_two_pixels_by_hand():
    # 3/4 log((3/4) / (1/4)) + 1/4 log((1/4) / (3/4)).
    assert kld([[1, 3]], [[3, 1]]) == pytest.approx(math.log(3) / 2, abs=1e-14)


def test_kld_is_bounded_where_the_map_misses_the_whole_density():
    assert kld([[1, 0, 0]], [[0, 0, 1]]) == pytest.approx(math.log(1 / EPSILON), rel=1e-12)
    assert kld([[1, 0, 0]], [[0, 0, 1]]) < 36.05


@pytest.mark.parametrize("scale", [1.0, 1e99, 1e140])
@pytest.mark.parametrize("lowest", [0.0, 5e-324, 1e-300, 1e-110, 1e-90, 1e-9])
def test_kld_takes_the_logarithm_of_pixels_without_density(lowest, scale):
    saliency_map, density, _ = example(4, (300, 400))  # three stretches
    density[1:-1, ::3] = lowest  # 0 in the first and the last stretch too
    density[0, :5] = density[150, :5] = lowest
    saliency_map[150, :3] *= 1e50
    expected = slow_kld(saliency_map * scale, density)
    assert kld(saliency_map * scale, density) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_no_metric_depends_on_a_common_factor(scale):
    saliency_map, density, _ = example(1)
    for metric in (cc, sim, kld):
        assert metric(scale * saliency_map, scale * density) == pytest.approx(
            metric(saliency_map, density), rel=1e-9
        )


@pytest.mark.parametrize("constant", [0.0, 0.1, 255.0])
def test_constant_map_has_cc_0_and_counts_as_uniform(constant):
    _, density, _ = example(2)
    flat, ones = np.full(density.shape, constant), np.ones(density.shape)
    uniform = 1 / density.size
    shifted = (density - density.min()) / (density - density.min()).sum()
    assert cc(flat, density) == 0.0
    assert sim(flat, density) == pytest.approx(np.minimum(shifted, uniform).sum(), rel=1e-12)
    assert kld(flat, density) == pytest.approx(slow_kld(ones, density), rel=1e-12)


def test_constant_density_has_cc_0_and_counts_as_uniform():
    saliency_map, _, _ = example(3)
    saliency_map = saliency_map + 0.1
    flat = np.full(saliency_map.shape, 0.3)
    shifted = (saliency_map - saliency_map.min()) / (saliency_map - saliency_map.min()).sum()
    assert cc(saliency_map, flat) == 0.0
    assert sim(saliency_map, flat) == pytest.approx(np.minimum(shifted, 1 / flat.size).sum(), rel=1e-12)
    assert kld(saliency_map, flat) == pytest.approx(slow_kld(saliency_map, np.ones(flat.shape)), rel=1e-12)


def test_two_constant_maps_agree_as_distributions():
    flat, other = np.full((3, 5), 0.7), np.full((3, 5), 2.0)
    assert cc(flat, other) == 0.0
    assert sim(flat, other) == pytest.approx(1.0, abs=1e-15)
    assert kld(flat, other) == pytest.approx(0.0, abs=20 * EPSILON)


@pytest.mark.parametrize("metric", [cc, sim, kld])
@pytest.mark.parametrize("saliency_map", [np.zeros((2, 3)), np.arange(6.0).reshape(2, 3)])
def test_all_zero_density_gives_nan(metric, saliency_map):
    assert math.isnan(metric(saliency_map, np.zeros((2, 3))))


def test_negative_map_means_low_saliency_for_cc_and_sim_and_is_refused_by_kld():
    saliency_map, density, _ = example(4)
    assert cc(saliency_map - 9, density) == pytest.approx(slow_cc(saliency_map, density), rel=1e-12)
    assert sim(saliency_map - 9, density) == pytest.approx(slow_sim(saliency_map, density), rel=1e-12)
    with pytest.raises(ValueError, match=r"saliency_map must not be negative for KLD.*minimum of -9"):
        kld(saliency_map - 9, density)


@pytest.mark.parametrize("metric", [cc, sim, kld])
def test_negative_density_is_refused(metric):
    with pytest.raises(ValueError, match=r"density must not be negative, got a minimum of -0\.5"):
        metric(np.ones((2, 3)), [[0, 0, 1], [1, -0.5, 1]])


@pytest.mark.parametrize("metric", [cc, sim, kld])
def test_maps_of_two_sizes_are_refused_with_both_shapes(metric):
    with pytest.raises(ValueError, match=r"density and saliency_map .* got \(3, 2\) and \(2, 3\)"):
        metric(np.ones((2, 3)), np.ones((3, 2)))


def test_the_arguments_are_left_as_they_were():
    saliency_map, density, _ = example(5)
    before = saliency_map.copy(), density.copy()
    for metric in (cc, sim, kld):
        metric(saliency_map, density)
    np.testing.assert_array_equal((saliency_map, density), before)


@pytest.mark.parametrize("offset", [0.0, 1.0, 30.0, 1e5, 1e8])
def test_a_large_offset_costs_no_more_digits_than_the_values_have_lost(offset):
    random = np.random.default_rng(0)
    # Multiples of 2^-20, so that adding the offset loses nothing.
    saliency_map, density = np.round(random.random((2, 40, 60)) * 2**20) / 2**20
    expected = np.corrcoef(saliency_map.ravel(), density.ravel())[0, 1]
    assert cc(saliency_map + offset, density + offset) == pytest.approx(expected, abs=1e-12)
    z = (saliency_map - saliency_map.mean()) / saliency_map.std(ddof=1)
    expected = (z[3, 4] + z[20, 7]) / 2
    # A mean near 1e8 is itself known to 1e-8 only.
    assert nss(saliency_map + offset, [[3, 4], [20, 7]]) == pytest.approx(
        expected, abs=1e-12 + 1e-15 * offset
    )
