"""The table of metrics as data."""

import pytest

from kerasal.metrics import METRICS


def test_every_key_is_the_name_of_its_function():
    assert all(key == info.key == info.function.__name__ for key, info in METRICS.items())


def test_printed_names_are_the_field_s_in_the_order_of_the_paper_s_table():
    names = ["CC", "SIM", "AUC-Judd", "AUC-Borji", "NSS", "EMD", "KLD", "sAUC", "IG"]
    assert [info.name for info in METRICS.values()] == names


@pytest.mark.parametrize("info", METRICS.values(), ids=METRICS)
def test_best_value_is_the_end_of_the_range_that_the_direction_names(info):
    lowest, highest = info.range
    assert info.target in ("density", "fixations")
    assert info.best == (highest if info.higher_is_better else lowest)
    assert lowest < highest
