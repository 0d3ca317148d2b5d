"""docs/metrics.md and the table of metrics say the same."""

import re
from pathlib import Path

from kerasal.losses import LOSSES
from kerasal.metrics import METRICS

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")


def test_the_page_lists_every_metric_in_the_order_of_the_table():
    rows = re.findall(r"^\| `(\w+)` \| ([\w-]+) \| ([\w, ]+) \| (higher|lower) \|", PAGE, re.MULTILINE)
    assert rows == [
        (
            info.key,
            info.name,
            ", ".join([info.target, *(name.replace("_", " ") for name in info.also_needs)]),
            "higher" if info.higher_is_better else "lower",
        )
        for info in METRICS.values()
    ]


def test_every_metric_has_a_section_in_the_same_order():
    assert re.findall(r"^### (.+)$", PAGE, re.MULTILINE) == [info.name for info in METRICS.values()]


def test_the_page_names_the_loss_that_trains_a_metric_where_there_is_one():
    named = dict(re.findall(r"^\| `(\w+)` \|.*\| (`\w+`|none)[^|]*\|$", PAGE, re.MULTILINE))
    assert list(named) == list(METRICS)
    assert {key: loss for key, loss in named.items() if key in LOSSES} == {
        key: f"`{key}`" for key in METRICS if key in LOSSES
    }
    assert {loss.strip("`") for loss in named.values()} <= {"none", *LOSSES}
