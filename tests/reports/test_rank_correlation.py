"""Rank correlations and their intervals: against scipy, and on values whose true order is known."""

import numpy as np
import pytest
from scipy import stats

from kerasal.evaluation import tables
from kerasal.reports import agreement_table, rank_correlations
from kerasal.reports.rank_correlation import _kendall, _spearman


@pytest.mark.parametrize("ties", [False, True])
def test_correlations_of_each_resample_are_scipys(ties):
    random = np.random.default_rng(0)
    printed, resampled = random.random(12), random.random((12, 30))
    if ties:  # of both lists
        printed, resampled = printed.round(1), resampled.round(1)
    columns = resampled.T
    expected = [stats.spearmanr(printed, column).statistic for column in columns]
    np.testing.assert_allclose(_spearman(printed, resampled), expected, atol=1e-12)
    expected = [stats.kendalltau(printed, column).statistic for column in columns]
    np.testing.assert_allclose(_kendall(printed, resampled), expected, atol=1e-12)


def test_values_without_number_do_not_count_and_few_pairs_say_nothing():
    printed, ours = [1, 2, 3, 4, 5], [1.0, np.nan, 2.0, 4.0, 3.0]
    found = rank_correlations(printed, ours, "losses")
    assert found["losses"] == 4
    assert found["spearman"] == pytest.approx(stats.spearmanr([1, 3, 4, 5], [1, 2, 4, 3]).statistic)
    assert "spearman_interval" not in found
    assert rank_correlations(printed, [1.0, np.nan, np.nan, 4.0, 3.0], "losses") is None


@pytest.mark.parametrize(("printed", "ours"), [([1, 1, 1, 1], [1, 2, 3, 4]), ([1, 2, 3, 4], [2, 2, 2, 2])])
def test_a_list_of_equals_has_no_order(printed, ours):
    assert rank_correlations(printed, ours, "losses", np.ones((4, 10))) is None


def test_intervals_hold_the_estimate_and_stay_within_one():
    random = np.random.default_rng(0)
    printed = np.arange(20.0)
    for noise in (0.1, 3.0, 100.0):
        ours = printed + random.normal(0, noise, 20)
        found = rank_correlations(printed, ours, "losses", ours[:, None] + random.normal(0, noise, (20, 500)))
        for name in ("spearman", "kendall"):
            low, high = found[f"{name}_interval"]
            assert -1 <= low <= found[name] <= high <= 1


def test_resamples_without_noise_leave_no_doubt():
    ours = np.random.default_rng(0).random(8)
    found = rank_correlations(range(8), ours, "losses", np.tile(ours[:, None], 50))
    assert found["spearman_interval"] == pytest.approx([found["spearman"]] * 2)
    assert found["kendall_interval"] == pytest.approx([found["kendall"]] * 2)


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_intervals_hold_the_true_correlation_where_the_noise_is_a_tenth_of_the_spread(correlation):
    random, hits = np.random.default_rng(0), 0
    for _ in range(120):
        printed, other = random.normal(size=(2, 27))
        truth = correlation * printed + np.sqrt(1 - correlation**2) * other
        ours = truth + random.normal(0, 0.1, 27)
        resampled = ours[:, None] + random.normal(0, 0.1, (27, 400))
        low, high = rank_correlations(printed, ours, "losses", resampled)["spearman_interval"]
        hits += low <= stats.spearmanr(printed, truth).statistic <= high
    assert hits / 120 > 0.88


def test_the_table_has_intervals_where_there_are_some():
    ours = np.arange(5.0)
    without = agreement_table({"cc": rank_correlations(range(5), ours, "systems")}, "a table", "systems")
    assert without.header == ["metric", "Spearman's rho", "p (rho)", "Kendall's tau", "p (tau)", "systems"]
    found = rank_correlations(range(5), ours, "losses", np.tile(ours[:, None], 9))
    table = agreement_table({"cc": found}, "a table", "losses")
    row = dict(zip(table.header, [cell.text for cell in table.rows[0]], strict=True))
    assert row["95 % interval"] == "+1.00 to +1.00"
    assert row["losses"] == "5"
    assert len({line.count("|") for line in tables.markdown(table).splitlines()}) == 1
