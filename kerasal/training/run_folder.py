"""A run folder: all that one training made, and all that is needed to repeat it.

config.json        options, data, seed, versions (schema 1)
options.yaml       the options and the data again, as `kerasal train --config` reads them
checkpoints/       the two newest states of the training, to go on from (kerasal.training.checkpoint)
history.csv        a line an epoch
tensorboard/       the same for TensorBoard, and the maps
maps/              what the network predicts for a few validation stimuli, a picture an epoch
best.weights.h5    the weights with the best validation loss
last.weights.h5    the weights as they were when training ended
center_bias.npy    the mean density map of the training split, at the network's size
metrics.json       what `kerasal evaluate` measured; metrics.csv image by image, .md and .tex as tables
"""

import csv
import platform
import shlex
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np
import tensorflow as tf

from kerasal._files import (
    check_writable,
    clear_partials,
    new_folder,
    write_array,
    write_atomically,
    write_bytes,
    write_json,
    write_text,
)
from kerasal._json import Kinds, check_entries, read_json, shown
from kerasal.cluster import versions
from kerasal.data.sample import SPLITS, Dataset, data_entry, same_data
from kerasal.errors import InputError, one_line
from kerasal.models import SaliencyModel, build, load_keras3
from kerasal.models.weights_file import write_weights
from kerasal.training.config_file import config_text
from kerasal.training.options import TrainingOptions
from kerasal.training.precision import computing_in, resolve_precision

NewPath = Path | str | Callable[[], Path]  # of a run folder to make, or what names one that is free
SCHEMA = 1
# What config.json must hold for kerasal to go on from it ...
ENTRIES: Kinds = {
    "loss": str,
    "model": str,
    "model_options": dict,
    "precision": str,
    "options": dict,
    "cache_features": bool,
    "data": dict,
}
# ... and of its data ...
DATA_ENTRIES: Kinds = {"arguments": dict, "fingerprint": str, "limit": (int, NoneType)}
ARGUMENTS: Kinds = {  # ... and to load them
    "name": str,
    "data_dir": (str, dict, NoneType),
    "sigma": (int, float, NoneType),
    "pixels_per_degree": (int, float, NoneType),
    "split_file": (str, NoneType),
    "crop_borders": bool,
    "normalized": bool,
}


class RunFolder:
    """The files of one training run, written so that a reader never sees half of one."""

    def __init__(self, path: Path | str):
        self.path = Path(path)
        self._writers: dict[str, tf.summary.SummaryWriter] = {}

    def __getstate__(self) -> dict[str, Any]:
        # For other processes, which may run elsewhere and write nothing.
        return {"path": self.path.absolute(), "_writers": {}}

    @classmethod
    def create(cls, path: NewPath, config: dict[str, Any], center_bias: np.ndarray) -> "RunFolder":
        """A new run folder, there with config.json, options.yaml and center_bias.npy or not at all.

        InputError: something is there already, or it cannot be made. What names the folder is asked again
        where another process takes the name meanwhile.
        """
        while True:
            place = Path(path() if callable(path) else path)
            try:
                cls.check_free(place)
                with new_folder(place) as partial:
                    write_array(partial / "center_bias.npy", center_bias)
                    cls(partial).write_config({**config, **_origin(config["options"].get("weights"))})
                    write_text(partial / "options.yaml", _options_text(config))
                return cls(place)
            except InputError:
                if not callable(path) or path() == place:
                    raise

    @staticmethod
    def check_free(path: Path) -> None:
        """InputError: a run folder cannot be made there: something is there already, or no one may write."""
        if path.exists() or path.is_symlink():
            raise InputError(
                f"{path} is there already: name another run folder with --run, remove it, or go on with "
                f"--resume {shlex.quote(str(path))}"
            )
        check_writable(path.parent)

    @classmethod
    def open(cls, path: Path | str) -> "RunFolder":
        """A run folder that training wrote. InputError: it is none, or has no weights yet."""
        run = cls(path)
        run.config  # noqa: B018  it is a run's
        if not run.best_weights.is_file():
            raise InputError(f"{path} has no best.weights.h5: its training did not finish an epoch")
        return run

    @classmethod
    def open_unfinished(cls, path: Path | str) -> "RunFolder":
        """A run folder whose training may have been stopped at any moment. InputError: it is none."""
        run = cls(path)
        run.config  # noqa: B018  it is a run's
        clear_partials(run.path)
        clear_partials(run.checkpoints)
        return run

    @property
    def checkpoints(self) -> Path:
        """The folder of the states to go on from."""
        return self.path / "checkpoints"

    @property
    def can_go_on(self) -> bool:
        """Whether there is anything that another run would not have to do again."""
        saved = [path for path in self.checkpoints.glob("[0-9]*.npz") if int(path.stem)]
        return bool(saved) or self.best_weights.is_file() or self.last_weights.is_file()

    def check_writable(self) -> None:
        """InputError: nothing can be written here."""
        write_bytes(self.path / "writable", b"").unlink()

    @property
    def best_weights(self) -> Path:
        """The weights with the best validation loss."""
        return self.path / "best.weights.h5"

    @property
    def last_weights(self) -> Path:
        """The weights as they were when training ended."""
        return self.path / "last.weights.h5"

    @property
    def config(self) -> dict[str, Any]:
        """What config.json holds. InputError: there is none, it was damaged, or is another version's."""
        path = self.path / "config.json"
        if not path.is_file():
            raise InputError(f"{self.path} is not a run folder: it has no config.json")
        values = read_json(path)
        if (schema := values.get("schema")) != SCHEMA:
            raise InputError(
                f"{path} has the schema {shown(schema)}, and this version of kerasal reads {SCHEMA}: "
                "it belongs to another version"
            )
        check_entries(path, values, ENTRIES)
        values["data"].setdefault("limit", None)  # a quest's best network had none
        check_entries(path, values["data"], DATA_ENTRIES)
        check_entries(path, {"origin": "", "licence": "", **values}, {"origin": str, "licence": str})
        return values

    @property
    def history(self) -> list[dict[str, float]]:
        """What history.csv holds, an epoch after the other. InputError: it is missing or damaged."""
        path = self.path / "history.csv"
        try:
            with open(path, newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            # Not every epoch of a training with two phases has every value.
            return [{key: float(value) for key, value in row.items() if value} for row in rows]
        except (OSError, ValueError, TypeError, csv.Error) as error:
            raise InputError(f"cannot read {path}: {one_line(error)}") from None

    @property
    def best_epoch(self) -> dict[str, float]:
        """The epoch of `history` whose weights are the best ones; InputError as there.

        Once a discriminator has joined, one of those with it: see `LetDiscriminatorJoin`.
        """
        history = self.history
        with_it = history[self.options.adversarial_after or 0 :]
        return min(with_it or history, key=lambda epoch: epoch["val_loss"])

    def write_history(self, history: list[dict[str, float]]) -> None:
        """Write history.csv, an epoch after the other."""
        names = ["epoch", *sorted(set().union(*history) - {"epoch"})]

        def write(file: Path) -> None:
            with open(file, "w", newline="", encoding="utf-8") as stream:
                table = csv.DictWriter(stream, names)
                table.writeheader()
                table.writerows(history)

        write_atomically(self.path / "history.csv", write)

    def summary_writer(self, part: str) -> tf.summary.SummaryWriter:
        """TensorBoard's writer for "train" or "validation"."""
        if part not in self._writers:
            self._writers[part] = tf.summary.create_file_writer(str(self.path / "tensorboard" / part))
        return self._writers[part]

    @property
    def options(self) -> TrainingOptions:
        """The options that the run was trained with. InputError: damaged ones."""
        try:
            return TrainingOptions.from_dict(self.config["options"])
        except InputError as error:
            raise InputError(f"{self.path / 'config.json'}: {error}") from None

    def data_arguments(self, data_dir: Path | str | Mapping[str, Path | str] | None = None) -> dict[str, Any]:
        """The arguments of `kerasal.data.load` for the data that the run was trained on.

        data_dir: where they lie now, of a mixture name -> folder for those that have moved.
        InputError: they are damaged, or were made by hand, so that there are none.
        """
        arguments = self.config["data"]["arguments"]
        if not arguments:
            raise InputError(f"the data of {self.path} were made in a program: they cannot be loaded again")
        path = self.path / "config.json"
        check_entries(path, {"normalized": False, **arguments}, ARGUMENTS)  # it is written where it is true
        if unknown := sorted(set(arguments) - set(ARGUMENTS)):
            raise InputError(f"{path} is damaged: its data have an argument {shown(unknown[0])}")
        if data_dir and isinstance(before := arguments["data_dir"], dict) and isinstance(data_dir, Mapping):
            data_dir = {**before, **data_dir}
        return {**arguments, "data_dir": data_dir or arguments["data_dir"]}

    def trained_on(self, dataset: Dataset) -> Dataset:
        """What it was trained on, of its data as they are now. InputError: they have changed."""
        before = self.config["data"]
        # A quest's best network has no limit, but no split of its data is longer than the longest.
        counts = [before[split] for split in SPLITS if isinstance(before.get(split), int)]
        dataset = dataset.limited(before["limit"] or max(counts, default=len(dataset.samples)))
        if not same_data(before, data_entry(dataset)):
            raise InputError(
                f"the data of {self.path} have changed since it began: a run goes on, and is scored without "
                "--data, only with the same stimuli, fixations and maps in each split"
            )
        return dataset

    def write_config(self, config: dict[str, Any]) -> None:
        """Write config.json: `config`, the schema's number, and what the run was made with."""
        write_json(self.path / "config.json", {"schema": SCHEMA, **config, "made_with": made_with()})

    def write_options(self, options: TrainingOptions) -> None:
        """Write other options into config.json, and options.yaml. What the run was made with stays."""
        config = {**self.config, "options": options.as_dict()}
        write_json(self.path / "config.json", config)
        write_text(self.path / "options.yaml", _options_text(config))

    def save_weights(self, model: SaliencyModel, path: Path) -> None:
        """Write a model's weights at once or not at all; scores of earlier best weights go."""
        if path == self.best_weights:
            for scores in self.path.glob("metrics.*"):
                scores.unlink()
        write_weights(model, path)

    def load_model(self, precision: str = "float32", weights: Path | None = None) -> SaliencyModel:
        """The trained network with its best weights, computing in `precision` (see `resolve_precision`).

        weights: another file of the run's. InputError: weights that do not fit or are damaged.
        """
        config = self.config
        try:
            with computing_in(resolve_precision(precision)[0]):
                model = build(config["model"], **{**config["model_options"], "backbone_weights": None})
        except InputError as error:
            raise InputError(f"{self.path / 'config.json'}: {error}") from None
        load_keras3(model, weights or self.best_weights)
        return model


def _options_text(config: dict[str, Any]) -> str:
    """What options.yaml says: the options and the data of config.json."""
    arguments = {"data" if name == "name" else name: v for name, v in config["data"]["arguments"].items()}
    more = {"limit": config["data"]["limit"], "cache_features": config["cache_features"]}
    return config_text({**config["options"], **arguments, **more})


def _origin(weights: str | None) -> dict[str, str]:
    """What the network that a training goes on from had learned from, and its licence, for config.json."""
    from kerasal.prediction.predictors import find  # here, as it imports this

    if not weights:
        return {}
    source = find(weights)
    known = {"trained_on": "unknown data", "licence": "Not stated.", **source.facts}
    return {"origin": f"{source.name}, trained on {known['trained_on']}", "licence": known["licence"]}


def made_with() -> dict[str, str | None]:
    """The versions of Python and of the packages that matter, and the checkout's commit."""
    return {
        "python": platform.python_version(),
        **versions(),
        "git_commit": _git_commit(),
    }


def new_run_path(name: str, root: Path | str = "runs") -> Path:
    """`root/name`, or `root/name-2`, `-3`, ... where that is taken."""
    path, number = Path(root) / name, 2
    while path.exists():
        path, number = Path(root) / f"{name}-{number}", number + 1
    return path


def _git_commit() -> str | None:
    """The commit of the checkout that kerasal runs from, if it is one."""
    checkout = Path(__file__).parents[2]
    if not (checkout / ".git").exists():
        return None
    try:
        result = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=checkout, capture_output=True, text=True, check=True, timeout=5
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip()
