"""Folders that appear whole or not at all, and the space for them."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kerasal.errors import InputError


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill, which takes the name `path` at the end of the block.

    If the block fails or is interrupted, nothing stays. InputError: `path` is there already, or cannot be
    made.
    """
    if path.exists():
        raise InputError(f"{path} is there already: name another folder, or remove it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{path.name}.partial-", dir=path.parent))
    except OSError as error:
        raise InputError(f"cannot make the folder {path}: {error.strerror}") from None
    try:
        yield partial
        partial.chmod(0o755)  # mkdtemp's is for its owner alone
        partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def check_space(folder: Path, needed: int, what: str) -> None:
    """InputError if the disk of `folder`, or of the folder it will be made in, has not `needed` bytes."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(
            f"{what} needs {needed / 1e9:.2f} GB and {free / 1e9:.2f} GB are free on the disk of {folder}: "
            "make room or name another place"
        )
