"""Networks and classical models in one table, and what else can be called by name."""

from collections.abc import Iterable

from kerasal.classical import CLASSICAL, ClassicalModel
from kerasal.models import NETWORKS, NetworkInfo
from kerasal.prediction import NAMED, published_here
from kerasal.weights import PUBLISHED, published_path

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


def ready() -> dict[str, str]:
    """Trained networks that `--model` takes by a name, with what each is in one line."""
    return {name: source.about for name, source in NAMED.items() if name not in CLASSICAL}


def ready_text() -> str:
    """A line for each of `ready`, under a heading; nothing where there are none."""
    names = ready()
    width = max(map(len, names), default=0)
    lines = [f"{name:<{width}}  {about}\n" for name, about in names.items()]
    return "\nTrained, by name:\n" + "".join(lines) if lines else ""


def details(entry: Entry) -> str:
    """All that is known of one model, a line a fact."""
    facts = [("title", entry.title), *_cells(entry).items(), ("reference", entry.reference)]
    for name, its in PUBLISHED.items():
        if its.model == entry.name:
            path = published_path(name)
            where = path if path.is_file() else f"kerasal weights download {name}"
            facts.append(("published", f"{name}, trained on {its.trained_on}; {its.licence}; {where}"))
    if isinstance(entry, ClassicalModel):
        facts += [
            ("source", entry.source),
            ("exact", entry.exact),
            ("images", f"sides of {entry.smallest} pixels and more"),
            ("original", f"licence: {entry.original_licence}" if entry.original_licence else "no program"),
        ]
    return "\n".join(f"{name:<12}{fact}" for name, fact in facts)


def _cells(entry: Entry) -> dict[str, str]:
    learns = isinstance(entry, NetworkInfo)
    return {
        "name": entry.name,
        "year": str(entry.year),
        "kind": entry.kind,
        "parameters": f"{entry.parameters:,}" if learns else "0",
        "weights": _weights(entry) if learns else "none needed",
        "licence": entry.licence,
    }


def _weights(entry: NetworkInfo) -> str:
    """Published weights that are on this machine, or where to get some."""
    here = published_here(entry.name)
    return f"here: {', '.join(here)}" if here else entry.weights
