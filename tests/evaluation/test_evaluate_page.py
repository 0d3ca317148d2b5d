"""docs/evaluate.md: its examples run, and it names every baseline."""

import re
from pathlib import Path

import pytest

from kerasal.evaluation import BASELINES

PAGE = (Path(__file__).parents[2] / "docs" / "evaluate.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
def test_the_examples_run(code):
    exec(compile(code, "docs/evaluate.md", "exec"), {"__name__": "example"})


def test_the_page_names_every_baseline_in_the_order_of_the_command():
    assert re.findall(r"^\| `([\w-]+)` \|", PAGE, re.MULTILINE) == list(BASELINES)
