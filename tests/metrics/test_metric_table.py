"""The table of metrics as data."""

import numpy as np
import pytest

from kerasal.metrics import METRICS, measure


def test_every_key_is_the_name_of_its_function():
    assert all(key == info.key == info.function.__name__ for key, info in METRICS.items())


def test_printed_names_are_the_field_s_in_the_order_of_the_paper_s_table():
    names = ["CC", "SIM", "AUC-Judd", "AUC-Borji", "NSS", "EMD", "KLD"]
    assert [info.name for info in METRICS.values()][: len(names)] == names


@pytest.mark.parametrize("info", METRICS.values(), ids=METRICS)
def test_best_value_is_the_end_of_the_range_that_the_direction_names(info):
    lowest, highest = info.range
    assert info.target in ("density", "fixations")
    assert info.best == (highest if info.higher_is_better else lowest)
    assert lowest < highest


def test_measuring_at_once_gives_what_each_function_gives():
    random = np.random.default_rng(0)
    saliency_map, density, baseline = random.random((3, 70, 95)) * [[[3.0]], [[1.0]], [[0.2]]] + 0.1
    targets = {"density": density, "fixations": random.integers(0, 70, (20, 2))}
    extras = {"baseline": baseline, "other_fixations": random.integers(0, 70, (50, 2))}
    measured = measure(METRICS, saliency_map, **targets, **extras)
    for key, info in METRICS.items():
        alone = info.function(saliency_map, targets[info.target], *(extras[name] for name in info.also_needs))
        assert measured[key] == alone


@pytest.mark.parametrize(
    ("metric", "message"), [("auc", r"'auc'.*auc_judd"), ("sauc", "sAUC needs fixations and other_fixations")]
)
def test_what_cannot_be_measured_is_named(metric, message):
    with pytest.raises(ValueError, match=message):
        measure([metric], np.eye(3))
