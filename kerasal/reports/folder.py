"""A folder that keeps what is finished, so that nothing is done twice."""

import contextlib
import zlib
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from kerasal._files import clear_partials, held, json_text, make_folder, write_atomically, write_json
from kerasal._json import crc32_of, read_json
from kerasal.errors import InputError, reading
from kerasal.evaluation import Scores
from kerasal.evaluation.scores import read_csv, scores_csv
from kerasal.training.run_folder import made_with

SUMS = "checksums.json"


class ResultsFolder:
    """Files of a long work in steps, each written whole or not at all; config.json says what the work is.

    checksums.json has the CRC-32 of each, so that none is read that is not as it was written. A subclass
    names the work, its schema, and says which settings may change between calls.
    """

    kind: str  # in errors: "quest"
    mark: str  # a setting that its config.json alone has
    schema: int

    def __init__(self, path: Path | str):
        self.path = Path(path)

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
            self.__dict__.pop("_sums", None)  # the process that had the folder before may have written
            yield self.begin(config, report)

    def begin(self, config: dict[str, Any], report: Callable[[str], None]) -> dict[str, Any]:
        """Make the folder, or go on in it; returns the configuration with what earlier calls asked for.

        InputError: the folder holds something else, or the same kind of work with other settings, which are
        named.
        """
        if (self.path / "config.json").is_file():
            before = self.config
            with reading(f"{self.path / 'config.json'} does not hold the settings of a {self.kind}"):
                if changed := self.differences(before, config):
                    raise InputError(
                        f"{self.path} holds a {self.kind} with other settings: {'; '.join(changed)}. "
                        "Name another folder with --output, or repeat its settings"
                    )
                config = self.merged(before, config)
            report(f"going on with {self.path}")
        elif self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise InputError(
                f"{self.path} is there already and holds no {self.kind}: name another with --output"
            )
        make_folder(self.path)
        clear_partials(self.path, "**/.*")
        self.write_json("config.json", {**config, "made_with": made_with()})
        return config

    @property
    def config(self) -> dict[str, Any]:
        """What config.json holds. InputError: none, one of something else, or a damaged file."""
        values = self.read_json("config.json", hint=": it cannot be gone on with; name another folder")
        if values is None:
            raise InputError(f"{self.path} is not a {self.kind}'s folder: it has no config.json")
        if self.mark not in values:
            raise InputError(f"{self.path} holds no {self.kind}: name another folder with --output")
        if values.get("schema") != self.schema:
            raise InputError(f"{self.path} was written by another version: schema {values.get('schema')}")
        return values

    def read_json(self, name: str, hint: str = ": remove it, and it is made anew") -> dict[str, Any] | None:
        """A file's values; None where it is not there. InputError: a damaged file."""
        if not (self.path / name).is_file():
            return None
        self.check(name, hint)
        return read_json(self.path / name, hint=hint)

    def read_scores(self, name: str) -> Scores | None:
        """One system's scores from a CSV file; None where it is not there. InputError: a damaged file."""
        if not (self.path / name).is_file():
            return None
        self.check(name)
        return read_csv(self.path / name)

    def write_scores(self, name: str, scores: Scores) -> None:
        self.write_text(name, scores_csv({"": scores}))

    def write_json(self, name: str, values: dict[str, Any]) -> Path:
        return self.write_text(name, json_text(values))

    def write_text(self, name: str, text: str) -> Path:
        return self.write(name, lambda path: path.write_bytes(text.encode("utf-8")))

    def write(self, name: str, write: Callable[[Path], Any], suffix: str = "") -> Path:
        """Have `write(file)` make a file, see `write_atomically`, and note its checksum."""
        file = self.make(name)

        def noted(partial: Path) -> None:
            write(partial)
            # Before it has its name. A process that is killed then leaves the file from before, so that both
            # are right; but not one from before that was wrong already.
            known = self._sums.get(name)
            before = {_crc32(file)} if file.is_file() else set()
            before = before if known is None else before & set(known)
            self._sums[name] = sorted(before | {_crc32(partial)})
            write_json(self.path / SUMS, {"files": self._sums, "crc32": crc32_of(self._sums)})

        return write_atomically(file, noted, suffix)

    def check(self, name: str, hint: str = ": remove it, and it is made anew") -> None:
        """InputError: a file that is there is not as it was written. `hint` says what to do."""
        known = self._sums.get(name)  # None: written before there were checksums
        if known is not None and _crc32(self.path / name) not in known:
            raise InputError(f"{self.path / name} is damaged (another checksum){hint}")

    @cached_property
    def _sums(self) -> dict[str, list[int]]:
        """checksums.json: of each file, those that it may have."""
        file = self.path / SUMS
        if not file.is_file():
            return {}
        hint = ": remove it, and the files beside it are taken as they are"
        values = read_json(file, hint=hint)
        sums = values.get("files")
        if not isinstance(sums, dict) or values.get("crc32") != crc32_of(sums):
            raise InputError(f"{file} is damaged (another checksum){hint}")
        return sums

    def make(self, name: str) -> Path:
        """The path of a file that is about to be written, in a folder that is there."""
        file = self.path / name
        make_folder(file.parent)
        return file


def _crc32(file: Path) -> int:
    try:
        return zlib.crc32(file.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from None
