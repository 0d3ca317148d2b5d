"""Intervals over seeds and images: against scipy, and on simulated scores whose mean is known."""

import numpy as np
import pytest
from scipy import stats

from kerasal.evaluation.resampling import bootstrap_intervals, resampled_means


def interval(values, **options):
    """Of the values of images, of one seed."""
    return tuple(bootstrap_intervals(np.asarray(values)[None], **options))


def test_interval_is_scipy_s_percentile_bootstrap_up_to_its_own_chance():
    values = np.random.default_rng(0).gamma(2.0, size=60)
    peer = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=10_000).confidence_interval
    # Two bootstraps of 10,000 resamples: their 2.5 % quantiles scatter by a few hundredths of the error.
    assert interval(values) == pytest.approx((peer.low, peer.high), abs=0.1 * stats.sem(values))


def test_intervals_hold_the_true_mean_in_about_95_of_100_samples():
    samples = np.random.default_rng(1).normal(5.0, 2.0, (2000, 1, 40))
    low, high = bootstrap_intervals(samples, resamples=1000).T
    # 40 values: the percentile interval covers about 94 %; four standard errors of 2000 trials are 2 %.
    assert np.mean((low < 5.0) & (high > 5.0)) == pytest.approx(0.94, abs=0.02)


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("spread", [0.0, 0.2, 0.5, 3.0])
def test_intervals_over_seeds_and_images_hold_the_truth_in_at_least_95_of_100_quests(seeds, spread):
    """`spread`: of a seed's own mean; images spread by 1, and what is left by 0.5."""
    random, shape = np.random.default_rng(int(10 * spread) + seeds), (2000, seeds, 50)
    values = spread * random.normal(size=(2000, seeds, 1)) + random.normal(size=(2000, 1, 50))
    low, high = bootstrap_intervals(values + 0.5 * random.normal(size=shape), resamples=1000).T
    coverage = np.mean((low < 0) & (high > 0))
    assert coverage > 0.95 - 0.02  # four standard errors
    if spread == 3.0:  # the seeds are all that matters: the t interval, exact
        assert coverage == pytest.approx(0.95, abs=0.03)


def test_where_seeds_alone_differ_the_interval_is_students():
    by_seed = np.array([0.3, 0.5, 0.4, 0.8])
    found = bootstrap_intervals(np.tile(by_seed[:, None], 30), resamples=200_000)
    expected = stats.t.interval(0.95, 3, by_seed.mean(), stats.sem(by_seed))
    assert tuple(found) == pytest.approx(expected, rel=0.03)


def test_where_seeds_agree_the_interval_is_that_of_one_of_them():
    by_image = np.random.default_rng(0).random(30)
    assert tuple(bootstrap_intervals(np.tile(by_image, (3, 1)))) == pytest.approx(interval(by_image))


def test_what_is_paired_is_resampled_in_pairs():
    values = np.random.default_rng(0).random((2, 3, 20))
    first, second = resampled_means(values, resamples=50)
    np.testing.assert_allclose(resampled_means(values[0] - values[1], resamples=50), first - second)


def test_the_seed_repeats_the_interval_and_another_gives_another():
    values = np.random.default_rng(0).random((3, 20))
    intervals = [tuple(bootstrap_intervals(values, seed=seed)) for seed in (3, 3, 4)]
    assert intervals[0] == intervals[1] != intervals[2]


def test_many_values_are_resampled_in_parts_with_the_same_result(monkeypatch):
    values = np.random.default_rng(0).random((3, 50))
    whole = bootstrap_intervals(values, resamples=1000)
    monkeypatch.setattr("kerasal.evaluation.resampling.AT_ONCE", 700)
    np.testing.assert_allclose(bootstrap_intervals(values, resamples=1000), whole, rtol=1e-12)


@pytest.mark.parametrize("shape", [(3, 1), (1, 1), (0, 0)])
def test_under_two_images_there_is_no_interval(shape):
    assert np.isnan(bootstrap_intervals(np.ones(shape))).all()
