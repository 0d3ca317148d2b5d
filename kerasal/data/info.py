"""What is to be known of a published dataset before its files are there."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Archive:
    """One file to download, and what to take out of it."""

    name: str  # under which it is looked for on the user's disk
    address: str
    md5: str | None = None  # None: not known, or the archive is made anew at each download
    inside: str = ""  # the folder within the archive that holds the dataset: its contents are taken
    into: str = ""  # the folder of the dataset that they go to


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
    sigma: float | None  # pixels of the stimulus: the blur from fixations to density
    pixels_per_degree: float | None
    licence: str
    citation: str
    page: str
    layout: str  # what the loader looks for in the dataset's folder
    split: str
    defects: tuple[str, ...] = ()
    archives: tuple[Archive, ...] = ()
    by_hand: str = ""  # how to get it, where a program cannot: a form, a login, a confirmation
