"""What is to be known of a published dataset before its files are there."""

from dataclasses import dataclass
from pathlib import Path

from kerasal.data.names import find_folder
from kerasal.errors import InputError


@dataclass(frozen=True)
class Archive:
    """One file to download and unpack."""

    name: str  # under which it is looked for on the user's disk
    address: str  # "" where only a browser gets it
    md5: str | None = None  # None: not known, or the archive is made anew at each download


@dataclass(frozen=True)
class DatasetInfo:
    """A dataset's facts. Sizes are pixels, width x height; None and "" where nobody says."""

    name: str
    title: str
    images: int
    size: str
    observers: str
    seconds: float
    fixations: int | None  # valid ones, as published or counted
    sigma: float | str  # pixels of the stimulus: the blur from fixations to density; a rule in words
    pixels_per_degree: float | None
    licence: str
    citation: str
    page: str
    layout: str  # what the loader looks for in the dataset's folder
    split: str
    defects: tuple[str, ...] = ()
    archives: tuple[Archive, ...] = ()
    by_hand: str = ""  # how to get it, where a program cannot: a form, a login, a confirmation

    def find(self, folder: Path, *names: str) -> Path:
        """`find_folder`. InputError: nothing there has the dataset's layout."""
        if root := find_folder(folder, *names):
            return root
        raise InputError(f"no {self.name} in {folder}: it needs {self.layout}; kerasal data info {self.name}")

    def rows(self) -> list[tuple[str, str]]:
        """The facts as pairs of a label and a value, in order."""
        get = self.by_hand or ", ".join(
            archive.address + (f" (MD5 {archive.md5})" if archive.md5 else "") for archive in self.archives
        )
        return [
            ("name", self.name),
            ("title", self.title),
            ("images", f"{self.images:,}, {self.size} pixels"),
            ("observers", f"{self.observers}; {self.seconds:g} s"),
            ("fixations", f"{self.fixations:,}" if self.fixations else "not counted"),
            ("one degree", f"{self.pixels_per_degree:g} px" if self.pixels_per_degree else "not known"),
            ("density sigma", self.sigma if isinstance(self.sigma, str) else f"{self.sigma:g} px"),
            ("licence", self.licence),
            ("cite", self.citation),
            ("page", self.page),
            ("get it", get),
            ("layout", self.layout),
            ("split", self.split),
            *(("known defect", defect) for defect in self.defects),
        ]
