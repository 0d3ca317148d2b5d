"""Taking archives apart without trusting them: nothing leaves the folder, no links, no bombs."""

import contextlib
import gzip
import os
import re
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from kerasal._files import check_space, refusal
from kerasal.errors import InputError

# Images and MATLAB files hardly shrink in an archive. What grows more than this is a bomb.
LARGEST_RATIO, ALWAYS_ALLOWED = 100, 1_000_000  # times the archive's bytes; bytes
JUNK = ("__MACOSX", ".svn", ".DS_Store", "Thumbs.db")
BLOCK = 1 << 20
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
            f"{archive} is refused: it has {Path(error.filename).name!r} twice, or as a file and as a folder"
        ) from None
    except RuntimeError as error:  # zipfile's for encrypted members and methods that Python lacks
        raise InputError(f"cannot unpack {archive}: {error}") from None
    except Exception as error:  # damaged bytes make the readers raise whatever it comes to
        if refusal(error) or isinstance(error, PermissionError):  # the disk's fault, not the archive's
            raise
        what = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise InputError(f"{archive} is damaged ({what}): remove it and try again") from None
    return len(chosen)


@contextlib.contextmanager
def _opened(archive: Path) -> Iterator[Iterator[_Member]]:
    """A block in which an archive is open, and its members."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            yield _zip(archive, file)
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as file:
            yield _tar(archive, file)
    elif archive.name.lower().endswith(".gz"):
        with gzip.open(archive) as file:
            yield iter([_Member(_path(archive, archive.name[:-3], False), 0, lambda: file)])
    else:
        raise InputError(f"{archive} is no .zip, .tar or .gz archive: remove it and try again")


def _zip(archive: Path, file: zipfile.ZipFile) -> Iterator[_Member]:
    for info in file.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise InputError(f"{archive} is refused: {info.filename!r} in it is a link or device")
        is_folder = info.filename.endswith("/")  # Python 3.11's `is_dir` fails where there is no name
        path = _path(archive, info.orig_filename, is_folder)  # zipfile cuts `filename` at a NUL
        if not is_folder:
            yield _Member(path, info.file_size, partial(file.open, info))


def _tar(archive: Path, file: tarfile.TarFile) -> Iterator[_Member]:
    for info in file:
        if not (info.isreg() or info.isdir()):
            raise InputError(f"{archive} is refused: {info.name!r} in it is a link or device")
        path = _path(archive, info.name, info.isdir())
        if info.isreg():
            yield _Member(path, info.size, partial(file.extractfile, info))


def _path(archive: Path, name: str, is_folder: bool) -> PurePosixPath:
    """A member's path. InputError: it lies outside the folder, or cannot be written under its name."""
    path = PurePosixPath(name.replace("\\", "/"))
    drive = any(re.match("[A-Za-z]:", part) for part in path.parts)  # "a/C:/x" is C:/x on Windows
    outside = path.is_absolute() or ".." in path.parts or drive or ":" in name.split("/")[0]
    if outside or "\0" in name:
        raise InputError(f"{archive} is refused: {name!r} in it would be written outside the folder")
    if not (path.parts or is_folder):
        raise InputError(f"{archive} is refused: a file in it has no name")
    if any(len(part.encode("utf-8", "surrogateescape")) > LONGEST for part in path.parts):
        raise InputError(
            f"{archive} is refused: a file in it has a name of more than {LONGEST} bytes, {str(path)[:40]}..."
        )
    return path


def _chosen(archive: Path, members: Iterator[_Member], limit: int) -> dict[PurePosixPath, _Member]:
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
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with member.opened() as source, open(os.open(target, flags, 0o644), "wb") as file:
        while block := source.read(BLOCK):
            written += len(block)
            _check_growth(archive, written, limit)
            file.write(block)
    return written
