"""What loaders of published layouts share: MATLAB files, troubles collected or raised, valid fixations."""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from kerasal.data.fixations import inside
from kerasal.data.images import check_size, file_orientation
from kerasal.data.mat import mat_variables, not_sparse
from kerasal.errors import InputError

ASPECT_TOLERANCE = 0.02  # the shares of sides that networks round up to, such as 608 for 600
LARGEST_SHARE = 0.05  # of an image's pixels that may be fixated: 15 observers and 5 s make less than 0.001


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
    """(rows, columns) of an image file, upright, from its header.

    InputError: no such file, no image, too large.
    """
    try:
        with Image.open(path) as image:
            columns, rows = image.size
            # Pillow gives the size of a TIFF as that of the upright image at once.
            on_its_side = image.format != "TIFF" and file_orientation(path) >= 5
    except FileNotFoundError:
        raise InputError(f"{path} is missing") from None
    except Exception as error:  # a damaged file makes Pillow's readers raise nearly anything
        raise InputError(f"cannot read image {path}: {' '.join(str(error).split())}") from None
    check_size(str(path), columns, rows)
    return (columns, rows) if on_its_side else (rows, columns)


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


def fixated_pixels(array: np.ndarray, path: Path) -> np.ndarray:
    """The fixated pixels (N, 2) of a fixation map (H, W), as x, y: 0-based, row after row.

    Such a map has two values, of which the rarer marks fixations; where all of it is 0 nobody looked.
    InputError, naming the map's file: other values, or so many fixations as no eyes make.
    """
    low, high = array.min(), array.max()
    is_low, is_high = array == low, array == high
    if not (is_low | is_high).all():  # NaN fails too
        raise InputError(f"{path} is no fixation map, which has two values: {_looks_like(array)}")
    if low == high == 0:
        return np.empty((0, 2))
    marks = min(is_low, is_high, key=np.count_nonzero)
    share = np.count_nonzero(marks) / array.size
    if low == high or share > LARGEST_SHARE:
        covered = f"its rarer value covers {share:.0%}" if low < high else f"all of it is {low:g}"
        raise InputError(
            f"{path} is no fixation map, in which at most {LARGEST_SHARE:.0%} of the pixels are fixated: "
            f"{covered}, as in a mask"
        )
    rows, columns = np.nonzero(marks)
    return np.stack([columns, rows], axis=1).astype("float64")


def _looks_like(array: np.ndarray) -> str:
    """What an array of more than two values seems to be, for the user."""
    low, high = array.min(), array.max()
    if not np.isfinite([low, high]).all():
        return "it has values that are not finite"
    found = f"it has {len(np.unique(array))}, from {low:g} to {high:g}"
    place = (array - float(low)) / (float(high) - float(low))
    if np.mean(place > 0) <= LARGEST_SHARE and high <= 100:
        return f"{found}: are they counts? Save 1 where there is a fixation"
    if np.mean((place > 0.3) & (place < 0.7)) < 0.01 and np.mean(place > 0.5) <= LARGEST_SHARE:
        return f"{found}, most near both ends: are they dots, drawn smoothly or saved as JPEG?"
    return f"{found}: is it a density map? That goes into maps/"


def same_aspect(found: tuple[int, int], size: tuple[int, int]) -> bool:
    """Whether a map of one size (rows, columns) is an image of the other made smaller or larger.

    Sides may be rounded to whole pixels either way, and aspects differ by ASPECT_TOLERANCE.
    """
    (rows, columns), (height, width) = found, size
    rounded = abs(rows - columns * height / width) < 1 or abs(columns - rows * width / height) < 1
    return rounded or abs(rows * width / (columns * height) - 1) <= ASPECT_TOLERANCE


def sizes(found: tuple[int, int], size: tuple[int, int]) -> str:
    """Both sizes (rows, columns), of a map and of its image, and whether the map would fit transposed."""
    fits = not same_aspect(found, size) and same_aspect(found[::-1], size)
    text = f"{found[1]}x{found[0]} and {size[1]}x{size[0]}, width x height"
    return text + ("; transposed it would fit" if fits else "")


def csv_rows(text: str, path: Path, expected: str) -> list[tuple[int, list[str]]]:
    """The rows of a CSV file's text, each with the number of its line; cells stripped, no empty rows.

    InputError: a row of another length than the first, which says what is `expected`; or no CSV.
    """
    # Python takes some of these for spaces, and for ends of lines: a digit's place would go unnoticed.
    if control := re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", text):
        line = text.count("\n", 0, control.start()) + 1
        raise InputError(f"cannot read {path} as CSV, line {line}: it has the character {control[0]!r}")
    reader = csv.reader(text.splitlines())
    try:
        cells = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise InputError(f"cannot read {path} as CSV, line {reader.line_num}: {error}") from None
    rows = [(line, row) for line, row in cells if any(row)]
    for line, row in rows:
        if len(row) != len(first := rows[0][1]):
            raise InputError(
                f"{path}, line {line} has {len(row)} cells and the first {len(first)}: {expected}, "
                f"got {','.join(row)[:80]}"
            )
    return rows


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
