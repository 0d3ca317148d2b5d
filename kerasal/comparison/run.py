"""Scoring all systems, one after the other, and writing what comes out."""

from collections.abc import Callable, Sequence
from pathlib import Path

from kerasal import evaluation
from kerasal.comparison.entries import entries
from kerasal.comparison.folder import ComparisonFolder
from kerasal.comparison.report import report_page
from kerasal.comparison.results import Results
from kerasal.data.sample import Dataset
from kerasal.errors import InputError

SHOWN = 3  # stimuli, where none are named


def run(
    dataset: Dataset,
    path: Path | str,
    models: Sequence[str | Path] = (),
    *,
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
        metrics: keys of `kerasal.metrics.METRICS`; default all that the data allow.
        stimuli: names of those that the report shows maps of; default three of the split.
        processes: how many score; None for one for each core. More than one needs a script whose start is
            under `if __name__ == "__main__"`.
        progress, report: as in `kerasal.training.train`.

    A system that cannot do these data, as a model for larger images, is named in `Results.missing`.
    InputError: an unknown model, metric or stimulus, a folder with another comparison, no system that can.
    """
    samples = dataset[split]
    shown = dataset.named(stimuli) if stimuli else dataset.spread(split, SHOWN)
    found, missing = entries(dataset, samples, models)
    folder = ComparisonFolder(path)
    folder.begin(_config(dataset, split, metrics, [sample.name for sample in shown]), report)
    todo = [entry for entry in found if not folder.has(entry.facts)]
    if done := len(found) - len(todo):
        report(f"{done} systems are scored already")
    for entry in todo:
        try:
            result = evaluation.evaluate(
                [entry.system],
                dataset,
                split,
                metrics=metrics,
                processes=processes,
                progress=_named(progress, entry),
            )
            maps = (
                [job()[0][0] for job in entry.system.jobs(dataset, shown)] if entry.facts["competes"] else []
            )
        except InputError as error:
            missing.append(f"{entry.facts['label']}: {error}")
            continue
        for note in result.notes:
            report(f"Note: {note}")
        folder.write_system(entry.facts, next(iter(result.scores.values())), maps)
    results = Results.read(folder, missing)
    results.write()
    folder.write_text("report.html", report_page(results, shown))
    return results
