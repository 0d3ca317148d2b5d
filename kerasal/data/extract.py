"""Taking archives apart without trusting them: nothing leaves the folder, no links, no bombs."""

import errno
import gzip
import os
import re
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from kerasal._files import check_space
from kerasal.errors import InputError

# Images and MATLAB files hardly shrink in an archive. What grows more than this is a bomb.
LARGEST_RATIO, ALWAYS_ALLOWED = 100, 1_000_000  # times the archive's bytes; bytes
JUNK = ("__MACOSX", ".svn", ".DS_Store", "Thumbs.db")
BLOCK = 1 << 20
THE_DISKS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)  # errors
LONGEST = 255  # bytes of a part of a path, on most file systems


@dataclass(frozen=True)
class _Member:
    """A file in an archive: its checked path, its size as the archive says, and what opens it."""

    path: PurePosixPath
    size: int
    opened: Callable[[], IO[bytes]]


def extract(archive: Path, folder: Path) -> int:
    """Unpack a .zip, .tar, .tar.gz (.bz2, .xz) or .gz file into an existing folder; returns how many files.

    What systems leave in archives (`JUNK`, "._" files) is skipped. InputError, before anything is written
    wherever that can be known: no archive, damaged, an absolute path or "..", a link or device, a name twice,
    more bytes than `LARGEST_RATIO` allows or the disk has.
    """
    limit = archive.stat().st_size * LARGEST_RATIO + ALWAYS_ALLOWED
    try:
        with _opened(archive) as members:
            chosen = _chosen(archive, members, limit)
            total = sum(member.size for member in chosen.values())
            check_space(folder, total, f"unpacking {archive.name}")
            for path, member in chosen.items():
                limit -= _write(archive, member, folder / path, limit)
    except InputError:
        raise
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise InputError(
            f"{archive} is refused: it has {Path(error.filename).name!r} as a file and as a folder"
        ) from None
    except RuntimeError as error:  # zipfile's for encrypted members and methods that Python lacks
        raise InputError(f"cannot unpack {archive}: {error}") from None
    except Exception as error:  # damaged bytes make the readers raise whatever it comes to
        if getattr(error, "errno", None) in THE_DISKS:
            raise
        what = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise InputError(f"{archive} is damaged ({what}): remove it and try again") from None
    return len(chosen)


class _opened:
    """A context: the members of an archive, while it is open."""

    def __init__(self, archive: Path):
        self.archive = archive

    def __enter__(self) -> Iterator[_Member]:
        name = self.archive.name.lower()
        if zipfile.is_zipfile(self.archive):
            self.file = zipfile.ZipFile(self.archive)
            return self._zip()
        if tarfile.is_tarfile(self.archive):
            self.file = tarfile.open(self.archive)
            return self._tar()
        if name.endswith(".gz"):
            self.file = gzip.open(self.archive)
            return iter([_Member(self._path(self.archive.name[:-3]), 0, lambda: self.file)])
        raise InputError(f"{self.archive} is no .zip, .tar or .gz archive: remove it and try again")

    def __exit__(self, *_) -> None:
        self.file.close()

    def _zip(self):
        for info in self.file.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise InputError(f"{self.archive} is refused: {info.filename!r} in it is a link or device")
            path = self._path(info.orig_filename)  # zipfile cuts `filename` at a NUL, and says nothing
            if not info.is_dir():
                self._check_name(path)
                yield _Member(path, info.file_size, lambda info=info: self.file.open(info))

    def _tar(self):
        for info in self.file:
            if not (info.isreg() or info.isdir()):
                raise InputError(f"{self.archive} is refused: {info.name!r} in it is a link or device")
            path = self._path(info.name)
            if info.isreg():
                self._check_name(path)
                yield _Member(path, info.size, lambda info=info: self.file.extractfile(info))

    def _path(self, name: str) -> PurePosixPath:
        if not name:
            raise InputError(f"{self.archive} is refused: a file in it has no name")
        path = PurePosixPath(name.replace("\\", "/"))
        drive = any(re.match("[A-Za-z]:", part) for part in path.parts)  # "a/C:/x" is C:/x on Windows
        outside = path.is_absolute() or ".." in path.parts or drive or ":" in name.split("/")[0]
        if outside or "\0" in name:
            raise InputError(f"{self.archive} is refused: {name!r} in it would be written outside the folder")
        return path

    def _check_name(self, path: PurePosixPath) -> None:
        """InputError: a file that cannot be written under its name."""
        if not path.parts:
            raise InputError(f"{self.archive} is refused: a file in it has no name")
        if any(len(part.encode("utf-8", "surrogateescape")) > LONGEST for part in path.parts):
            raise InputError(
                f"{self.archive} is refused: a file in it has a name of more than {LONGEST} bytes, "
                f"{str(path)[:40]}..."
            )


def _chosen(archive: Path, members: Iterator[_Member], limit: int) -> dict[PurePosixPath, _Member]:
    """The members to write, by their paths."""
    chosen: dict[PurePosixPath, _Member] = {}
    size = 0
    for member in members:
        size += member.size
        _check_growth(archive, size, limit)
        if any(part in JUNK or part.startswith("._") for part in member.path.parts):
            continue
        if member.path in chosen:
            raise InputError(f"{archive} is refused: it has {str(member.path)!r} twice")
        chosen[member.path] = member
    if not chosen:
        raise InputError(f"{archive} has no files")
    return chosen


def _check_growth(archive: Path, size: int, limit: int) -> None:
    if size > limit:
        raise InputError(
            f"{archive} is refused: it would unpack to more than {LARGEST_RATIO} times its own size "
            f"({archive.stat().st_size:,} bytes), as an archive made to fill disks does"
        )


def _write(archive: Path, member: _Member, target: Path, limit: int) -> int:
    """Write one member; its bytes are counted, whatever the archive said of them."""
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    source: IO[bytes]
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with member.opened() as source, open(os.open(target, flags, 0o644), "wb") as file:
        while block := source.read(BLOCK):
            written += len(block)
            _check_growth(archive, written, limit)
            file.write(block)
    return written
