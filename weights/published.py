"""Published weights files on this machine."""

from pathlib import Path

from kerasal._files import default_cache
from kerasal.errors import InputError
from kerasal.weights.download import Progress, download
from kerasal.weights.registry import PUBLISHED


def published_path(name: str) -> Path:
    """Where a file of `PUBLISHED` is kept: under $KERASAL_CACHE/weights, else ~/.cache/kerasal/weights.

    InputError: an unknown name.
    """
    if name not in PUBLISHED:
        raise InputError(f"unknown weights {name!r}: one of {', '.join(PUBLISHED)}")
    return default_cache() / "weights" / PUBLISHED[name].file


def published_here(network: str) -> list[str]:
    """The names of published weights of a network of `kerasal.models.NETWORKS` that are on this machine."""
    return [
        name for name, file in PUBLISHED.items() if file.model == network and published_path(name).is_file()
    ]


def fetch_published(name: str, *, progress: Progress | None = None) -> Path:
    """Download a file of `PUBLISHED`, unless it is there already; returns its path.

    InputError: an unknown name; an answer that is no weights file, such as the page of a hotel's network,
    which leaves nothing; or see `kerasal.weights.download.download`.
    """
    path, entry = published_path(name), PUBLISHED.get(name)
    if path.is_file() and _problem(path):
        path.unlink()
    download(entry.url, path, sha256=entry.sha256, size=entry.size, progress=progress)
    if problem := _problem(path):
        with open(path, "rb") as file:
            start = file.read(40)
        path.unlink()
        raise InputError(f"{entry.url} gave no weights but what begins with {start}: {problem}")
    return path


def _problem(path: Path) -> str | None:
    """Why a file is not of the format that its name says, or None."""
    from kerasal.weights.caffe import read_caffemodel  # here: these import Keras
    from kerasal.weights.keras1 import open_keras1
    from kerasal.weights.lasagne import lasagne_shapes

    try:
        if path.suffix == ".npz":
            lasagne_shapes(path)
        elif path.suffix == ".caffemodel":
            return None if read_caffemodel(path) else f"{path} has no layers"
        else:
            with open_keras1(path):
                pass
    except InputError as error:
        return str(error)
    return None


def find_weights(weights: Path | str) -> Path:
    """A weights file by its path, or by its name in `PUBLISHED` if it was downloaded before.

    InputError: no such file, with the command that downloads it.
    """
    if str(weights) in PUBLISHED:
        path = published_path(str(weights))
        if not path.is_file():
            raise InputError(
                f"{weights} is not on this machine: kerasal weights download {weights}, "
                f"or put {path.name} into {path.parent}"
            )
        return path
    path = Path(weights)
    if not path.is_file():
        raise InputError(f"no weights file {path}, and no published one of that name: {', '.join(PUBLISHED)}")
    return path
