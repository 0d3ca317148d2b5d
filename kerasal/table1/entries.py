"""Which systems a comparison has, and what its tables say of each."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import kerasal
from kerasal import evaluation
from kerasal.classical import CLASSICAL
from kerasal.data.sample import Dataset, Sample
from kerasal.errors import InputError
from kerasal.models import NETWORKS
from kerasal.prediction import NAMED, Source, find, published_here
from kerasal.prediction.predictor import free_name
from kerasal.weights import sha256

CLASSICAL_KIND, NETWORK_KIND, MAPS_KIND, REFERENCE_KIND = "classical", "network", "maps", "reference"
KINDS = (CLASSICAL_KIND, NETWORK_KIND, MAPS_KIND, REFERENCE_KIND)  # in the order of the tables

# Reference lines, and what each learned from.
REFERENCES = {
    "center-bias": "{train} images of {name}",
    "half-observers": "the other half of the observers",
    "observers": "all other observers",
    "upper-bound": "nothing: it drew the fixations",
}


@dataclass(frozen=True)
class Entry:
    """A system, and the facts that are kept with its scores.

    Attributes:
        facts: name, label (as printed), kind (of KINDS), model (a name of `kerasal models`, or None), loss,
            trained_on, competes, and identity, which is another one when the system has to be scored anew.
    """

    facts: dict[str, Any]
    system: evaluation.System


def entries(
    dataset: Dataset,
    samples: Sequence[Sample],
    models: Sequence[str | Path] = (),
    maps: Sequence[str | Path] = (),
) -> list[Entry]:
    """All systems that can run.

    The classical models, networks that come with kerasal, published weights that are on this machine, and
    reference lines; `models`: runs, weights files and names, as `kerasal.prediction.find` takes them; and the
    folders `maps`. InputError: as there, and as `kerasal.evaluation.MapFolder`; two systems of one name.
    """
    sources = dict(NAMED)
    for network in NETWORKS:
        sources |= {name: find(name) for name in published_here(network)}
    for model in models:
        source = find(model)
        name = free_name(source.name, model, sources)
        known = [[file.resolve() for file in other.files] for other in sources.values()]
        if name and [file.resolve() for file in source.files] not in known:
            sources[name] = source
    known_truth = all(sample.true_density is not None for sample in samples)
    references = [name for name in REFERENCES if name != "upper-bound" or known_truth]
    found = [
        *(_of_source(name, source) for name, source in sources.items()),
        *(_of_maps(Path(folder), dataset, samples) for folder in maps),
        *(_reference(name, dataset) for name in references),
    ]
    for fact in ("name", "label"):
        called = Counter(entry.facts[fact] for entry in found)
        if twice := [name for name, count in called.items() if count > 1]:
            raise InputError(f"two systems are called {twice[0]}: name a folder of maps by its whole path")
    return found


def _of_source(name: str, source: Source) -> Entry:
    model = source.facts.get("model")
    if model in CLASSICAL:
        facts = {"label": CLASSICAL[model].title, "kind": CLASSICAL_KIND, "model": model}
        return _entry(name, evaluation.model(model), **facts, trained_on="nothing")
    load = lru_cache(lambda: source.load().predictor)  # for the scores, and for the maps that are shown
    if model is None and source.files:
        model = load().name  # the file says which network it belongs to
    facts = {"label": name, "kind": NETWORK_KIND, "model": model, "loss": source.facts.get("loss")}
    trained_on = source.facts.get("training_images") or source.facts.get("trained_on", "not known")
    digests = [sha256(file) for file in source.files]
    return _entry(name, evaluation.Network(name, load), digests, **facts, trained_on=trained_on)


def _of_maps(folder: Path, dataset: Dataset, samples: Sequence[Sample]) -> Entry:
    system = evaluation.MapFolder(folder)
    files, _ = system.matched(dataset)
    contents = hashlib.sha256()
    for file in (files[sample.name] for sample in samples if sample.name in files):
        contents.update(sha256(file).encode())
    facts = {"label": system.name, "kind": MAPS_KIND, "trained_on": "not known"}
    return _entry(system.name, system, [contents.hexdigest()], **facts)


def _reference(name: str, dataset: Dataset) -> Entry:
    baseline = evaluation.baseline(name)
    trained_on = REFERENCES[name].format(train=len(dataset.splits["train"]), name=dataset.name)
    facts = {"label": name, "kind": REFERENCE_KIND, "trained_on": trained_on}
    return _entry(name, baseline, **facts, competes=not baseline.knows_answers)


def _entry(name: str, system: evaluation.System, digests: Sequence[str] = (), **facts: Any) -> Entry:
    """A system with its facts; `digests` of the files that it is made of are part of its identity."""
    usual = {"name": name, "model": None, "loss": None, "competes": True}
    return Entry({**usual, **facts, "identity": " ".join([kerasal.__version__, *digests])}, system)
