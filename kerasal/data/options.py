"""How data are read. It imports nothing: the command line's options come from it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


def _option(default: Any, help: str, **facts: str) -> Any:
    return field(default=default, metadata={"help": help, **facts})


@dataclass(frozen=True)
class ReadingOptions:
    """What `kerasal.data.load` takes besides a dataset's name and place."""

    sigma: float | None = _option(None, "Folders: blur from fixations to density.", metavar="PIXELS")
    pixels_per_degree: float | None = _option(None, "Folders: the same, as one degree of visual angle.")
    split_file: Path | str | None = _option(  # noqa: RUF009 (it makes a field)
        None, "Lists of names that make the splits, .json or .csv."
    )
    crop_borders: bool = _option(False, "cat2000: take the grey padding away.", flag="--crop-borders")
    normalized: bool = _option(
        False, "Folders: coordinates are 0 to 1 across the image, not pixels.", flag="--normalized"
    )

    def of(self, names: Iterable[str]) -> dict[str, Any]:
        """Those of these names, for the loader that has them."""
        return {name: getattr(self, name) for name in names}

    def as_arguments(self) -> dict[str, Any]:
        """Plain values; normalized where it says something, so that runs of before it compare equal."""
        values = asdict(self)
        if not values["normalized"]:
            del values["normalized"]
        split_file = self.split_file and str(Path(self.split_file).absolute())
        return {**values, "split_file": split_file}


NAMES = tuple(ReadingOptions.__dataclass_fields__)
