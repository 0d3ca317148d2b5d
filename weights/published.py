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

    InputError: an unknown name; a page in place of weights, as of a hotel's network, which does not stay; or
    see `kerasal.weights.download.download`.
    """
    path = published_path(name)
    entry = PUBLISHED[name]
    if path.is_file() and _is_text(path):
        path.unlink()
    download(entry.url, path, sha256=entry.sha256, size=entry.size, progress=progress)
    if _is_text(path):
        path.unlink()
        raise InputError(f"{entry.url} gave a page in place of weights: open it in a browser")
    return path


def _is_text(path: Path) -> bool:
    """Whether a file is a page, or another text: weights of every format have zeros among the first bytes."""
    with open(path, "rb") as file:
        return b"\0" not in file.read(1 << 16)


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
