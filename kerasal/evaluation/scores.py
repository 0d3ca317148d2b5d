"""Scores of one system, image by image, and their summary."""

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kerasal.data.sample import Sample
from kerasal.metrics import METRICS


@dataclass(frozen=True)
class Summary:
    """One metric over the images that have a value."""

    mean: float
    standard_error: float  # of the mean; NaN for a single image
    images: int
    skipped: int  # images without a value, such as those without a fixation


@dataclass(frozen=True, eq=False)
class Scores:
    """`values[metric]` holds one value an image, in the order of `names`; NaN where there is none."""

    names: list[str]
    values: dict[str, np.ndarray]

    def summary(self) -> dict[str, Summary]:
        """Mean and standard error of each metric."""
        summaries = {}
        for metric, values in self.values.items():
            known = values[np.isfinite(values)]
            mean = float(known.mean()) if len(known) else math.nan
            error = float(known.std(ddof=1) / math.sqrt(len(known))) if len(known) > 1 else math.nan
            summaries[metric] = Summary(mean, error, len(known), len(values) - len(known))
        return summaries

    def write_csv(self, path: Path) -> None:
        """A line an image, a column a metric."""
        with open(path, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["image", *self.values])
            writer.writerows(
                zip(self.names, *(values.tolist() for values in self.values.values()), strict=True)
            )


def score(predictions: Iterable[tuple[np.ndarray, Sample]], metrics: Iterable[str]) -> Scores:
    """Score saliency maps at the stimuli's own size.

    Args:
        predictions: pairs of a saliency map (H, W) and the sample that it is scored against.
        metrics: keys of `kerasal.metrics.METRICS`.
    """
    names: list[str] = []
    values: dict[str, list[float]] = {metric: [] for metric in metrics}
    for saliency_map, sample in predictions:
        names.append(sample.name)
        truth = {"density": sample.density(dtype="float64"), "fixations": sample.fixation_map()}
        for metric, column in values.items():
            info = METRICS[metric]
            column.append(float(info.function(saliency_map.astype("float64"), truth[info.target])))
    return Scores(names, {metric: np.array(column) for metric, column in values.items()})
