"""Which file belongs to which sample: the one of the sample's whole name.

A sample's name is its stimulus's place in its folder, without the ending: `1001`, `Action/001`; of several
sets the set's name comes first, `osie/1001`. A file belongs to the sample whose name it has, in folders as
the stimuli are. It may also lie flatter, `001.png` for `Action/001`, where no other sample's name ends so.
Names that differ in Unicode's normal form alone are the same name: systems store é as one character or two.
"""

import os
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from kerasal.errors import InputError

SYSTEM_FILES = ("thumbs.db", "desktop.ini")  # that Windows leaves in folders of images


def normal(name: str) -> str:
    """A name in the normal form (NFC) in which names are compared."""
    return unicodedata.normalize("NFC", name)


def check_folder(folder: Path) -> None:
    """InputError: no such folder."""
    if not folder.is_dir():
        raise InputError(f"no folder {folder}" + (": it is a file" if folder.exists() else ""))


def named_files(folder: Path | str, suffixes: Sequence[str], what: str) -> tuple[dict[str, Path], list[Path]]:
    """The files with one of the suffixes, in any case, by their names; and those of other kinds.

    Folders within are gone through, and belong to the name. Hidden files count for nothing. `what` the files
    are is for errors. InputError: no such folder, nothing of these kinds in it, two files of one name, or a
    name that is no text.
    """
    folder = Path(folder)
    check_folder(folder)
    files: dict[str, Path] = {}
    others = []
    for path in files_in(folder):
        if path.suffix.lower() not in suffixes:
            others.append(path)
            continue
        name = normal(path.relative_to(folder).with_suffix("").as_posix())
        try:
            name.encode()
        except UnicodeEncodeError:
            raise InputError(f"{folder} has a file whose name is no UTF-8, {name!r}: rename it") from None
        if name in files:
            raise InputError(
                f"{folder} has two {what} {files[name].relative_to(folder)} and {path.relative_to(folder)} "
                "of the same stem: keep one of them"
            )
        files[name] = path
    if not files:
        raise InputError(f"no files in {folder} that end in {', '.join(suffixes)}")
    return files, others


def match(
    names: Iterable[str], files: Mapping[str, Path], of: str | None = None
) -> tuple[dict[str, Path], dict[str, Path]]:
    """The file of each sample that has one, and the files that are no sample's.

    Args:
        names: of all samples there are, also of those that nobody asks about: a file may be theirs.
        files: from `named_files`.
        of: the set that all samples are of; a file may have it before the sample's name.

    InputError: a file that could be of several samples, or two files of one sample.
    """
    whole = {normal(name): name for name in names}
    endings: dict[str, list[str]] = {}
    for name in whole:
        parts = (f"{normal(of)}/{name}" if of else name).split("/")
        for start in range(len(parts)):
            endings.setdefault("/".join(parts[start:]), []).append(name)
    found: dict[str, Path] = {}
    others: dict[str, Path] = {}
    for name, path in files.items():
        owners = [name] if name in whole else endings.get(name, [])
        if len(owners) > 1:
            raise InputError(
                f"{path} could belong to {listed(owners)}: put it into a folder named as theirs, such as "
                f"{owners[0]}{path.suffix}"
            )
        if not owners:
            others[name] = path
        elif (owner := whole[owners[0]]) in found:
            raise InputError(f"{owner} has two files, {found[owner]} and {path}: keep one of them")
        else:
            found[owner] = path
    return found, others


def listed(names: Sequence[object]) -> str:
    """The first five names, and how many more there are."""
    return ", ".join(map(str, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 image", "2 images", "2 losses"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}{'es' if noun.endswith('s') else 's'}"


def visible(folder: Path) -> list[Path]:
    """The files and folders in a folder but for hidden ones and those that systems leave, sorted by name."""
    return sorted(path for path in folder.iterdir() if _is_visible(path.name))


def folders(folder: Path) -> list[Path]:
    """The visible folders in a folder, but for those that somebody put aside by a "_" before their name."""
    return [path for path in visible(folder) if path.is_dir() and not path.name.startswith("_")]


def find_folder(folder: Path, *names: str) -> Path | None:
    """The folder that has all these relative paths: `folder` itself, or the nearest one within it.

    Archives unpack with and without a folder of their own around them. Looks two levels deep, and passes over
    folders that may not be read, such as a disk's lost+found.
    """
    level = [folder] if folder.is_dir() else []
    for _ in range(3):
        for candidate in level:
            if all((candidate / name).exists() for name in names):
                return candidate
        within = [path for candidate in level for path in visible(candidate)]
        level = [path for path in within if path.is_dir() and os.access(path, os.R_OK | os.X_OK)]
    return None


def _is_visible(name: str) -> bool:
    return not name.startswith((".", "__MACOSX")) and name.lower() not in SYSTEM_FILES


def files_in(folder: Path) -> list[Path]:
    """All visible files within a folder and its folders, sorted by name.

    InputError: a folder that cannot be read.
    """

    def refuse(error: OSError) -> None:  # os.walk would pass over it
        raise InputError(f"cannot read the folder {error.filename}: {error.strerror}")

    found, seen = [], set()
    for place, folders, files in os.walk(folder, followlinks=True, onerror=refuse):
        real = os.path.realpath(place)
        # A link to a folder that was gone through would lead round in circles.
        folders[:] = [] if real in seen else filter(_is_visible, folders)
        if real not in seen:
            found += [Path(place, name) for name in files if _is_visible(name)]
        seen.add(real)
    return sorted(found)
