"""Evaluating a run or a baseline on a split: a table, and the files metrics.json and metrics.csv."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from kerasal.data.sample import SPLITS, Dataset, fingerprint
from kerasal.errors import InputError
from kerasal.evaluation.scores import Scores, score
from kerasal.evaluation.systems import BASELINES, Predictions, network
from kerasal.metrics import METRICS
from kerasal.training.features import Progress
from kerasal.training.run_folder import RunFolder, write_atomically

SCHEMA = 1
TABLE = ("cc", "sim", "auc_judd", "nss", "kld")  # the metrics of an evaluation, in the table's order


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The scores of one system on one split."""

    system: str
    data: str
    split: str
    data_fingerprint: str
    scores: Scores

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write metrics.json and, image by image, metrics.csv to a folder; returns their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        values = {
            "schema": SCHEMA,
            "system": self.system,
            "data": self.data,
            "split": self.split,
            "data_fingerprint": self.data_fingerprint,
            "metrics": {key: asdict(summary) for key, summary in self.scores.summary().items()},
        }
        text = json.dumps(values, indent=2) + "\n"
        return (
            write_atomically(folder / "metrics.json", lambda file: file.write_text(text)),
            write_atomically(folder / "metrics.csv", self.scores.write_csv),
        )


def evaluate_run(
    run: RunFolder, dataset: Dataset, split: str = "test", *, progress: Progress = lambda items, _: items
) -> Evaluation:
    """The best weights of a run, on a split of a dataset. InputError: no such split."""
    samples = _samples(dataset, split)
    return _evaluate(str(run.path), network(run.load_model(), samples), dataset, split, progress)


def evaluate_baseline(
    baseline: str, dataset: Dataset, split: str = "test", *, progress: Progress = lambda items, _: items
) -> Evaluation:
    """A baseline of `BASELINES`, on a split of a dataset. InputError: no such name or split."""
    if baseline not in BASELINES:
        raise InputError(f"unknown baseline {baseline!r}: one of {', '.join(BASELINES)}")
    return _evaluate(
        baseline, BASELINES[baseline](dataset, _samples(dataset, split)), dataset, split, progress
    )


def text_table(evaluation: Evaluation) -> str:
    """The summary as lines of text: metric, mean, standard error, images."""
    lines = [
        f"{evaluation.system} on {evaluation.data}, {evaluation.split} split",
        f"{'metric':<10}{'mean':>9}{'std. err.':>11}{'images':>8}",
    ]
    for key, summary in evaluation.scores.summary().items():
        info = METRICS[key]
        name = f"{info.name} {'↑' if info.higher_is_better else '↓'}"
        lines.append(f"{name:<10}{summary.mean:>9.4f}{summary.standard_error:>11.4f}{summary.images:>8}")
    return "\n".join(lines)


def _samples(dataset: Dataset, split: str):
    if split not in (*SPLITS, "all"):
        raise InputError(f"unknown split {split!r}: one of {', '.join(SPLITS)}, or all")
    return dataset[split]


def _evaluate(
    system: str, predictions: Predictions, dataset: Dataset, split: str, progress: Progress
) -> Evaluation:
    keys = [key for key in TABLE if METRICS[key].target == "density" or dataset.has_fixations]
    samples = dataset[split]

    def shown() -> Iterator:
        iterator = iter(predictions)
        for _ in progress(samples, f"scoring {len(samples)} images"):
            yield next(iterator)

    scores = score(shown(), keys)
    return Evaluation(system, dataset.description, split, fingerprint(samples), scores)
