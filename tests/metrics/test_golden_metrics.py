"""The stored values of the MIT benchmark's own code, on maps and fixations of photographs."""

import json

import numpy as np
import pytest

from kerasal import metrics

CASES = ["centre", "full_size", "inverted", "noise", "observers", "one_fixation", "sparse", "ties"]


@pytest.fixture(scope="module")
def golden(shared):
    values = json.loads((shared / "golden" / "metrics.json").read_text())
    with np.load(shared / "golden" / "metrics.npz") as arrays:
        maps = {name: arrays[name].astype(np.float64) for name in arrays.files}
    return values, maps


@pytest.fixture(params=CASES)
def case(request, golden):
    values, maps = golden
    parts = ("map", "density", "fixations", "other", "baseline", "map_grid", "density_grid")
    return values[request.param], {part: maps[f"{request.param}/{part}"] for part in parts}


@pytest.mark.parametrize("key", ["cc", "sim", "kld"])
def test_metric_on_density_equals_the_benchmark(case, key):
    values, maps = case
    assert getattr(metrics, key)(maps["map"], maps["density"]) == pytest.approx(values[key], rel=1e-6)


def test_nss_equals_the_benchmark(case):
    values, maps = case
    assert metrics.nss(maps["map"], maps["fixations"]) == pytest.approx(values["nss"], rel=1e-6)


def test_auc_judd_equals_the_expectation_of_the_benchmark_s_jitter(case):
    values, maps = case
    assert metrics.auc_judd(maps["map"], maps["fixations"]) == pytest.approx(values["auc_judd"], rel=1e-6)


def test_auc_judd_with_ties_above_equals_the_benchmark_without_jitter(case):
    values, maps = case
    value = metrics.auc_judd(maps["map"], maps["fixations"], ties="above")
    assert value == pytest.approx(values["auc_judd_nojitter"], rel=1e-6)


def test_auc_judd_of_a_random_order_lies_among_the_jittered_runs(case):
    values, maps = case
    value = metrics.auc_judd(maps["map"], maps["fixations"], ties="random", seed=0)
    assert value == pytest.approx(
        values["auc_judd_sampled_mean"], abs=4 * values["auc_judd_sampled_sd"] + 1e-9
    )


def test_auc_borji_equals_the_expectation_and_agrees_with_the_benchmark_s_draws(case):
    values, maps = case
    value = metrics.auc_borji(maps["map"], maps["fixations"])
    assert value == pytest.approx(values["auc_borji"], rel=1e-6)
    if "auc_borji_sampled_mean" in values:  # the benchmark's code gives none for a single fixation
        within_three_standard_errors(value, values, "auc_borji")


def test_sauc_equals_the_expectation_and_agrees_with_the_benchmark_s_draws(case):
    values, maps = case
    value = metrics.sauc(maps["map"], maps["fixations"], maps["other"])
    assert value == pytest.approx(values["sauc"], rel=1e-6)
    within_three_standard_errors(value, values, "sauc")


def test_drawn_areas_scatter_as_the_benchmark_s_draws_do(case):
    values, maps = case
    fixations, others = maps["fixations"], maps["other"]
    ours = [metrics.sauc(maps["map"], fixations, others, splits=100, seed=seed) for seed in range(40)]
    # Deviations of 40 and of 20 runs: a ratio beyond 2 has a probability under 1 in 1000.
    assert values["sauc_sampled_sd"] / 2 < np.std(ours) < 2 * values["sauc_sampled_sd"]
    if "auc_borji_sampled_sd" in values:
        ours = [metrics.auc_borji(maps["map"], fixations, splits=100, seed=seed) for seed in range(40)]
        assert values["auc_borji_sampled_sd"] / 2 < np.std(ours) < 2 * values["auc_borji_sampled_sd"]


def test_information_gain_equals_the_benchmark(case):
    values, maps = case
    value = metrics.information_gain(maps["map"], maps["fixations"], maps["baseline"])
    assert value == pytest.approx(values["ig"], rel=1e-6)


def test_emd_of_grids_equals_the_exact_transport(case):
    values, maps = case
    value = metrics.emd(maps["map_grid"], maps["density_grid"], scale=None)
    assert value == pytest.approx(values["emd"], rel=1e-4)


def within_three_standard_errors(value, values, key):
    runs = 20
    error = values[f"{key}_sampled_sd"] / np.sqrt(runs)
    assert value == pytest.approx(values[f"{key}_sampled_mean"], abs=3 * error)
