"""Splits: shares of a ranking that never changes, and lists of names in a file."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kerasal._json import shown
from kerasal.data.csv_rows import csv_rows
from kerasal.data.names import normal
from kerasal.data.sample import SPLITS, Dataset, Sample
from kerasal.errors import InputError


def ranked_split(
    samples: list[Sample], train: float, validation: float, seed: str
) -> dict[str, list[Sample]]:
    """Shares of the samples in the order of SHA-256("SEED/NAME"); the rest is the test split.

    A sample's rank depends on its name and the seed alone: the choice is the same on every machine and
    needs no random generator. Within a split the samples keep their order.
    """
    ranks = [hashlib.sha256(f"{seed}/{sample.name}".encode()).digest() for sample in samples]
    order = sorted(range(len(samples)), key=ranks.__getitem__)
    return split_in_order(samples, order, round(len(samples) * train), round(len(samples) * validation))


def split_in_order(
    samples: list[Sample], order: Sequence[int], train: int, validation: int
) -> dict[str, list[Sample]]:
    """The first `train` of the samples in an order of their indices, the next `validation`, the rest as test.

    Within a split the samples keep their own order.
    """
    parts = order[:train], order[train : train + validation], order[train + validation :]
    return {split: [samples[i] for i in sorted(part)] for split, part in zip(SPLITS, parts, strict=True)}


def split_by_file(dataset: Dataset, path: Path | str) -> Dataset:
    """The dataset with the splits that a file of names says; samples that it does not name are left out.

    The file is JSON, {"train": [names], "validation": [...], "test": [...]}, or CSV with the columns name
    and split. Names are those of the samples, with or without a suffix such as .jpg. A split that the file
    leaves out is empty.
    InputError: not such a file, an unknown split or name, a name twice.
    """
    path = Path(path)
    splits: dict[str, list[Sample]] = {split: [] for split in SPLITS}
    samples = {normal(sample.name): sample for sample in dataset.samples}
    seen: set[str] = set()
    for name, split in _read(path):
        if split not in splits:
            raise InputError(f"{path}: unknown split {shown(split)}, one of {', '.join(SPLITS)}")
        # A suffix is dropped only where the whole name is unknown: names may hold dots.
        name = normal(name)
        sample = samples.get(name) or samples.get(name.removesuffix(Path(name).suffix))
        if sample is None:
            raise InputError(f"{path} names {shown(name)}, and {dataset.name} has no such sample")
        if sample.name in seen:
            raise InputError(f"{path} names {name!r} twice: a sample belongs to one split")
        seen.add(sample.name)
        splits[split].append(sample)
    left = len(samples) - len(seen)
    notes = [f"{left} samples that {path.name} does not name left out"] if left else []
    return replace(dataset.with_splits(splits), notes=[*dataset.notes, *notes])


def _read(path: Path) -> list[tuple[str, str]]:
    """Pairs of name and split."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the split file {path}: {error}") from None
    if path.suffix.lower() == ".json":
        try:
            lists = json.loads(text)
            return [(str(name), split) for split, names in lists.items() for name in names]
        except (ValueError, AttributeError, TypeError, RecursionError):
            raise InputError(f'{path} must be JSON like {{"train": [names], "test": [names]}}') from None
    rows = [row for _, row in csv_rows(text, path, "a line needs a name and a split")]
    if not rows or not {"name", "split"} <= set(rows[0]):
        raise InputError(f"{path} needs the columns name and split in its first line, or to be .json")
    name, split = rows[0].index("name"), rows[0].index("split")
    return [(row[name], row[split]) for row in rows[1:]]
