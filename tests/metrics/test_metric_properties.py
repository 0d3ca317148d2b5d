"""What holds for every map: ranges, symmetries and invariances."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from kerasal.metrics import METRICS, auc_borji, auc_judd, cc, emd, information_gain, kld, nss, sauc, sim

# The first call of a metric takes much longer than the rest, and the machine may be busy: no deadline.
many_maps = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])

EPSILON = 2.220446049250313e-16
SHAPE = (4, 7)
PIXELS = SHAPE[0] * SHAPE[1]

# Few distinct values, so that ties and constant maps come up by themselves.
maps = st.lists(st.integers(0, 6), min_size=PIXELS, max_size=PIXELS).map(
    lambda values: np.reshape(np.array(values, float), SHAPE)
)
real_maps = st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=PIXELS, max_size=PIXELS).map(
    lambda values: np.reshape(values, SHAPE)
)
densities = maps.filter(lambda density: density.any())
fixation_maps = st.lists(st.booleans(), min_size=PIXELS, max_size=PIXELS).map(
    lambda values: np.reshape(np.array(values), SHAPE)
)
some_fixations = fixation_maps.filter(lambda fixated: fixated.any() and not fixated.all())


@many_maps
@given(maps, densities, some_fixations, some_fixations, maps)
def test_every_value_lies_in_the_range_of_the_table(saliency_map, density, fixations, others, baseline):
    targets = {"density": density, "fixations": fixations}
    extras = {"other_fixations": others, "baseline": baseline}
    for info in METRICS.values():
        options = {"scale": None} if info.key == "emd" else {}
        value = info.function(
            saliency_map, targets[info.target], *[extras[name] for name in info.also_needs], **options
        )
        lowest, highest = info.range
        # KLD's eps can take it below 0 by itself per pixel, rounding by a few more.
        assert lowest - 4 * PIXELS * EPSILON <= value <= highest, info.name


@many_maps
@given(maps, some_fixations, st.integers(0, 9))
def test_auc_judd_of_a_random_order_lies_in_its_range(saliency_map, fixations, seed):
    assert 0 <= auc_judd(saliency_map, fixations, ties="random", seed=seed) <= 1


@many_maps
@given(maps, some_fixations)
def test_ties_above_bound_the_expectation_and_random_orders_from_below(saliency_map, fixations):
    assume(np.ptp(saliency_map) > 0)
    worst = auc_judd(saliency_map, fixations, ties="above")
    assert worst <= auc_judd(saliency_map, fixations) + 1e-12
    assert worst <= auc_judd(saliency_map, fixations, ties="random", seed=0) + 1e-12


@many_maps
@given(densities, densities)
def test_cc_sim_and_emd_are_symmetric(first, second):
    assert cc(first, second) == pytest.approx(cc(second, first), abs=1e-12)
    assert sim(first, second) == pytest.approx(sim(second, first), abs=1e-12)
    assert emd(first, second, scale=None) == pytest.approx(emd(second, first, scale=None), abs=1e-9)


@many_maps
@given(densities, densities, densities)
def test_emd_obeys_the_triangle_inequality(first, second, third):
    detour = emd(first, second, scale=None) + emd(second, third, scale=None)
    assert emd(first, third, scale=None) <= detour + 1e-9


@many_maps
@given(densities)
def test_a_map_against_itself_has_the_best_value(density):
    assert cc(density, density) == pytest.approx(float(np.ptp(density) > 0), abs=1e-12)
    assert sim(density, density) == pytest.approx(1.0, abs=1e-12)
    assert kld(density, density) == pytest.approx(0.0, abs=4 * PIXELS * EPSILON)
    assert emd(density, density, scale=None) == 0.0


@many_maps
@given(maps, densities)
def test_kld_is_bounded_by_its_epsilon(saliency_map, density):
    assert kld(saliency_map, density) < 36.05


@many_maps
@given(real_maps, densities, some_fixations, st.floats(0.01, 100), st.floats(-1e6, 1e6))
def test_cc_and_nss_do_not_depend_on_scale_and_offset(saliency_map, density, fixations, scale, offset):
    # An offset of 1e6 rounds the map by about 1e-10; a spread of 1 keeps that far below the tolerance.
    assume(np.ptp(saliency_map) * scale > 1 and np.ptp(saliency_map) > 1)
    changed = scale * saliency_map + offset
    assert cc(changed, density) == pytest.approx(cc(saliency_map, density), abs=1e-6)
    assert nss(changed, fixations) == pytest.approx(nss(saliency_map, fixations), abs=1e-6)


@many_maps
@given(real_maps, densities, some_fixations)
def test_turning_a_map_over_turns_the_sign_of_cc_and_nss(saliency_map, density, fixations):
    assert cc(-saliency_map, density) == pytest.approx(-cc(saliency_map, density), abs=1e-12)
    assert nss(-saliency_map, fixations) == pytest.approx(-nss(saliency_map, fixations), abs=1e-9)


@many_maps
@given(maps, some_fixations)
def test_auc_judd_does_not_change_under_a_strictly_monotone_map(saliency_map, fixations):
    value = auc_judd(saliency_map, fixations)
    for changed in (np.exp(saliency_map), saliency_map**3 - 5, -1 / (1 + saliency_map), 1e-9 * saliency_map):
        assert auc_judd(changed, fixations) == value


@many_maps
@given(maps, some_fixations, some_fixations, st.sampled_from([2.0**-9, 0.5, 4.0, 2.0**20]))
def test_areas_at_fixed_thresholds_do_not_depend_on_scale_and_offset(saliency_map, fixations, others, scale):
    # Powers of two and whole numbers, so that no rounding can move a value across a threshold.
    changed = scale * (saliency_map - 3)
    assert auc_borji(changed, fixations) == auc_borji(saliency_map, fixations)
    assert sauc(changed, fixations, others) == sauc(saliency_map, fixations, others)


@many_maps
@given(maps, some_fixations, maps)
def test_information_gain_changes_its_sign_with_the_roles(saliency_map, fixations, baseline):
    forth = information_gain(saliency_map, fixations, baseline)
    assert information_gain(baseline, fixations, saliency_map) == pytest.approx(-forth, abs=1e-12)
    assert information_gain(saliency_map, fixations, saliency_map) == 0.0


@many_maps
@given(maps, densities, some_fixations, some_fixations, maps)
def test_no_metric_depends_on_which_side_is_up(saliency_map, density, fixations, others, baseline):
    targets = {"density": density, "fixations": fixations}
    extras = {"other_fixations": others, "baseline": baseline}
    for info in METRICS.values():
        options = {"scale": None} if info.key == "emd" else {}
        arguments = [saliency_map, targets[info.target], *[extras[name] for name in info.also_needs]]
        turned = [np.rot90(argument) for argument in arguments]
        assert info.function(*turned, **options) == pytest.approx(
            info.function(*arguments, **options), abs=1e-9
        ), info.name


@many_maps
@given(maps, fixation_maps)
def test_a_fixation_map_and_its_coordinates_give_the_same_values(saliency_map, fixations):
    coordinates = np.argwhere(fixations)
    for metric in (nss, auc_judd, auc_borji):
        np.testing.assert_allclose(
            metric(saliency_map, coordinates), metric(saliency_map, fixations), atol=1e-12
        )


@many_maps
@given(maps, some_fixations)
def test_one_fixation_gives_its_own_standardised_value(saliency_map, fixations):
    assume(np.ptp(saliency_map) > 0)
    values = [nss(saliency_map, [pixel]) for pixel in np.argwhere(fixations)]
    assert np.mean(values) == pytest.approx(nss(saliency_map, fixations), abs=1e-12)
