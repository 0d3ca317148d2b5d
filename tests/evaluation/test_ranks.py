"""Mean ranks: Friedman's test against scipy, Nemenyi's distance against Demsar's table, cliques by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from kerasal.evaluation import Scores
from kerasal.evaluation.ranks import cliques, critical_distance, mean_ranks

# Demsar 2006, table 5(a): q of the two-tailed Nemenyi test at 0.05, for 2 to 10 classifiers.
TABLE_5 = (1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164)
NAMES = [str(image) for image in range(20)]


def systems(values, names=NAMES):
    """Scores of values (systems, images) by metric."""
    count = len(next(iter(values.values())))
    return {f"s{i}": Scores(names, {key: rows[i] for key, rows in values.items()}) for i in range(count)}


@pytest.mark.parametrize(("count", "q"), list(enumerate(TABLE_5, start=2)))
def test_nemenyis_distance_has_the_q_of_demsars_table_5(count, q):
    # For 3 and 7 the table is 0.001 from the quantile, elsewhere it is that, rounded.
    assert critical_distance(count, 30) == pytest.approx(q * math.sqrt(count * (count + 1) / 180), abs=5e-4)


def test_demsars_own_example_has_his_distance():
    # Section 3.2.2: four classifiers on 14 data sets, CD = 2.569 sqrt(4 * 5 / (6 * 14)) = 1.25.
    assert critical_distance(4, 14) == pytest.approx(1.25, abs=0.005)


def test_one_metric_gives_friedmans_test_and_mean_ranks_as_scipy_has_them():
    values = np.random.default_rng(0).random((5, 20)) + np.arange(5)[:, None] / 10
    found = mean_ranks([systems({"cc": values})])
    assert found.p_value == pytest.approx(stats.friedmanchisquare(*values).pvalue)
    by_hand = [np.mean([1 + np.sum(values[:, i] > values[s, i]) for i in range(20)]) for s in range(5)]
    assert found.ranks == pytest.approx({f"s{s}": rank for s, rank in enumerate(by_hand)})
    assert list(found.ranks.values()) == sorted(by_hand)


def test_the_direction_is_the_metrics_and_equal_scores_share_a_rank():
    values = np.tile([[1.0], [3.0], [3.0]], 20)
    assert mean_ranks([systems({"cc": values})]).ranks == {"s1": 1.5, "s2": 1.5, "s0": 3}
    assert mean_ranks([systems({"kld": values})]).ranks == {"s0": 1, "s1": 2.5, "s2": 2.5}


def test_a_metric_that_says_the_same_again_changes_nothing():
    values = np.random.default_rng(0).random((5, 20))
    once, twice = (
        mean_ranks([systems(dict.fromkeys(keys, values))]) for keys in (["cc"], ["cc", "sim", "nss"])
    )
    assert (once.ranks, once.p_value, once.images) == (twice.ranks, twice.p_value, twice.images)


def test_several_sets_are_one_with_the_images_of_all():
    values = np.random.default_rng(0).random((4, 20))
    parts = [systems({"cc": values[:, :8]}, NAMES[:8]), systems({"cc": values[:, 8:]}, NAMES[8:])]
    assert mean_ranks(parts) == mean_ranks([systems({"cc": values})])


def test_an_image_that_one_system_has_no_value_of_counts_in_the_other_metrics_alone():
    cc, nss = np.random.default_rng(0).random((2, 3, 20))
    holed = nss.copy()
    holed[1, 4] = np.nan
    found, without = (
        mean_ranks([systems({"cc": cc, "nss": holed})]),
        mean_ranks([systems({"cc": cc, "nss": nss})]),
    )
    assert found.images == 20
    rank = {key: stats.rankdata(-rows[:, 4]) for key, rows in (("cc", cc), ("nss", nss))}
    for system in range(3):
        change = rank["cc"][system] - (rank["cc"][system] + rank["nss"][system]) / 2
        assert found.ranks[f"s{system}"] - without.ranks[f"s{system}"] == pytest.approx(change / 20)
    cc[0, 4] = np.nan
    assert mean_ranks([systems({"cc": cc, "nss": holed})]).images == 19


def test_cliques_are_the_longest_runs_within_the_distance():
    # By hand, distance 1: a to c span 0.9, c to d 0.9, b to d 1.2; e is alone; f and g are 1 apart.
    ranks = {"a": 1.0, "b": 1.6, "c": 1.9, "d": 2.8, "e": 4.0, "f": 6.0, "g": 7.0}
    assert cliques(ranks, 1.0) == (("a", "b", "c"), ("c", "d"), ("f", "g"))
    assert cliques(ranks, 0.2) == ()
    assert cliques(ranks, 99) == (tuple("abcdefg"),)
    assert cliques({"a": 1.0}, 1.0) == ()


def test_where_friedmans_test_finds_nothing_no_system_is_told_apart():
    values = np.random.default_rng(3).random((4, 20))
    found = mean_ranks([systems({"cc": values})])
    assert found.p_value > 0.05
    assert [set(clique) for clique in found.cliques] == [{"s0", "s1", "s2", "s3"}]


@pytest.mark.ci
@pytest.mark.parametrize("shared", [0.0, 0.7, 1.0])
def test_equal_systems_are_told_apart_in_at_most_5_of_100_quests_however_metrics_depend(shared):
    """`shared`: how much of a score is that of the other metrics, too."""
    random, quests = np.random.default_rng(int(10 * shared)), 400
    false = rejected = 0
    for _ in range(quests):
        common = random.normal(size=(6, 20))
        values = {
            key: shared * common + (1 - shared) * random.normal(size=(6, 20)) for key in ("cc", "sim", "nss")
        }
        found = mean_ranks([systems(values)])
        false += max(found.ranks.values()) - min(found.ranks.values()) > found.distance
        rejected += found.p_value < 0.05
    assert max(false, rejected) / quests < 0.05 + 0.033  # three standard errors
    if shared == 1.0:  # not by being blind
        assert min(false, rejected) > 0


@pytest.mark.parametrize("values", [np.ones((1, 20)), np.random.default_rng(0).random((4, 5))])
def test_of_one_system_or_five_images_there_is_nothing_to_say(values):
    assert mean_ranks([systems({"cc": values}, NAMES[: values.shape[1]])]) is None


def test_systems_without_a_common_metric_have_no_ranks():
    scores = {"a": Scores(NAMES, {"cc": np.ones(20)}), "b": Scores(NAMES, {"nss": np.ones(20)})}
    assert mean_ranks([scores]) is None
