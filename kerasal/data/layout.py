"""What loaders of published layouts share: MATLAB files, troubles collected or raised, valid fixations."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from kerasal.data.fixations import inside
from kerasal.data.images import check_size
from kerasal.data.mat import mat_variables, not_sparse
from kerasal.errors import InputError


@dataclass
class Troubles:
    """What is wrong with which file: raised at once, or collected where `collect` is set.

    Fixations outside their image are no trouble: they are dropped and counted.
    """

    collect: bool = False
    found: list[tuple[Path, str]] = field(default_factory=list)
    outside: dict[str, int] = field(default_factory=dict)  # fixations dropped, by the sample's name
    exchanged: dict[str, bool] = field(
        default_factory=dict
    )  # whether all of them and the others fit as (y, x)

    @contextmanager
    def reading(self, path: Path) -> Iterator[None]:
        """Collect an InputError that comes in this block as `path`'s; the block ends there."""
        try:
            yield
        except InputError as error:
            if not self.collect:
                raise
            self.add(path, str(error))

    def add(self, path: Path, what: str) -> None:
        """Something is wrong with a file. InputError, unless collecting."""
        if not self.collect:
            raise InputError(what if str(path) in what else f"{path}: {what}")
        self.found.append((path, " ".join(what.replace(str(path), "the file").split())))

    def valid(self, name: str, fixations: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """The fixations (N, 2) that are finite and inside an image of that size; the others are counted."""
        kept = inside(fixations, size)
        if not kept.all():
            self.outside[name] = self.outside.get(name, 0) + int((~kept).sum())
        turned = bool(inside(fixations[:, ::-1], size).all())
        self.exchanged[name] = self.exchanged.get(name, True) and turned
        return fixations[kept]

    @property
    def notes(self) -> list[str]:
        """A line about the fixations dropped, if any were."""
        if not self.outside:
            return []
        count = sum(self.outside.values())
        return [
            f"{count:,} fixation{'s' if count > 1 else ''} outside the image or not finite dropped, "
            f"in {len(self.outside)} image{'s' if len(self.outside) > 1 else ''}"
        ]


def image_size(path: Path) -> tuple[int, int]:
    """(rows, columns) of an image file, from its header. InputError: no such file, no image, too large."""
    try:
        with Image.open(path) as image:
            columns, rows = image.size
    except FileNotFoundError:
        raise InputError(f"{path} is missing") from None
    except Exception as error:  # a damaged file makes Pillow's readers raise nearly anything
        raise InputError(f"cannot read image {path}: {' '.join(str(error).split())}") from None
    check_size(str(path), columns, rows)
    return rows, columns


def read_mat(path: Path, variable: str | None = None) -> np.ndarray:
    """A variable of a MATLAB file (v4 to v7); without a name, the only one there is.

    InputError: no such file or variable, damaged, sparse, or of version 7.3, which is HDF5.
    """
    variables = mat_variables(path)
    if variable is None and len(variables) == 1:
        (variable,) = variables
    if variable not in variables:
        wanted = f"a variable {variable}" if variable else "one variable"
        raise InputError(f"{path} must hold {wanted}; found {', '.join(variables) or 'nothing'}")
    return not_sparse(path, variable, variables[variable])


@contextmanager
def structure(path: Path, what: str) -> Iterator[None]:
    """Taking apart what a file holds that is not as documented becomes an InputError naming the file."""
    try:
        yield
    except InputError:
        raise
    except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{path} does not hold {what}: {' '.join(str(error).split())}") from None


def fixated_pixels(array: np.ndarray) -> np.ndarray:
    """The pixels (N, 2) of a two-dimensional fixation map above 0, as x, y: 0-based, row after row."""
    rows, columns = np.nonzero(array > 0)
    return np.stack([columns, rows], axis=1).astype("float64")


def find_folder(folder: Path, *names: str) -> Path | None:
    """The folder that has all these relative paths: `folder` itself, or the nearest one within it.

    Archives unpack with and without a folder of their own around them. Looks two levels deep.
    """
    level = [folder]
    for _ in range(3):
        for candidate in level:
            if all((candidate / name).exists() for name in names):
                return candidate
        level = [
            path
            for candidate in level
            if candidate.is_dir()
            for path in sorted(candidate.iterdir())
            if path.is_dir() and not path.name.startswith((".", "__MACOSX"))
        ]
    return None
