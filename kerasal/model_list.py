"""Networks and classical models in one table, and what else can be called by name.

It imports no Keras, for which a listing would wait: the tables of networks and of weights do without.
"""

from collections.abc import Iterable

from kerasal.classical import CLASSICAL, ClassicalModel
from kerasal.models.table import NETWORKS, NetworkInfo
from kerasal.prediction.named import NAMED
from kerasal.weights.published import published_here, published_path
from kerasal.weights.registry import PUBLISHED

ModelInfo = NetworkInfo | ClassicalModel


def all_models() -> dict[str, ModelInfo]:
    """Every model by its name: networks first."""
    return {**NETWORKS, **CLASSICAL}


def facts(model: ModelInfo) -> dict[str, str | int]:
    """What the table says of one model; of the weights those on this machine, or where to get some."""
    parameters, weights = 0, "none needed"
    if isinstance(model, NetworkInfo):
        here = ", ".join(published_here(model.name))
        parameters, weights = model.parameters, f"here: {here}" if here else model.weights
    return {
        "name": model.name,
        "year": model.year,
        "kind": model.kind,
        "parameters": parameters,
        "weights": weights,
        "licence": model.licence,
    }


def text_table(models: Iterable[ModelInfo]) -> str:
    """A line a model, under a line of the names of its `facts`."""
    rows = [_shown(facts(model)) for model in models]
    columns = []
    for name in rows[0]:
        cells = [name, *(row[name] for row in rows)]
        width = max(map(len, cells))
        columns.append([cell.rjust(width) if name == "parameters" else cell.ljust(width) for cell in cells])
    return "\n".join("  ".join(line).rstrip() for line in zip(*columns, strict=True))


def ready() -> dict[str, str]:
    """What else `--model` takes by a name, ready to predict, with what each is in one line."""
    return {name: source.about for name, source in NAMED.items() if name not in CLASSICAL}


def details(model: ModelInfo) -> dict[str, str]:
    """All that is known of one model, a fact by its name."""
    known = {"title": model.title, **_shown(facts(model)), "reference": model.reference}
    published = []
    for name, weights in PUBLISHED.items():
        if weights.model == model.name:
            path = published_path(name)
            where = path if path.is_file() else f"kerasal weights download {name}"
            published.append(f"{name}, trained on {weights.trained_on}; {weights.licence}; {where}")
    if published:
        known["published"] = "\n            ".join(published)
    if isinstance(model, ClassicalModel):
        known |= {
            "source": model.source,
            "exact": model.exact,
            "images": f"sides of {model.smallest} pixels and more",
            "original": f"licence: {model.original_licence}" if model.original_licence else "no program",
        }
    return known


def _shown(facts: dict[str, str | int]) -> dict[str, str]:
    return {name: f"{fact:,}" if name == "parameters" else str(fact) for name, fact in facts.items()}
