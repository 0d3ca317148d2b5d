"""Means with their uncertainty and paired differences, against scipy and by hand."""

import math
from dataclasses import asdict

import numpy as np
import pytest
from scipy import stats

from kerasal.errors import InputError
from kerasal.evaluation import Scores, compare
from kerasal.evaluation.statistics import holm


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


def test_differences_as_plain_values_are_those_of_the_fields():
    first, second = scores("abc", cc=[0.1, 0.4, 0.2]), scores("abc", cc=[0.3, 0.5, 0.9])
    comparison = compare({"a": first, "b": second})
    found, difference = asdict(comparison)["differences"], comparison.differences["b"]["cc"]
    assert list(found) == ["b"]
    assert list(found["b"]["cc"]) == ["mean", "interval", "p_value", "p_seeds", "p_corrected", "images"]
    assert found["b"]["cc"]["mean"] == pytest.approx(np.mean([0.2, 0.1, 0.7]))
    assert found["b"]["cc"]["interval"] == difference.interval


def test_systems_scored_in_another_order_are_paired_by_the_images_names():
    comparison = compare({"a": scores("abcd", cc=[1, 2, 3, 4]), "b": scores("dcba", cc=[5, 3, 2, 1])})
    assert comparison.differences["b"]["cc"].mean == pytest.approx(0.25)


def test_the_reference_can_be_chosen_and_metrics_that_one_lacks_are_left_out():
    both = {"a": scores(cc=[1, 2, 3, 4], nss=[1, 1, 1, 1]), "b": scores(cc=[2, 3, 4, 6])}
    comparison = compare(both, reference="b")
    assert comparison.metrics == ("cc",)
    assert list(comparison.differences) == ["a"]
    assert comparison.differences["a"]["cc"].mean == -1.25


def test_holm_is_the_hand_worked_example():
    # Four tests: 0.005 x 4, 0.01 x 3, then 0.03 x 2 = 0.06, which 0.04 x 1 may not fall below.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.4, 0.9, 0.6]) == [1.0, 1.0, 1.0]
    np.testing.assert_allclose(holm([0.04, math.nan, 0.01]), [0.04, math.nan, 0.02])
    assert holm([]) == []


def test_holm_rejects_a_true_hypothesis_in_at_most_5_of_100_families():
    random = np.random.default_rng(0)
    families = [random.random(26) for _ in range(2000)]
    # Of all true hypotheses: 1 - (1 - 0.05 / 26) ** 26 = 4.9 %; four standard errors are 1.9 %.
    assert np.mean([min(holm(family)) < 0.05 for family in families]) == pytest.approx(0.049, abs=0.019)


def seeds_of(values, metric="cc"):
    """Scores of an array (seeds, images)."""
    return [scores(range(len(row)), **{metric: row}) for row in values]


def test_of_several_seeds_the_mean_is_over_both_and_the_error_over_images():
    values = np.random.default_rng(0).random((3, 20))
    comparison = compare({"a": seeds_of(values)})
    summary = comparison.summaries["a"]["cc"]
    assert summary.mean == pytest.approx(values.sum() / 60)
    assert summary.standard_error == pytest.approx(stats.sem(values.sum(axis=0) / 3))
    assert comparison.over == "images and 3 seeds"
    assert compare({"a": seeds_of(values[:1])}).over == "images"


def test_one_seed_in_a_list_is_the_system_alone():
    first, second = np.random.default_rng(0).random((2, 1, 20))
    alone = compare({"a": seeds_of(first)[0], "b": seeds_of(second)[0]})
    assert compare({"a": seeds_of(first), "b": seeds_of(second)}).summaries == alone.summaries
    difference = alone.differences["b"]["cc"]
    assert math.isnan(difference.p_seeds)
    assert difference.p_corrected == difference.p_value  # a single comparison


def test_the_t_test_over_seeds_is_scipys_where_the_images_say_nothing():
    by_seed = np.array([0.11, 0.14, 0.2])
    found = compare({"a": seeds_of(np.zeros((3, 50))), "b": seeds_of(np.tile(by_seed[:, None], 50))})
    assert found.differences["b"]["cc"].p_seeds == pytest.approx(stats.ttest_1samp(by_seed, 0).pvalue)


def test_the_t_test_over_images_is_scipys_where_the_seeds_agree():
    by_image = np.random.default_rng(0).normal(0.3, 1, 50)
    found = compare({"a": seeds_of(np.zeros((3, 50))), "b": seeds_of(np.tile(by_image, (3, 1)))})
    assert found.differences["b"]["cc"].p_seeds == pytest.approx(stats.ttest_1samp(by_image, 0).pvalue)


def test_seeds_that_disagree_are_not_told_apart_where_the_images_alone_would_be():
    random = np.random.default_rng(0)
    ours = 0.02 + np.array([[-0.03], [0.01], [0.02]]) + random.normal(0, 0.01, (3, 100))
    difference = compare({"a": seeds_of(np.zeros((3, 100))), "b": seeds_of(ours)}).differences["b"]["cc"]
    assert difference.p_value < 1e-6
    assert difference.interval[0] < 0 < difference.interval[1]
    assert difference.p_corrected == difference.p_seeds > 0.05
    assert not difference.told_apart


def test_families_of_equal_losses_are_seldom_told_apart():
    """Six losses against one; the means over seeds have a third of the variance of those over images."""
    random, families, false = np.random.default_rng(0), 200, 0
    names = [str(image) for image in range(30)]
    for _ in range(families):
        systems = {
            str(loss): [
                Scores(names, {"cc": row})
                for row in 0.18 * random.normal(size=(3, 1)) + random.normal(size=(3, 30))
            ]
            for loss in range(7)
        }
        differences = compare(systems, resamples=400).differences.values()
        false += any(row["cc"].told_apart for row in differences)
    # At most 5 % are wanted; three standard errors of 200 families are 4.6 %.
    assert false / families < 0.096


def test_corrected_p_values_are_holms_of_the_larger_p_metric_by_metric():
    random = np.random.default_rng(1)
    systems = {
        name: [
            scores(range(30), cc=random.normal(mean, 1, 30), nss=random.normal(0, 1, 30)) for _ in range(3)
        ]
        for name, mean in (("a", 0), ("b", 0.5), ("c", 1), ("d", 0.2))
    }
    differences = compare(systems).differences
    for metric in ("cc", "nss"):
        larger = sorted(
            (max(row[metric].p_value, row[metric].p_seeds), name) for name, row in differences.items()
        )
        least = 0.0
        for index, (p, name) in enumerate(larger):
            least = max(least, min(1.0, p * (3 - index)))
            assert differences[name][metric].p_corrected == pytest.approx(least)


def test_five_images_are_never_told_apart():
    found = compare({"a": scores("abcde", cc=[0] * 5), "b": scores("abcde", cc=[1, 1.1, 1.2, 1.3, 1.4])})
    assert found.differences["b"]["cc"].p_corrected == 0.0625
    assert not found.differences["b"]["cc"].told_apart


@pytest.mark.parametrize(("differing", "p_value"), [(5, 2 / 2**5), (6, 2 / 2**6), (9, 2 / 2**9)])
@pytest.mark.parametrize("equal", [1, 46, 500])
def test_images_that_do_not_differ_change_no_p_value(differing, p_value, equal):
    # All differences have one sign: of 2**n equally likely signs, two are as extreme.
    names, values = range(differing + equal), [*np.linspace(1, 2, differing), *[0.0] * equal]
    systems = {"a": scores(names, cc=[0.0] * len(names)), "b": scores(names, cc=values)}
    found = compare(systems, resamples=10)
    assert found.differences["b"]["cc"].p_value == pytest.approx(p_value, rel=1e-12)


def test_a_seed_without_values_plays_no_part_and_the_others_stay_paired():
    ours, theirs = np.random.default_rng(0).random((2, 3, 10))
    ours[1] = np.nan  # it diverged
    comparison = compare({"a": seeds_of(theirs), "b": seeds_of(ours)})
    assert comparison.summaries["b"]["cc"].mean == pytest.approx(ours[[0, 2]].mean())
    difference = comparison.differences["b"]["cc"]
    assert difference.mean == pytest.approx((ours - theirs)[[0, 2]].mean())
    assert difference.images == 10
    ours[:] = np.nan
    nothing = compare({"a": seeds_of(theirs), "b": seeds_of(ours)})
    assert math.isnan(nothing.differences["b"]["cc"].p_corrected)
    assert (nothing.summaries["b"]["cc"].images, nothing.summaries["b"]["cc"].skipped) == (0, 10)


def test_losses_of_different_numbers_of_seeds_are_refused():
    values = np.zeros((3, 4))
    with pytest.raises(InputError, match="b was scored with 2 seeds and the first system with 3"):
        compare({"a": seeds_of(values), "b": seeds_of(values[:2])})


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
