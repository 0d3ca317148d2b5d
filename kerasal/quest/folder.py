"""A quest's folder: what is finished, so that nothing is done twice.

config.json               options, losses, seeds, test sets, data, versions (schema 1)
center_bias.npy           the mean density map of the training split, at the network's size
rates/LOSS.json           the learning rate that a loss chose, and its trials
heads/SEED/LOSS.json      how a head learned; written last, so where it is the head is finished
heads/SEED/LOSS.npz       its weights
scores/SEED/DATA/LOSS.csv its scores, image by image
results.json, .csv, .md, .tex, report.html
best/                     a run folder of the best loss's network

Every file is written whole or not at all.
"""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerasal.errors import InputError
from kerasal.evaluation import Scores
from kerasal.evaluation.scores import write_csv
from kerasal.quest.heads import build_head
from kerasal.quest.learning import DIVERGED
from kerasal.quest.specs import in_order, slug
from kerasal.training.run_folder import RunFolder, write_atomically

SCHEMA = 1
MAY_GROW = ("losses", "seeds", "tests")  # what a later call may add to


class QuestFolder:
    """The files of one quest."""

    def __init__(self, path: Path | str):
        self.path = Path(path)
        self._files = RunFolder(path)

    def begin(self, config: dict[str, Any], report: Callable[[str], None]) -> dict[str, Any]:
        """Make the folder, or go on in it; returns the configuration with what earlier calls asked for.

        InputError: the folder holds something else, or a quest with other options or data, which are named.
        """
        file = self.path / "config.json"
        if file.is_file():
            before = self.config
            changed = _differences(before, config)
            if changed:
                raise InputError(
                    f"{self.path} holds a quest with other settings: {'; '.join(changed)}. "
                    "Name another folder with --output, or repeat its settings"
                )
            config = {**config, **{key: _union(before[key], config[key]) for key in MAY_GROW}}
            config["losses"] = in_order(config["losses"])
            report(f"going on with {self.path}")
        elif self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise InputError(f"{self.path} is there already and holds no quest: name another with --output")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot make the folder {self.path}: {error.strerror}") from None
        for partial in self.path.rglob(".*.partial*"):  # left by a process that was killed
            partial.unlink(missing_ok=True)
        self._files.write_config(config)
        return config

    @property
    def config(self) -> dict[str, Any]:
        """What config.json holds. InputError: no quest, or a damaged file."""
        if not (self.path / "config.json").is_file():
            raise InputError(f"{self.path} is not a quest's folder: it has no config.json")
        values = self._files.config
        if values.get("schema") != SCHEMA:
            raise InputError(f"{self.path} was written by another version: schema {values.get('schema')}")
        return values

    def rate(self, spec: str) -> dict[str, Any] | None:
        """The learning rate of a loss and its trials; None where none is chosen yet."""
        return self._read_if_there(f"rates/{slug(spec)}.json")

    def write_rate(self, spec: str, values: dict[str, Any]) -> None:
        self.write_json(f"rates/{slug(spec)}.json", values)

    def head(self, seed: int, spec: str) -> dict[str, Any] | None:
        """How a head learned; None where it is not finished."""
        return self._read_if_there(f"heads/{seed}/{slug(spec)}.json")

    def write_head(self, seed: int, spec: str, values: dict[str, Any], weights: list[np.ndarray]) -> None:
        """Write a finished head: its weights, and then what says that it is finished."""
        file = self._make(f"heads/{seed}/{slug(spec)}.npz")
        write_atomically(file, lambda path: np.savez(path, *weights), suffix=".npz")
        self.write_json(f"heads/{seed}/{slug(spec)}.json", values)

    def weights(self, seed: int, spec: str) -> list[np.ndarray]:
        """The trainable weights of a finished head. InputError: a damaged file."""
        file = self.path / f"heads/{seed}/{slug(spec)}.npz"
        try:
            with np.load(file) as arrays:
                return [arrays[f"arr_{index}"] for index in range(len(arrays))]
        except Exception as error:  # a damaged zip raises a dozen types
            raise InputError(f"cannot read {file}: {error}; remove it and the .json beside it") from None

    def scores(self, seed: int, data: str, spec: str) -> Scores | None:
        """The scores of a head on a test set; None where they are not there."""
        file = self.path / f"scores/{seed}/{data}/{slug(spec)}.csv"
        if not file.is_file():
            return None
        with open(file, newline="") as stream:
            header, *rows = csv.reader(stream)
        names = [row[0] for row in rows]
        columns = np.array([[float(cell) for cell in row[1:]] for row in rows]).T
        return Scores(names, dict(zip(header[1:], columns, strict=True)))

    def write_scores(self, seed: int, data: str, spec: str, scores: Scores) -> None:
        file = self._make(f"scores/{seed}/{data}/{slug(spec)}.csv")
        write_atomically(file, lambda path: write_csv(path, {spec: scores}))

    def load_head(self, seed: int, spec: str) -> keras.Model | None:
        """A finished head with its weights; None where it diverged. InputError: a damaged file."""
        record = self.head(seed, spec)
        if record["state"] == DIVERGED:
            return None
        return restored_head(self.config, seed, record, self.weights(seed, spec))

    def write_array(self, name: str, array: np.ndarray) -> Path:
        return self._files.write_array(name, array)

    def write_json(self, name: str, values: dict[str, Any]) -> Path:
        return self.write_text(name, json.dumps(values, indent=2, allow_nan=False) + "\n")

    def write_text(self, name: str, text: str) -> Path:
        return write_atomically(self._make(name), lambda file: file.write_text(text, encoding="utf-8"))

    def _make(self, name: str) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        return file

    def _read_if_there(self, name: str) -> dict[str, Any] | None:
        return self._read(name) if (self.path / name).is_file() else None

    def _read(self, name: str) -> dict[str, Any]:
        try:
            return json.loads((self.path / name).read_text())
        except ValueError:
            raise InputError(
                f"{self.path / name} is not valid JSON: remove it, and it is made anew"
            ) from None


def restored_head(
    config: dict[str, Any], seed: int, record: dict[str, Any], weights: list[np.ndarray]
) -> keras.Model:
    """A head of a quest as it was when it had finished."""
    options = {**config["model_options"], "input_size": tuple(config["model_options"]["input_size"])}
    options["activation"] = record["activation"]
    head = build_head(config["options"]["training"]["model"], options, seed, config["precision"])
    for variable, value in zip(head.trainable_variables, weights, strict=True):
        variable.assign(value)
    return head


def _union(before: list, now: list) -> list:
    return [*before, *(value for value in now if value not in before)]


def _drawn(config: dict[str, Any]) -> list[int] | None:
    draws = config["data"].get("draws")
    return draws and [drawn for _, drawn in draws]


def _differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Which settings differ, each with both values."""
    pairs = {
        **{key: (before["options"].get(key), value) for key, value in now["options"].items()},
        "data": (before["data"]["fingerprint"], now["data"]["fingerprint"]),
        "samples of each set in an epoch": (_drawn(before), _drawn(now)),
        "precision": (before["precision"], now["precision"]),
    }
    training = pairs.pop("training")
    pairs |= {key: (training[0].get(key), value) for key, value in training[1].items()}
    return [
        f"{name} {was} there, {is_} now" if name != "data" else "other data"
        for name, (was, is_) in pairs.items()
        if was != is_
    ]
