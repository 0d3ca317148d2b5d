"""docs/evaluate.md names every baseline."""

import re
from pathlib import Path

from kerasal.evaluation import BASELINES

PAGE = (Path(__file__).parents[2] / "docs" / "evaluate.md").read_text(encoding="utf-8")


def test_the_page_names_every_baseline_in_the_order_of_the_command():
    assert re.findall(r"^\| `([\w-]+)` \|", PAGE, re.MULTILINE) == list(BASELINES)
