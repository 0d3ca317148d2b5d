"""Which losses a quest compares: names of lists, or specs."""

import re
from collections.abc import Iterable

from kerasal import losses
from kerasal.errors import InputError
from kerasal.quest.paper import FIGURE_3, LC1, LC2, TABLE_2

LISTS: dict[str, tuple[str, ...]] = {
    "table2": tuple(row.spec for row in TABLE_2),
    "table3": ("mlnet-mse", LC1, LC2),
    "figure3": FIGURE_3,
}


def parse_losses(text: str) -> list[str]:
    """Canonical specs from a list of specs and names of `LISTS`, parted by commas: "mse, kld+cc+nss, lc2".

    A loss that comes twice counts once. InputError: an empty list, or what `kerasal.losses.parse` refuses.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise InputError(f"an empty name among the losses {text!r}: give specs parted by commas, or table2")
    specs = [spec for part in parts for spec in LISTS.get(part) or [losses.canonical(part)]]
    return list(dict.fromkeys(specs))


def in_order(specs: Iterable[str]) -> list[str]:
    """Specs in Table 2's order, others behind in the order that they come in."""
    place = {spec: index for index, spec in enumerate(LISTS["table2"])}
    return sorted(dict.fromkeys(specs), key=lambda spec: place.get(spec, len(place)))


def family(spec: str) -> str:
    """The family of a loss, as the paper groups them: "pixel", "combination" and so on."""
    return losses.get(spec).family


def slug(spec: str) -> str:
    """A spec as a file's name: "w-bce-0.9" for w-bce(0.9). Different canonical specs have different ones."""
    return re.sub(r"[^\w+.-]+", "-", spec).strip("-")
