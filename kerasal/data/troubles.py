"""What is wrong with a dataset's files, for whoever loads it and for `kerasal data check`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from kerasal.data.fixations import inside
from kerasal.errors import InputError


@dataclass
class Troubles:
    """What is wrong with which file, collected where `collect` is set.

    Where it is not, `reading` raises at once, and what `add` is told, without which a dataset can be loaded,
    is passed over. Fixations outside their image are no trouble: they are dropped and counted.
    """

    collect: bool = False
    found: list[tuple[Path, str]] = field(default_factory=list)
    outside: dict[str, int] = field(default_factory=dict)  # fixations dropped, by the sample's name
    # By the sample's name, whether all of its fixations would lie in the image as (y, x).
    exchanged: dict[str, bool] = field(default_factory=dict)

    @contextmanager
    def reading(self, path: Path) -> Iterator[None]:
        """Collect an InputError that comes in this block as `path`'s; the block ends there."""
        try:
            yield
        except InputError as error:
            if not self.collect:
                raise
            self.add(path, str(error))

    def add(self, path: Path, what: str) -> None:
        """Collect what is wrong with a file; it is passed over where nothing is collected."""
        if self.collect:
            self.found.append((path, " ".join(what.replace(str(path), "the file").split())))

    def valid(self, name: str, fixations: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """The fixations (N, 2) that are finite and inside an image of that size; the others are counted."""
        kept = inside(fixations, size)
        if not kept.all():
            self.outside[name] = self.outside.get(name, 0) + int((~kept).sum())
        turned = bool(inside(fixations[:, ::-1], size).all())
        self.exchanged[name] = self.exchanged.get(name, True) and turned
        return fixations[kept]

    @property
    def notes(self) -> list[str]:
        """A line about the fixations dropped, if any were."""
        if not self.outside:
            return []
        count = sum(self.outside.values())
        return [
            f"{count:,} fixation{'s' if count > 1 else ''} outside the image or not finite dropped, "
            f"in {len(self.outside)} image{'s' if len(self.outside) > 1 else ''}"
        ]
