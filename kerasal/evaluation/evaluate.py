"""Evaluating systems side by side on a split: scores of each image, statistics, and their files."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from kerasal._files import json_text, make_folder, write_text
from kerasal._processes import worthwhile_processes
from kerasal.cluster import Cluster
from kerasal.data.names import counted
from kerasal.data.sample import Dataset, Sample, fingerprint
from kerasal.errors import InputError
from kerasal.evaluation import tables
from kerasal.evaluation.baselines import Baseline, training_center_bias
from kerasal.evaluation.clustered import score_on
from kerasal.evaluation.map_folder import MapFolder
from kerasal.evaluation.scores import Scores, scores_csv, together
from kerasal.evaluation.scoring import FixationPool, MapError, Scorer, score_all
from kerasal.evaluation.statistics import Comparison, compare
from kerasal.evaluation.systems import System
from kerasal.metrics import METRICS
from kerasal.metrics.transport import LARGEST_GRID

SCHEMA = 2  # 2: interval, several systems; the keys of 1 are as they were


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Systems scored on one split of a dataset; of a mixture, on its sets together."""

    data: str
    split: str
    data_fingerprint: str
    scores: dict[str, Scores]
    comparison: Comparison
    notes: tuple[str, ...] = ()  # what was left out, a line each
    sets: dict[str, "Evaluation"] = field(default_factory=dict)  # of a mixture: each of its sets by itself

    def as_json(self) -> str:
        """All statistics. With one system its metrics stand at the top, otherwise under `systems`.

        Keys: schema, data, split, data_fingerprint; system and metrics, or reference, systems (metrics) and
        differences (each system minus the reference); of a mixture sets, which has the same for each by its
        name. What is not known, as a standard error of one image, is null.
        """
        values = {"schema": SCHEMA, **self._values()}
        if self.sets:
            values["sets"] = {name: part._values() for name, part in self.sets.items()}
        return json_text(values)

    def _values(self) -> dict[str, Any]:
        data = {"data": self.data, "split": self.split, "data_fingerprint": self.data_fingerprint}
        found = asdict(self.comparison)
        systems = {system: {"metrics": metrics} for system, metrics in found["summaries"].items()}
        if len(systems) == 1:
            [(system, of_system)] = systems.items()
            return {"system": system, **data, **of_system}
        compared = {"systems": systems, "differences": found["differences"]}
        return {**data, "reference": found["reference"], **compared}

    @property
    def title(self) -> str:
        """What was evaluated on what, for the head of a table."""
        images = len(next(iter(self.scores.values())).names)
        systems = next(iter(self.scores)) if len(self.scores) == 1 else f"{len(self.scores)} systems"
        return f"{systems} on {self.data}, {self.split} split, {counted(images, 'image')}"

    @property
    def parts(self) -> "list[Evaluation]":
        """What to show, one after the other: each set of a mixture, and this."""
        return [*self.sets.values(), self]

    def markdown(self) -> str:
        """The tables in Markdown."""
        return "\n".join(tables.document(part.title, part.comparison, tables.markdown) for part in self.parts)

    def latex(self) -> str:
        """The tables in LaTeX, each a `tabular`."""
        return "\n".join(
            tables.document(part.title, part.comparison, tables.latex, comment="% ") for part in self.parts
        )

    def write(self, folder: Path) -> list[Path]:
        """Write the scores of each image and all statistics to a folder; returns the paths.

        metrics.json, metrics.csv, metrics.md and metrics.tex; comparison.* for several systems.
        """
        make_folder(folder)
        stem = "metrics" if len(self.scores) == 1 else "comparison"
        texts = {"json": self.as_json(), "md": self.markdown(), "tex": self.latex()}
        texts["csv"] = scores_csv(self.scores)
        return [write_text(folder / f"{stem}.{suffix}", text) for suffix, text in texts.items()]


def evaluate(
    systems: Sequence[System],
    dataset: Dataset,
    split: str = "test",
    *,
    metrics: Iterable[str] | None = None,
    reference: str | None = None,
    processes: int | None = 1,
    cluster: Cluster | None = None,
    seed: int = 0,
    progress=lambda items, _: items,
) -> Evaluation:
    """Score systems on a split of a dataset, at the stimuli's own size.

    The sets of a mixture are scored one by one, each with its own centre bias and its own other images for
    shuffled AUC, and then taken together, every image once.

    Args:
        systems: `model(name)`, `MapFolder`, `baseline(name)`, `Network`, `Function`, or anything else that
            is a `System`.
        metrics: keys of `kerasal.metrics.METRICS`; default all that the data allow.
        reference: name of the system that others are compared with; default the first.
        processes: how many score at once; None for one for each core, as far as that pays. More than one
            needs a script whose start is under `if __name__ == "__main__"`. The scores do not depend on it.
        cluster: of `kerasal.cluster.connect`, to predict and score on, with `processes` playing no part.
        seed: of the bootstrap.
        progress: called with the jobs' numbers and a text, gives the numbers back one by one.

    InputError: an unknown split, metric, or reference; a metric that the data do not allow; fewer than one
    process; whatever a system finds wrong.
    """
    samples = dataset[split]
    if not systems:
        raise InputError("no system to evaluate")
    systems = [  # where folders of maps know all the data that their maps may be for
        MapFolder(system.folder, system.name, dataset) if isinstance(system, MapFolder) else system
        for system in systems
    ]
    names = [system.name for system in systems]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"named twice: {', '.join(twice)}")
    if reference is not None and reference not in names:
        raise InputError(f"unknown reference {reference!r}: one of {', '.join(names)}")
    chosen = [_metrics(metrics, part, part[split]) for part in dataset.sets]
    by_set = {
        part.name: _scores(systems, part, split, keys, processes, cluster, progress)
        for part, (keys, _) in zip(dataset.sets, chosen, strict=True)
    }
    notes = [note for _, left_out in chosen for note in left_out]
    if shrunk := sum(sample.shrunk for sample in samples):
        notes.append(
            f"{shrunk} of {counted(len(samples), 'image')} were shrunk: not the dataset's own scores"
        )
    for system in systems:
        if isinstance(system, MapFolder | Baseline):
            notes += system.notes(dataset, samples)
    unranked = [system.name for system in systems if system.knows_answers]

    def evaluation(part: Dataset, scores: dict[str, Scores], **more: Any) -> Evaluation:
        comparison = compare(scores, reference, unranked=unranked, seed=seed)
        return Evaluation(part.description, split, fingerprint(part[split]), scores, comparison, **more)

    if len(by_set) == 1:
        return evaluation(dataset, by_set[dataset.name], notes=tuple(notes))
    scores = {name: together({part: found[name] for part, found in by_set.items()}) for name in names}
    sets = {part.name: evaluation(part, by_set[part.name]) for part in dataset.sets}
    return evaluation(dataset, scores, notes=tuple(notes), sets=sets)


def _scores(
    systems: Sequence[System],
    dataset: Dataset,
    split: str,
    keys: tuple[str, ...],
    processes: int | None,
    cluster: Cluster | None,
    progress,
) -> dict[str, Scores]:
    """The scores of each system on a split of a dataset that is no mixture."""
    samples = dataset[split]
    scorer = Scorer(
        keys,
        training_center_bias(dataset) if "information_gain" in keys else None,
        FixationPool(samples) if "sauc" in keys else None,
    )
    count = len(systems) * len(samples)
    if cluster:
        results = score_on(cluster, systems, dataset, split, scorer)
    else:
        jobs = chain.from_iterable([system.jobs(dataset, samples) for system in systems])
        processes = worthwhile_processes(count) if processes is None else processes
        results = enumerate(score_all(jobs, scorer, processes))
    images = counted(len(samples), "image") + (f" of {len(systems)} systems" if len(systems) > 1 else "")
    rows = np.empty((count, len(keys)))
    for done in progress(range(count), f"scoring {images}"):
        try:
            place, values = next(results)
        except MapError as error:
            # Results come in their order here, and on a cluster as they are ready.
            system = "" if cluster else f"{systems[done // len(samples)].name}: "
            raise InputError(f"{system}{error}") from None
        rows[place] = values
    by_system = rows.reshape(len(systems), len(samples), len(keys))
    return {
        system.name: Scores([sample.name for sample in samples], dict(zip(keys, values.T, strict=True)))
        for system, values in zip(systems, by_system, strict=True)
    }


def _metrics(
    chosen: Iterable[str] | None, dataset: Dataset, samples: list[Sample]
) -> tuple[tuple[str, ...], list[str]]:
    """The metrics to compute, in the order of METRICS, and a line for each that the data do not allow."""
    chosen = None if chosen is None else list(chosen)
    check_known(chosen or ())
    notes, possible = [], []
    for key in METRICS:
        if chosen is not None and key not in chosen:
            continue
        if reason := why_not(key, dataset, samples):
            if chosen is not None:
                raise InputError(f"{METRICS[key].name} cannot be computed: {reason}")
            notes.append(f"{METRICS[key].name} is left out of {dataset.name}: {reason}")
        else:
            possible.append(key)
    if not possible:
        raise InputError(f"no metric chosen: some of {', '.join(METRICS)}")
    return tuple(possible), notes


def check_known(metrics: Iterable[str]) -> None:
    """InputError: a key that is not in METRICS."""
    if unknown := [key for key in metrics if key not in METRICS]:
        raise InputError(f"unknown metric {unknown[0]!r}: of {', '.join(METRICS)}")


def why_not(key: str, dataset: Dataset, samples: list[Sample]) -> str | None:
    """Why the data do not allow a metric; None where they do."""
    if METRICS[key].target == "fixations" and not dataset.has_fixations:
        return f"{dataset.name} has density maps and no fixations"
    if key == "sauc" and len(samples) < 2:
        return "a single image has no other images' fixations"
    if key == "information_gain" and not dataset.splits["train"]:
        return f"{dataset.name} has no training samples for the centre bias, its baseline"
    if key == "emd":
        for sample in samples:
            cells = math.ceil(sample.size[0] / 32) * math.ceil(sample.size[1] / 32)
            if not 1 < cells <= LARGEST_GRID:
                rows, columns = sample.size
                return (
                    f"{sample.name}, {rows}x{columns}, has {cells} cells of 32 pixels; {LARGEST_GRID} at most"
                )
    return None
