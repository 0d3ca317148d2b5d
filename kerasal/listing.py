"""Networks and classical models in one table, and what else can be called by name.

It imports no Keras, for which a listing would wait: the tables of networks and of weights do without.
"""

from collections.abc import Iterable

from kerasal.classical import CLASSICAL, ClassicalModel
from kerasal.models.table import NETWORKS, NetworkInfo
from kerasal.weights.published import published_here, published_path
from kerasal.weights.registry import PUBLISHED, REGISTRY

Entry = NetworkInfo | ClassicalModel

COLUMNS = ("name", "year", "kind", "parameters", "weights", "licence")


def all_models() -> dict[str, Entry]:
    """Every model by its name: networks first."""
    return {**NETWORKS, **CLASSICAL}


def facts(entry: Entry) -> dict[str, str | int]:
    """What the table says of one model, by the names of `COLUMNS`."""
    learns = isinstance(entry, NetworkInfo)
    return {
        "name": entry.name,
        "year": entry.year,
        "kind": entry.kind,
        "parameters": entry.parameters if learns else 0,
        "weights": _weights(entry) if learns else "none needed",
        "licence": entry.licence,
    }


def text_table(entries: Iterable[Entry]) -> str:
    """A line a model: name, year, kind, parameters, weights, licence."""
    rows = [COLUMNS, *(tuple(_shown(facts(entry)).values()) for entry in entries)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
    numbers = COLUMNS.index("parameters")
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i == numbers else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def ready() -> dict[str, str]:
    """Trained networks that `--model` takes by a name, with what each is in one line."""
    return {name: its.about for name, its in REGISTRY.items() if its.scores}


def ready_text() -> str:
    """A line for each of `ready`, under a heading; nothing where there are none."""
    names = ready()
    width = max(map(len, names), default=0)
    lines = [f"{name:<{width}}  {about}\n" for name, about in names.items()]
    return "\nTrained, by name:\n" + "".join(lines) if lines else ""


def details(entry: Entry) -> dict[str, str]:
    """All that is known of one model, a fact by its name."""
    known = {"title": entry.title, **_shown(facts(entry)), "reference": entry.reference}
    published = []
    for name, its in PUBLISHED.items():
        if its.model == entry.name:
            path = published_path(name)
            where = path if path.is_file() else f"kerasal weights download {name}"
            published.append(f"{name}, trained on {its.trained_on}; {its.licence}; {where}")
    if published:
        known["published"] = "\n            ".join(published)
    if isinstance(entry, ClassicalModel):
        known |= {
            "source": entry.source,
            "exact": entry.exact,
            "images": f"sides of {entry.smallest} pixels and more",
            "original": f"licence: {entry.original_licence}" if entry.original_licence else "no program",
        }
    return known


def _shown(facts: dict[str, str | int]) -> dict[str, str]:
    return {name: f"{its:,}" if name == "parameters" else str(its) for name, its in facts.items()}


def _weights(entry: NetworkInfo) -> str:
    """Published weights that are on this machine, or where to get some."""
    here = published_here(entry.name)
    return f"here: {', '.join(here)}" if here else entry.weights
