"""Means with their uncertainty and paired differences, against scipy and by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from kerasal.errors import InputError
from kerasal.evaluation import Scores, compare
from kerasal.evaluation.statistics import bootstrap_interval


def scores(names="abcd", **values):
    return Scores(list(names), {key: np.array(column, float) for key, column in values.items()})


def test_summary_is_mean_and_standard_error_over_the_images_that_have_a_value():
    summary = compare({"a": scores(cc=[0.2, 0.5, np.nan, 0.9])}).summaries["a"]["cc"]
    known = [0.2, 0.5, 0.9]
    assert summary.mean == pytest.approx(np.mean(known))
    assert summary.standard_error == pytest.approx(stats.sem(known))
    assert (summary.images, summary.skipped) == (3, 1)


def test_one_image_has_a_mean_and_no_uncertainty():
    summary = compare({"a": scores("a", cc=[0.2])}).summaries["a"]["cc"]
    assert summary.mean == 0.2
    assert math.isnan(summary.standard_error)
    assert np.isnan(summary.interval).all()


def test_a_metric_without_any_value_is_nan_everywhere():
    comparison = compare({"a": scores(nss=[np.nan] * 4), "b": scores(nss=[1, 2, 3, 4])})
    assert math.isnan(comparison.summaries["a"]["nss"].mean)
    assert math.isnan(comparison.differences["b"]["nss"].p_value)
    assert comparison.ranks("nss") == {"b": 1}


def test_interval_is_scipy_s_percentile_bootstrap_up_to_its_own_chance():
    values = np.random.default_rng(0).gamma(2.0, size=60)
    low, high = bootstrap_interval(values)
    peer = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=10_000).confidence_interval
    # Two bootstraps of 10,000 resamples: their 2.5 % quantiles scatter by a few hundredths of the error.
    assert (low, high) == pytest.approx((peer.low, peer.high), abs=0.1 * stats.sem(values))


def test_intervals_hold_the_true_mean_in_about_95_of_100_samples():
    random = np.random.default_rng(1)
    hits = 0
    for _ in range(300):
        low, high = bootstrap_interval(random.normal(5.0, 2.0, 40), resamples=600)
        hits += low < 5.0 < high
    # 40 values: the percentile interval covers about 94 %; five standard errors of 300 trials are 7 %.
    assert 0.87 < hits / 300 < 0.99


def test_the_seed_repeats_the_interval_and_another_gives_another():
    values = np.random.default_rng(0).random(20)
    intervals = [bootstrap_interval(values, seed=seed) for seed in (3, 3, 4)]
    assert intervals[0] == intervals[1] != intervals[2]


def test_many_values_are_resampled_in_parts_with_the_same_result(monkeypatch):
    values = np.random.default_rng(0).random(50)
    whole = bootstrap_interval(values, resamples=1000)
    monkeypatch.setattr("kerasal.evaluation.statistics.AT_ONCE", 700)
    assert bootstrap_interval(values, resamples=1000) == whole


def test_a_difference_is_paired_over_the_images_that_both_have():
    first, second = [0.1, 0.4, np.nan, 0.9, 0.2], [0.3, 0.5, 0.6, np.nan, 0.1]
    comparison = compare({"a": scores("abcde", cc=first), "b": scores("abcde", cc=second)})
    difference = comparison.differences["b"]["cc"]
    assert difference.images == 3
    assert difference.mean == pytest.approx(np.mean([0.2, 0.1, -0.1]))
    assert difference.p_value == pytest.approx(stats.wilcoxon([0.2, 0.1, -0.1]).pvalue)
    low, high = difference.interval
    assert -0.1 - 1e-9 < low < difference.mean < high < 0.2 + 1e-9


def test_pairing_sees_what_the_intervals_of_the_means_do_not():
    random = np.random.default_rng(0)
    first = random.normal(0, 1, 100)
    comparison = compare(
        {
            "a": scores(range(100), nss=first),
            "b": scores(range(100), nss=first + 0.05 + random.normal(0, 0.02, 100)),
        }
    )
    a, b = (comparison.summaries[name]["nss"].interval for name in "ab")
    assert a[1] > b[0]
    assert comparison.differences["b"]["nss"].interval[0] > 0.04
    assert comparison.differences["b"]["nss"].p_value < 1e-10


def test_equal_systems_differ_by_0_with_p_1():
    difference = compare({"a": scores(cc=[1, 2, 3, 4]), "b": scores(cc=[1, 2, 3, 4])}).differences["b"]["cc"]
    assert (difference.mean, difference.interval, difference.p_value) == (0.0, (0.0, 0.0), 1.0)


def test_systems_scored_in_another_order_are_paired_by_the_images_names():
    comparison = compare({"a": scores("abcd", cc=[1, 2, 3, 4]), "b": scores("dcba", cc=[5, 3, 2, 1])})
    assert comparison.differences["b"]["cc"].mean == pytest.approx(0.25)


def test_the_reference_can_be_chosen_and_metrics_that_one_lacks_are_left_out():
    both = {"a": scores(cc=[1, 2, 3, 4], nss=[1, 1, 1, 1]), "b": scores(cc=[2, 3, 4, 6])}
    comparison = compare(both, reference="b")
    assert comparison.metrics == ("cc",)
    assert list(comparison.differences) == ["a"]
    assert comparison.differences["a"]["cc"].mean == -1.25


@pytest.mark.parametrize(
    ("systems", "reference", "message"),
    [
        ({}, None, "nothing to compare"),
        ({"a": scores(cc=[1, 2, 3, 4])}, "c", "unknown reference 'c': one of a"),
        ({"a": scores(cc=[1, 2, 3, 4]), "b": scores("abce", cc=[1, 2, 3, 4])}, None, "b was scored on other"),
    ],
)
def test_what_cannot_be_compared_is_refused(systems, reference, message):
    with pytest.raises(InputError, match=message):
        compare(systems, reference)


def test_ranks_follow_the_direction_of_the_metric_and_leave_out_who_knows_the_answers():
    systems = {
        name: scores("ab", cc=[value, value], kld=[value, value])
        for name, value in (("a", 0.1), ("b", 0.3), ("c", 0.2), ("humans", 0.9))
    }
    comparison = compare(systems, unranked=["humans"])
    assert comparison.ranks("cc") == {"b": 1, "c": 2, "a": 3}
    assert comparison.ranks("kld") == {"a": 1, "c": 2, "b": 3}


def test_means_that_print_alike_share_a_rank():
    systems = {
        name: scores("ab", cc=[value, value]) for name, value in (("a", 0.5004), ("b", 0.5001), ("c", 0.4))
    }
    assert compare(systems).ranks("cc", digits=3) == {"a": 1, "b": 1, "c": 3}
    assert compare(systems).ranks("cc") == {"a": 1, "b": 2, "c": 3}
