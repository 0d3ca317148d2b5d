"""Scoring all systems, one after the other, and writing what comes out."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kerasal.data.sample import Dataset, Sample, data_entry
from kerasal.errors import InputError
from kerasal.evaluation import Scores, evaluate
from kerasal.evaluation.evaluate import check_known
from kerasal.table1.entries import Entry, entries
from kerasal.table1.folder import Table1Folder
from kerasal.table1.report import report_page
from kerasal.table1.results import Results

SHOWN = 3  # stimuli, where none are named


def run(
    dataset: Dataset,
    path: Path | str,
    models: Sequence[str | Path] = (),
    *,
    maps: Sequence[str | Path] = (),
    split: str = "test",
    metrics: Sequence[str] | None = None,
    stimuli: Sequence[str] | None = None,
    processes: int | None = None,
    progress=lambda items, _: items,
    report: Callable[[str], None] = lambda line: None,
) -> Results:
    """Score all systems that can run on a split of a dataset; write tables, results and the report.

    Args:
        path: the comparison's folder, new or one to go on with: systems that are scored there are not scored
            again, and are part of the results whether they are named in this call or not.
        models: trained runs, weights files or names, besides those of `entries`.
        maps: folders of maps that other programs wrote, as `kerasal.evaluation.MapFolder` takes them.
        metrics: keys of `kerasal.metrics.METRICS`; default all that the data allow.
        stimuli: names of those that the report shows maps of; default those of an earlier call, or three of
            the split.
        processes: how many score; None for one for each core. More than one needs a script whose start is
            under `if __name__ == "__main__"`.
        progress, report: as in `kerasal.training.train`.

    A system that cannot do these data, as a model for larger images, is named in `Results.missing`.
    InputError: an unknown model, metric or stimulus, a folder with another comparison, no system that can.
    """
    check_known(metrics or ())
    samples = dataset[split]
    if elsewhere := [sample.name for sample in dataset.named(stimuli or ()) if sample not in samples]:
        raise InputError(f"{elsewhere[0]} is not in the {split} split, which is scored: name other stimuli")
    folder = Table1Folder(path)
    before = folder.read_json("config.json") or {}
    stimuli = stimuli or before.get("stimuli")
    shown = dataset.named(stimuli) if stimuli else dataset.spread(split, SHOWN)
    found = entries(dataset, samples, models, maps)
    with folder.at_work(_config(dataset, split, metrics, shown), report):
        todo = [entry for entry in found if not folder.has(entry.facts)]
        if len(todo) < len(found):
            report(f"{len(found) - len(todo)} of {len(found)} systems are scored already")
        failed: list[str] = []
        notes: set[str] = set()
        for entry in found:
            try:
                if entry in todo:
                    folder.forget(entry.facts["name"])
                    scores, its_notes = _score(entry, dataset, split, metrics, processes, progress)
                    folder.write_system(entry.facts, scores)
                    for note in sorted(set(its_notes) - notes):
                        report(f"Note: {note}")
                    notes |= set(its_notes)
                _write_maps(folder, entry, dataset, shown)
            except InputError as error:
                failed.append(f"{entry.facts['label']}: {error}")
        results = Results.read(folder, failed)
        results.write()
        folder.write_text("report.html", report_page(results, shown))
        return results


def _score(entry: Entry, dataset, split, metrics, processes, progress) -> tuple[Scores, tuple[str, ...]]:
    result = evaluate(
        [entry.system],
        dataset,
        split,
        metrics=metrics,
        processes=processes,
        progress=lambda items, text: progress(items, f"{entry.facts['label']}: {text}"),
    )
    return next(iter(result.scores.values())), result.notes


def _write_maps(folder: Table1Folder, entry: Entry, dataset: Dataset, shown: Sequence[Sample]) -> None:
    """Keep its maps of the stimuli shown; none of a system that knows the answers, whose map they are."""
    name = entry.facts["name"]
    missing = [sample for sample in shown if folder.map(name, sample.name) is None]
    if entry.facts["competes"] and missing:  # to ask for no maps would load a network
        for sample, job in zip(missing, entry.system.jobs(dataset, missing), strict=True):
            folder.write_map(name, sample.name, job()[0][0])


def _config(dataset: Dataset, split: str, metrics, shown: Sequence[Sample]) -> dict[str, Any]:
    return {
        "schema": Table1Folder.schema,
        "data": {"name": dataset.name, **data_entry(dataset)},
        "split": split,
        "metrics": list(metrics) if metrics else None,
        "stimuli": [sample.name for sample in shown],
    }
