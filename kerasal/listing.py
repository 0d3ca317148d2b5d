"""Networks and classical models in one table."""

from collections.abc import Iterable

from kerasal.classical import CLASSICAL, ClassicalModel
from kerasal.models import NETWORKS, NetworkInfo

Entry = NetworkInfo | ClassicalModel

COLUMNS = ("name", "year", "kind", "parameters", "weights", "licence")


def all_models() -> dict[str, Entry]:
    """Every model by its name: networks first."""
    return {**NETWORKS, **CLASSICAL}


def text_table(entries: Iterable[Entry]) -> str:
    """A line a model: name, year, kind, parameters, weights, licence."""
    rows = [COLUMNS, *(tuple(_cells(entry).values()) for entry in entries)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    numbers = COLUMNS.index("parameters")
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i == numbers else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def details(entry: Entry) -> str:
    """All that is known of one model, a line a fact."""
    facts = {"title": entry.title, **_cells(entry), "reference": entry.reference}
    if isinstance(entry, ClassicalModel):
        facts |= {
            "source": entry.source,
            "exact": entry.exact,
            "images": f"sides of {entry.smallest} pixels and more",
            "original": f"licence: {entry.original_licence}" if entry.original_licence else "no program",
        }
    return "\n".join(f"{name:<12}{fact}" for name, fact in facts.items())


def _cells(entry: Entry) -> dict[str, str]:
    learns = isinstance(entry, NetworkInfo)
    return {
        "name": entry.name,
        "year": str(entry.year),
        "kind": entry.kind,
        "parameters": f"{entry.parameters:,}" if learns else "0",
        "weights": entry.weights if learns else "none needed",
        "licence": entry.licence,
    }
