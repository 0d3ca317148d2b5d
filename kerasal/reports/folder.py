"""A folder that keeps what is finished, so that nothing is done twice."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from kerasal._files import clear_partials, held, json_text, make_folder, write_atomically, write_text
from kerasal._json import read_json
from kerasal.data.layout import structure
from kerasal.errors import InputError
from kerasal.evaluation import Scores
from kerasal.evaluation.scores import read_csv, write_csv
from kerasal.training.run_folder import RunFolder


class ResultsFolder:
    """Files of a long work in steps, each written whole or not at all; config.json says what the work is.

    A subclass names the work, its schema, and says which settings may change between calls.
    """

    kind: str  # in errors: "quest"
    mark: str  # a setting that its config.json alone has
    schema: int

    def __init__(self, path: Path | str):
        self.path = Path(path)
        self._files = RunFolder(path)

    def differences(self, before: dict[str, Any], now: dict[str, Any]) -> list[str]:
        """Which settings are others now, so that the folder cannot go on."""
        raise NotImplementedError

    def merged(self, before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
        """The settings of now, with what earlier calls asked for."""
        return now

    @contextlib.contextmanager
    def at_work(self, config: dict[str, Any], report: Callable[[str], None]) -> Iterator[dict[str, Any]]:
        """`begin`, and a block in which no other process works in the folder. InputError: one does."""
        if not self.path.exists():
            make_folder(self.path)
        with held(self.path) if self.path.is_dir() else contextlib.nullcontext():
            yield self.begin(config, report)

    def begin(self, config: dict[str, Any], report: Callable[[str], None]) -> dict[str, Any]:
        """Make the folder, or go on in it; returns the configuration with what earlier calls asked for.

        InputError: the folder holds something else, or the same kind of work with other settings, which are
        named.
        """
        if (self.path / "config.json").is_file():
            before = self.config
            with structure(self.path / "config.json", f"the settings of a {self.kind}"):
                changed, merged = self.differences(before, config), self.merged(before, config)
            if changed:
                raise InputError(
                    f"{self.path} holds a {self.kind} with other settings: {'; '.join(changed)}. "
                    "Name another folder with --output, or repeat its settings"
                )
            config = merged
            report(f"going on with {self.path}")
        elif self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise InputError(
                f"{self.path} is there already and holds no {self.kind}: name another with --output"
            )
        make_folder(self.path)
        clear_partials(self.path, "**/.*")
        self._files.write_config(config)
        return config

    @property
    def config(self) -> dict[str, Any]:
        """What config.json holds. InputError: none, one of something else, or a damaged file."""
        values = self.read_json("config.json")
        if values is None:
            raise InputError(f"{self.path} is not a {self.kind}'s folder: it has no config.json")
        if self.mark not in values:
            raise InputError(f"{self.path} holds no {self.kind}: name another folder with --output")
        if values.get("schema") != self.schema:
            raise InputError(f"{self.path} was written by another version: schema {values.get('schema')}")
        return values

    def read_json(self, name: str) -> dict[str, Any] | None:
        """A file's values; None where it is not there. InputError: a damaged file."""
        if not (self.path / name).is_file():
            return None
        return read_json(self.path / name, hint=": remove it, and it is made anew")

    def read_scores(self, name: str) -> Scores | None:
        """One system's scores from a CSV file; None where it is not there."""
        return read_csv(self.path / name) if (self.path / name).is_file() else None

    def write_scores(self, name: str, scores: Scores) -> None:
        write_atomically(self.make(name), lambda path: write_csv(path, {"": scores}))

    def write_array(self, name: str, array: np.ndarray) -> Path:
        return self._files.write_array(name, array)

    def write_json(self, name: str, values: dict[str, Any]) -> Path:
        return self.write_text(name, json_text(values))

    def write_text(self, name: str, text: str) -> Path:
        return write_text(self.make(name), text)

    def make(self, name: str) -> Path:
        """The path of a file that is about to be written, in a folder that is there."""
        file = self.path / name
        make_folder(file.parent)
        return file
