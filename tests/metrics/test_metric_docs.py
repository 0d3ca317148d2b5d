"""docs/metrics.md and the table of metrics say the same."""

import re
from pathlib import Path

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
