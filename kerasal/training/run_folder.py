"""A run folder: all that one training made, and all that is needed to repeat it.

config.json        options, data, seed, versions (schema 1)
history.csv        a line an epoch
tensorboard/       the same for TensorBoard
best.weights.h5    the weights with the best validation loss
last.weights.h5    the weights after the last epoch, with the optimizer's state
center_bias.npy    the mean density map of the training split, at the network's size
metrics.json       what `kerasal evaluate` measured; metrics.csv image by image, .md and .tex as tables
"""

import csv
import json
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from kerasal.errors import InputError
from kerasal.models import SaliencyModel, build

SCHEMA = 1
PACKAGES = ("kerasal", "tensorflow", "keras", "numpy")


class RunFolder:
    """The files of one training run, written so that a reader never sees half of one."""

    def __init__(self, path: Path | str):
        self.path = Path(path)

    @classmethod
    def create(cls, path: Path | str) -> "RunFolder":
        """A new, empty run folder. InputError: something is there already, or it cannot be made."""
        path = Path(path)
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            raise InputError(
                f"{path} is there already: name another run folder with --run, or remove it"
            ) from None
        except OSError as error:
            raise InputError(f"cannot make the run folder {path}: {error.strerror}") from None
        return cls(path)

    @classmethod
    def open(cls, path: Path | str) -> "RunFolder":
        """A run folder that training wrote. InputError: it is none, or has no weights yet."""
        run = cls(path)
        if not (run.path / "config.json").is_file():
            raise InputError(f"{path} is not a run folder: it has no config.json")
        if not run.best_weights.is_file():
            raise InputError(f"{path} has no best.weights.h5: its training did not finish an epoch")
        return run

    @property
    def best_weights(self) -> Path:
        """The weights with the best validation loss."""
        return self.path / "best.weights.h5"

    @property
    def last_weights(self) -> Path:
        """The weights after the last epoch, with the optimizer's state."""
        return self.path / "last.weights.h5"

    @property
    def config(self) -> dict[str, Any]:
        """What config.json holds. InputError: it was damaged."""
        try:
            return json.loads((self.path / "config.json").read_text())
        except ValueError:
            raise InputError(f"{self.path / 'config.json'} is not valid JSON") from None

    @property
    def history(self) -> list[dict[str, float]]:
        """What history.csv holds, an epoch after the other."""
        with open(self.path / "history.csv", newline="") as file:
            return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]

    def data_arguments(self) -> dict[str, Any]:
        """The arguments of `kerasal.data.load` for the data that the run was trained on."""
        return self.config["data"]["arguments"]

    def write_config(self, config: dict[str, Any]) -> None:
        """Write config.json: `config`, the schema's number, and what the run was made with."""
        made_with = {
            "python": platform.python_version(),
            **{package: _version(package) for package in PACKAGES},
            "git_commit": _git_commit(),
        }
        self.write_json("config.json", {"schema": SCHEMA, **config, "made_with": made_with})

    def write_json(self, name: str, values: dict[str, Any]) -> Path:
        """Write a JSON file at once or not at all."""
        return write_atomically(
            self.path / name, lambda file: file.write_text(json.dumps(values, indent=2) + "\n")
        )

    def write_array(self, name: str, array: np.ndarray) -> Path:
        """Write a .npy file at once or not at all."""

        def save(file: Path) -> None:
            with open(file, "wb") as stream:
                np.save(stream, array)

        return write_atomically(self.path / name, save)

    def save_weights(self, model: SaliencyModel, path: Path) -> None:
        """Write a model's weights, and its optimizer's state if it is compiled, at once or not at all."""
        write_atomically(path, model.save_weights, suffix=".weights.h5")

    def load_model(self) -> SaliencyModel:
        """The trained network with its best weights. InputError: weights that do not fit or are damaged."""
        model = build(self.config["model"], **{**self.config["model_options"], "backbone_weights": "random"})
        try:
            model.load_weights(self.best_weights)
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"cannot load {self.best_weights}: {' '.join(str(error).split())}") from None
        return model


def new_run_path(name: str, root: Path | str = "runs") -> Path:
    """`root/name`, or `root/name-2`, `-3`, ... where that is taken."""
    path, number = Path(root) / name, 2
    while path.exists():
        path, number = Path(root) / f"{name}-{number}", number + 1
    return path


def write_atomically(path: Path, write, suffix: str = "") -> Path:
    """Have `write(file)` make a file beside `path`, then put it in place; nothing stays if it fails."""
    partial = path.with_name(f".{path.name}.partial{suffix}")
    try:
        write(partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def _version(package: str) -> str:
    try:
        return version(package)
    except Exception:  # a checkout that is not installed has no metadata
        return "unknown"


def _git_commit() -> str | None:
    """The commit of the checkout that kerasal runs from, if it is one."""
    checkout = Path(__file__).parents[2]
    if not (checkout / ".git").exists():
        return None
    try:
        result = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=checkout,
            capture_output=True,
            text=True,
            check=True,
            timeout=5,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip()
