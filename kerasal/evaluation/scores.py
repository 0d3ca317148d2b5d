"""Scores of one system, image by image."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kerasal.errors import InputError, one_line


@dataclass(frozen=True, eq=False)
class Scores:
    """`values[metric]` holds one value an image, in the order of `names`; NaN where there is none."""

    names: list[str]
    values: dict[str, np.ndarray]


def finite_mean(values: np.ndarray) -> float:
    """The mean of the values that there are; NaN, without a warning, where there is none."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else math.nan


def together(sets: Mapping[str, Scores]) -> Scores:
    """The scores of several sets as one, the set's name before each image's: the metrics that all have."""
    first, *others = sets.values()
    metrics = [key for key in first.values if all(key in other.values for other in others)]
    return Scores(
        [f"{name}/{image}" for name, part in sets.items() for image in part.names],
        {key: np.concatenate([part.values[key] for part in sets.values()]) for key in metrics},
    )


def scores_csv(scores: dict[str, Scores]) -> str:
    """A line an image and system, a column a metric; without the column `system` where there is one only."""
    metrics, first = next(iter(scores.values())).values, 0 if len(scores) > 1 else 1
    lines = [["system", "image", *metrics]]
    for system, found in scores.items():
        columns = (found.values[key].tolist() for key in metrics)
        lines += [[system, *line] for line in zip(found.names, *columns, strict=True)]
    return csv_text(line[first:] for line in lines)


def csv_text(lines: Iterable[Sequence[Any]]) -> str:
    """Lines of values as the text of a CSV file."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    return text.getvalue()


def read_csv(path: Path) -> Scores:
    """The scores of one system, as `scores_csv` has them. InputError: a damaged file."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        columns = np.array([[float(cell) for cell in row[1:]] for row in rows]).T
        return Scores([row[0] for row in rows], dict(zip(header[1:], columns, strict=True)))
    except (OSError, ValueError, IndexError, csv.Error) as error:
        raise InputError(f"cannot read the scores {path}: {one_line(error)}") from None
