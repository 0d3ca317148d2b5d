"""What kerasal writes: files and folders that appear whole or not at all, and the space for them.

Errors of the system become an InputError with the path and the reason: a full disk, no permission.
"""

import contextlib
import errno
import glob
import io
import json
import math
import os
import platform
import re
import secrets
import shutil
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from kerasal.errors import InputError

if TYPE_CHECKING:
    from numpy import ndarray

POSIX = os.name == "posix"

# What the system says where a disk is full or will not be written, whatever is written to it.
REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO)


def write_bytes(path: Path, data: bytes | memoryview) -> Path:
    """Write what is encoded already. See `write_atomically`."""
    return write_atomically(path, lambda file: file.write_bytes(data))


def write_encoded(
    path: Path, encode: Callable[[BinaryIO], Any], memory: Callable[[], io.BytesIO] = io.BytesIO
) -> Path:
    """Write what `encode(stream)` writes, all of it in memory first.

    For encoders that are no help where a disk is full: Pillow's take half a picture for a whole one, and
    HDF5's library ends the process. `memory` makes the stream.
    """
    stream = memory()
    encode(stream)
    return write_bytes(path, stream.getbuffer())


def write_text(path: Path, text: str) -> Path:
    """Write text, as UTF-8."""
    return write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, values: Any) -> Path:
    """Write values as JSON, see `json_text`."""
    return write_text(path, json_text(values))


def write_array(path: Path, array: "ndarray") -> Path:
    """Write a .npy file."""
    import numpy as np  # here, as listings find their folders by this module and need no arrays

    return write_encoded(path, lambda stream: np.save(stream, array))


def write_hdf5(path: Path, fill: Callable[[Any], Any]) -> Path:
    """Write an HDF5 file that `fill` fills, an `h5py.File` in memory; the bytes are those of one on disk."""
    import h5py  # here, as all else does without it

    with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
        fill(file)
        file.flush()
        image = file.id.get_file_image()
    return write_bytes(path, image)


def write_atomically(
    path: Path, write: Callable[[Path], Any], suffix: str = "", durable: bool = False
) -> Path:
    """Have `write(file)` make a file beside `path`, then put it in place; nothing stays if it fails.

    For what a library writes by name; it must notice a full disk. `suffix` is what the name must end in.
    `durable` waits until the disk has it, so that not even a power cut leaves half of it.
    InputError: it cannot be written, with the reason.
    """
    partial = partial_beside(path, suffix)
    try:
        write(partial)
        if durable:
            _wait_for_disk(partial)
        os.replace(partial, path)
        if durable:
            _wait_for_disk(path.parent)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    return path


def partial_beside(path: Path, suffix: str = "") -> Path:
    """Where a file is written until it is whole; `suffix` is what the name must end in."""
    # Two processes that write one file must not write into each other's, on two machines neither.
    return path.with_name(f".{path.name}.partial-{os.getpid()}-{_machine()}{suffix}")


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill, which takes the name `path` at the end of the block.

    If the block fails or is interrupted, nothing stays. InputError: `path` is there already, or at the end of
    the block; or cannot be made or filled.
    """
    check_free(path)
    with folder_beside(path) as partial:
        yield partial
        partial.rename(path)


def check_free(path: Path) -> None:
    """InputError: something is there already, where a folder is to be made."""
    if path.exists() or path.is_symlink():
        raise InputError(f"{path} is there already: name another folder, or remove it")


@contextlib.contextmanager
def folder_beside(path: Path) -> Iterator[Path]:
    """A temporary folder on the disk of `path`, for what is to take that name; it is gone after the block.

    The folder of `path` is made where it is missing; what processes that were killed in such a block left is
    removed. InputError: it cannot be made, or the disk refuses what is written to it.
    """
    make_folder(path.parent)
    clear_partials(path.parent, f".{glob.escape(path.name)}", elsewhere=False)
    try:
        # Not tempfile's, which is for its owner alone: what takes the name is for whom the umask says.
        partial = path.with_name(f"{partial_beside(path).name}-{secrets.token_hex(4)}")
        partial.mkdir()
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None
    try:
        yield partial
    except Exception as error:
        elsewhere = isinstance(error, InputError) and str(partial) not in str(error)
        if not elsewhere and (reason := refusal(error)):
            raise InputError(f"cannot write {path}: {reason}") from None
        if str(getattr(error, "filename2", None)) == str(path) and path.exists():  # it was to take the name
            raise InputError(f"{path} was made meanwhile by another process: name another") from None
        raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """A block in which no other process may hold the folder; it ends with the process, however that ends.

    InputError: another process holds it. Where the system has no such locks, nothing is held.
    """
    if os.name != "posix":  # Windows opens no folders
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if lock(descriptor) is False:
            raise InputError(f"another process is at work in {folder}: wait for its end, or stop it")
        yield
    finally:
        os.close(descriptor)


def lock(descriptor: int, *, shared: bool = False) -> bool | None:
    """Lock what a descriptor is of until it is closed, alone or `shared` with others that share.

    A shared lock is waited for; False where somebody else's forbids one alone; None where the file system,
    or Windows, has no such locks.
    """
    try:
        import fcntl
    except ImportError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a network's file system
        return None
    return True


def clear_partials(folder: Path, pattern: str = ".*", elsewhere: bool = True) -> None:
    """Remove what writers that were killed left in a folder; what a living process writes stays.

    elsewhere: what was written on other machines too, whose processes cannot be asked. For a folder that no
    other process works in.
    """
    for partial in list(folder.glob(f"{pattern}.partial*")):
        found = re.search(r"\.partial-(\d+)(?:-([0-9a-f]{8}))?(?![0-9a-z_])", partial.name)
        if found and (_is_alive(int(found[1])) if found[2] in (None, _machine()) else not elsewhere):
            continue
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder to write to, and those above it. InputError: it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror}") from None


def check_writable(folder: Path) -> None:
    """InputError: nothing can be written to a folder, which may have to be made: it is a file, or no one may.

    For a command that computes long before it writes. Nothing is made.
    """
    place = Path(os.path.abspath(folder))
    while not place.exists() and not place.is_symlink():
        place = place.parent
    if not place.is_dir():
        raise InputError(f"cannot make the folder {folder}: {place} is no folder")
    if not os.access(place, os.W_OK | os.X_OK):
        raise InputError(f"cannot write to {folder}: no permission to write to {place}")


def check_space(
    folder: Path, needed: int, what: str, advice: str = "make room or name another place"
) -> None:
    """InputError if the disk of `folder`, or of the folder it will be made in, has not `needed` bytes."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(
            f"{what} needs {size_text(needed)} and {size_text(free)} are free on the disk of {folder}: "
            f"{advice}"
        )


def default_cache() -> Path:
    """Where features and weights are kept between runs: $KERASAL_CACHE, else ~/.cache/kerasal."""
    return users_folder("KERASAL_CACHE", ".cache/kerasal")


def users_folder(variable: str, default: str) -> Path:
    """The folder that an environment variable names, else `default` in the user's home.

    InputError: neither is known.
    """
    if named := os.environ.get(variable):
        return Path(os.path.expanduser(named))
    try:
        return Path.home() / default
    except RuntimeError:
        raise InputError(f"no home folder is known: set the environment variable {variable}") from None


def json_text(values: Any) -> str:
    """Values as a JSON document. What is no number or infinite becomes null, which any reader can read."""
    return json.dumps(null_for_nan(values), indent=2, allow_nan=False) + "\n"


def null_for_nan(value: Any) -> Any:
    """The value with None for each float in it that is not finite; keys become text, tuples lists."""
    if isinstance(value, dict):
        return {str(key): null_for_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [null_for_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def refusal(error: Exception) -> str | None:
    """Why the disk refused to take what was written, or None for another error."""
    number = getattr(error, "errno", None)
    if number in REFUSALS:
        return os.strerror(number)
    # HDF5 keeps the number in its text, TensorFlow the words.
    text = str(error)
    told = (code for code in REFUSALS if f"errno = {code}," in text or os.strerror(code) in text)
    return next(map(os.strerror, told), None)


def _machine() -> str:
    """This machine in the name of a file: its processes' numbers are others' elsewhere."""
    return f"{zlib.crc32(platform.node().encode()):08x}"


def _is_alive(process: int) -> bool:
    if not POSIX:
        return True  # it may: to ask with a signal would end it on Windows
    try:
        os.kill(process, 0)  # asks, and sends nothing
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        pass
    return True


def _wait_for_disk(path: Path) -> None:
    """Return when a file's contents, or a folder's names, are on the disk."""
    if path.is_dir() and not POSIX:
        return  # Windows opens no folders
    # Windows flushes nothing that is open for reading alone, and POSIX opens no folder for more.
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def size_text(count: int) -> str:
    """A number of bytes with its three first digits at least: 0.0 GB would tell nothing."""
    for unit, one in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= one:
            return f"{count / one:,.{2 if count < 10 * one else 1 if count < 100 * one else 0}f} {unit}"
    return f"{count} bytes"
