"""docs/losses.md and kerasal.losses are about the same things, in the same order."""

import re
from pathlib import Path

from kerasal import losses
from kerasal.losses import LOSSES

PAGE = (Path(__file__).parents[2] / "docs/losses.md").read_text()


def test_the_page_has_an_entry_for_every_public_name_in_the_order_of_the_package():
    headings = re.findall(r"^### .*`(\w+)`$", PAGE, re.MULTILINE)
    assert headings == losses.__all__


def test_an_entry_gives_the_name_that_a_loss_has_in_a_spec():
    entries = dict(re.findall(r"^### `([\w-]+)`: `(\w+)`$", PAGE, re.MULTILINE))
    assert entries == {name: entry.loss.__name__ for name, entry in LOSSES.items()}
