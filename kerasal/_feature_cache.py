"""The folder of cached features: what lies there, what is in use, and what goes when it becomes too large.

An entry is a folder with arrays and `about.json`. Its time of modification is that of its last use. Who uses
one holds a shared lock on it, who removes one an exclusive lock; both end with their process. Nothing is
removed where the system has no such locks. Nothing here needs TensorFlow or Keras.
"""

import contextlib
import os
import shutil
import time
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerasal._files import lock, size_text
from kerasal._json import read_json
from kerasal.errors import InputError

ABOUT = "about.json"
SHARE = 0.5  # of what is free and what the cache holds: its bound where none is given
# Seconds after which an unfinished entry that nobody holds was left by a process that was killed.
ABANDONED = 60


@dataclass(frozen=True)
class CachedFeatures:
    """Features that are kept, or are being computed."""

    path: Path  # the folder
    size: int  # bytes
    used: float  # when last, in seconds since the epoch
    about: dict[str, Any]  # what they are the features of, as far as that was written down
    finished: bool  # whether they are whole


class Hold:
    """A shared lock on an entry's folder: for as long as this object lives nobody removes the entry."""

    def __init__(self, entry: Path):
        """FileNotFoundError: it is gone, or was removed while this waited."""
        descriptor = os.open(entry, os.O_RDONLY) if os.name == "posix" else None
        if descriptor is None:
            return  # Windows opens no folders, and has no such locks
        self.close = weakref.finalize(self, os.close, descriptor)
        lock(descriptor, shared=True)
        if not _is_still(entry, descriptor):
            self.close()
            raise FileNotFoundError(entry)


def features_folder(cache: Path) -> Path:
    """Where in the cache folder features lie."""
    return cache / "features"


def entries(cache: Path) -> list[CachedFeatures]:
    """What lies there, the one that was used least lately first."""
    found = []
    for path in features_folder(cache).iterdir() if features_folder(cache).is_dir() else ():
        # Another process has removed it, or another user is computing it.
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
            files = [file.stat() for file in path.iterdir()]
            finished = ".partial-" not in path.name
            size = sum(file.st_size for file in files)
            found.append(CachedFeatures(path, size, path.stat().st_mtime, _about(path), finished))
    return sorted(found, key=lambda entry: entry.used)


def make_room(cache: Path, needed: int = 0, bound: int | None = None) -> None:
    """Remove entries, the one used least lately first, until there is room for `needed` bytes more.

    Entries in use stay. bound: the cache's largest size in bytes; None is SHARE of what is free on the disk
    and what the cache holds, and is no reason to refuse what the disk has room for.
    InputError: with all that can go removed, `needed` more would be above a bound that was given.
    """
    there = [
        entry
        for entry in entries(cache)
        if entry.finished or _just_begun(entry) or not remove(entry.path)  # what killed processes left goes
    ]
    held = sum(entry.size for entry in there)
    place = cache
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    limit = int(SHARE * (free + held)) if bound is None else min(bound, free + held)
    if bound is not None and needed > bound:
        there = []  # it would be in vain
    for entry in there:
        if held + needed <= limit:
            break
        if entry.finished and remove(entry.path):
            held -= entry.size
    if bound is not None and needed and held + needed > bound:
        raise InputError(
            f"the features need {size_text(needed)}, and a cache of {size_text(bound)} holds "
            f"{size_text(held)} that are in use or would be kept: raise --cache-size, or train with "
            "--no-cache-features"
        )


def remove(entry: Path) -> bool:
    """Remove an entry unless it is in use; returns whether it is gone.

    It loses its name first, so that nobody ever finds half of one. Another user's stays.
    """
    with _alone(entry) as alone, contextlib.suppress(PermissionError):
        if alone:
            unnamed = entry
            if ".partial-" not in entry.name:
                unnamed = entry.with_name(f".{entry.name}.partial-{os.getpid()}")
                entry.rename(unnamed)
            shutil.rmtree(unnamed, ignore_errors=True)
    return not entry.exists()


def empty(cache: Path) -> tuple[int, list[CachedFeatures]]:
    """Remove all entries that are not in use; returns how many bytes went, and the entries that stay."""
    there = entries(cache)
    staying = [entry for entry in there if _just_begun(entry) or not remove(entry.path)]
    return sum(entry.size for entry in there) - sum(entry.size for entry in staying), staying


def is_used(entry: Path) -> bool | None:
    """Whether a process uses an entry, or computes it; None where the system has no locks that would tell."""
    with _alone(entry) as alone:
        return None if alone is None else not alone


def _just_begun(entry: CachedFeatures) -> bool:
    """Whether it may be one whose process has made the folder and holds it in a moment."""
    return not entry.finished and time.time() - entry.used < ABANDONED


@contextlib.contextmanager
def _alone(entry: Path) -> Iterator[bool | None]:
    """Whether nobody else holds the entry, or will before the block ends; None where that is not known."""
    try:
        descriptor = os.open(entry, os.O_RDONLY)
    except OSError as error:
        yield None if isinstance(error, PermissionError) else False  # on Windows; or it has gone already
        return
    try:
        yield lock(descriptor) and _is_still(entry, descriptor)
    finally:
        os.close(descriptor)


def _is_still(entry: Path, descriptor: int) -> bool:
    """Whether an open folder has its name still: another process may have removed it meanwhile."""
    try:
        return os.path.samestat(os.stat(entry), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _about(entry: Path) -> dict[str, Any]:
    try:
        return read_json(entry / ABOUT)
    except InputError:  # of an older version, or damaged
        return {}
