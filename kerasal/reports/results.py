"""What the results of quests and of Table 1 share: comparisons made once, and files."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerasal._files import null_for_nan
from kerasal.evaluation import tables
from kerasal.evaluation.scores import csv_text
from kerasal.reports.folder import ResultsFolder


@dataclass(frozen=True, eq=False)
class ReportedResults(ABC):
    """What was found of systems, in a folder that keeps their scores.

    A subclass has `reference`, which the others are compared with, and `best`; what `as_dict` holds besides,
    `found()`; the text of all tables, `document(write, comment)`; and results.csv, line by line, `lines()`.
    """

    folder: ResultsFolder
    config: dict[str, Any]

    @property
    @abstractmethod
    def reference(self) -> str | None: ...

    @property
    @abstractmethod
    def best(self) -> str | None: ...

    @abstractmethod
    def found(self) -> dict[str, Any]: ...

    @abstractmethod
    def document(self, write: Callable[..., str], comment: str = "") -> str: ...

    @abstractmethod
    def lines(self) -> Iterable[Sequence[Any]]: ...

    @property
    def references(self) -> list[str]:
        """What every other system is compared with in pairs: `reference` and `best`."""
        return [system for system in dict.fromkeys([self.reference, self.best]) if system]

    def once(self, what: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` gives, made when it is first asked for."""
        made = self.__dict__.setdefault("_made", {})
        if what not in made:
            made[what] = make()
        return made[what]

    def as_dict(self) -> dict[str, Any]:
        """Everything that was found, as plain values; what is not known is None."""
        known = {"config": self.config, "reference": self.reference, "best": self.best}
        return null_for_nan({"schema": 1, **known, **self.found()})

    def write(self) -> list[Path]:
        """Write results.json, .csv, .md and .tex; returns their paths."""
        folder = self.folder
        return [
            folder.write_json("results.json", self.as_dict()),
            folder.write_text("results.csv", csv_text(self.lines())),
            folder.write_text("results.md", self.document(tables.markdown)),
            folder.write_text("results.tex", self.document(tables.latex, "% ")),
        ]
