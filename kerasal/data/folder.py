"""Anyone's data: a folder of images, and of maps, fixations or both, matched by the files' stems.

    images/       photo.jpg ...
    maps/         photo.png or photo.npy: density maps, any non-negative scale
    fixations/    photo.csv, .npy or .mat: one x, y pair a row; or .png, .npy or .mat: a fixation map

Coordinates are pixels of the image, 0-based, x to the right and y down; a pixel of a fixation map is
fixated where an image file is brighter than half, or an array is above 0.
"""

import csv
from pathlib import Path

import numpy as np

from kerasal.data.images import IMAGE_SUFFIXES, MAP_SUFFIXES, list_files, read_image, read_map, read_npy
from kerasal.data.layout import Troubles, fixated_pixels
from kerasal.data.mat import mat_variables, not_sparse
from kerasal.data.sample import Dataset, Sample
from kerasal.errors import InputError

FIXATION_SUFFIXES = (".csv", ".mat", *MAP_SUFFIXES)
SPLIT_SEED = 0
TRAIN, VALIDATION = 0.7, 0.15  # shares; the rest is the test split
SIGMA_OF_WIDTH = 0.03  # blur where none is given, as a share of the image's width: OSIE's 24 px of 800


def load(
    folder: Path,
    troubles: Troubles | None = None,
    *,
    sigma: float | None = None,
    pixels_per_degree: float | None = None,
) -> Dataset:
    """A folder in the layout above, split at random (seed 0): 70 % train, 15 % validation, the rest test.

    Every file is read once here, so that training cannot fail on it later. An image without its map or
    fixations, a map or fixation file without its image, and a fixation outside its image are left out,
    counted and named in the dataset's notes.

    Args:
        sigma: blur of the density maps that are made from fixations, in pixels of the image.
        pixels_per_degree: the same, as one degree of visual angle.

    InputError: no folder, no images, neither maps nor fixations, a file that cannot be read, a map of
    another size than its image, or fewer than three samples.
    """
    troubles = troubles or Troubles()
    if not folder.is_dir():
        raise InputError(f"no folder {folder}")
    images = _by_stem(folder / "images", IMAGE_SUFFIXES)
    maps = _by_stem(folder / "maps", MAP_SUFFIXES) if (folder / "maps").is_dir() else {}
    fixations = _by_stem(folder / "fixations", FIXATION_SUFFIXES) if (folder / "fixations").is_dir() else {}
    if not maps and not fixations:
        raise InputError(f"{folder} has images/ but neither maps/ nor fixations/: nothing to learn from")
    notes = []
    wanted = [(name, files) for name, files in (("map", maps), ("fixation file", fixations)) if files]
    for kind, files in wanted:
        for what, left, other, right in ((kind, files, "image", images), ("image", images, kind, files)):
            if lone := sorted(set(left) - set(right)):
                if troubles.collect:
                    for stem in lone:
                        troubles.add(left[stem], f"no {other} of the same stem")
                count = f"{len(lone)} {what}{'s' if len(lone) > 1 else ''}"
                notes.append(f"{count} without {other} of the same stem left out: {_named(lone)}")
    stems = sorted(set(images).intersection(*(files for _, files in wanted)))
    samples = []
    for stem in stems:
        with troubles.reading(images[stem]):
            height, width = read_image(images[stem]).shape[:2]
            if stem in maps:
                with troubles.reading(maps[stem]):
                    if read_map(maps[stem]).shape != (height, width):
                        raise InputError(f"{maps[stem]} has another size than its image, {height}x{width}")
            observers = None
            if stem in fixations:
                observers = ()
                with troubles.reading(fixations[stem]):
                    observers = tuple(
                        troubles.valid(stem, xy, (height, width))
                        for xy in _read_fixations(fixations[stem], (height, width))
                    )
            samples.append(
                Sample(
                    stem,
                    (height, width),
                    images[stem],
                    observers,
                    sigma or pixels_per_degree or SIGMA_OF_WIDTH * width,
                    density_file=maps.get(stem),
                    pixels_per_degree=pixels_per_degree,
                )
            )
    if outside := troubles.outside:
        notes.append(
            f"{sum(outside.values())} fixations outside their image dropped: {_named(list(outside))}"
        )
    if len(samples) < 3 and not troubles.collect:
        raise InputError(
            f"{folder} has {len(samples)} usable samples, at least 3 are needed, one for each split"
            + "".join(f"; {note}" for note in notes)
        )
    if not maps and not sigma and not pixels_per_degree:
        notes.append(
            f"density maps are made with a Gaussian of {SIGMA_OF_WIDTH:.0%} of the image's width; "
            "--sigma or --pixels-per-degree set it"
        )
    return Dataset(
        name=folder.resolve().name,
        splits=_split(samples),
        description=f"images from {folder}",
        licence="not stated",
        notes=notes,
    )


def _by_stem(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for path in list_files(folder, suffixes):
        if path.stem in files:
            raise InputError(f"{files[path.stem]} and {path.name} have the same stem: keep one of them")
        files[path.stem] = path
    return files


def _named(stems: list[str]) -> str:
    return ", ".join(stems[:5]) + (f" and {len(stems) - 5} more" if len(stems) > 5 else "")


def _split(samples: list[Sample]) -> dict[str, list[Sample]]:
    order = np.random.default_rng(SPLIT_SEED).permutation(len(samples))
    validation = max(1, round(len(samples) * VALIDATION))
    train = min(max(1, round(len(samples) * TRAIN)), len(samples) - validation - 1)
    parts = np.split(order, [train, train + validation])
    names = ("train", "validation", "test")
    return {name: [samples[i] for i in sorted(part)] for name, part in zip(names, parts, strict=True)}


def _read_fixations(path: Path, size: tuple[int, int]) -> tuple[np.ndarray, ...]:
    """Fixations per observer, each (N, 2): x, y. One observer where the file names none."""
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return _read_csv(path)
    if suffix == ".npy":
        return (_points(read_npy(path), size, path),)
    if suffix == ".mat":
        return (_points(_read_mat(path), size, path),)
    shades = read_image(path).max(axis=2)
    return (_points((shades > 127).astype("uint8"), size, path),)


def _points(array: np.ndarray, size: tuple[int, int], path: Path) -> np.ndarray:
    """(N, 2) points from an array that holds them, or that is a fixation map of the image's size."""
    if array.shape == size:
        return fixated_pixels(array)
    if array.size == 0:
        return np.empty((0, 2))
    if array.ndim == 2 and array.shape[1] == 2:
        return array.astype("float64")
    raise InputError(
        f"{path} has shape {array.shape}: it must hold x, y pairs (N, 2) or a fixation map "
        f"of the image's size {size}"
    )


def _read_mat(path: Path) -> np.ndarray:
    variables = mat_variables(path)
    arrays = {
        name: value
        for name, value in variables.items()
        if isinstance(not_sparse(path, name, value), np.ndarray) and value.dtype.kind in "biuf"
    }
    if len(arrays) != 1:
        found = ", ".join(variables) or "nothing"
        raise InputError(
            f"{path} must hold one numeric variable, x, y pairs or a fixation map; found {found}"
        )
    return next(iter(arrays.values()))


def _read_csv(path: Path) -> tuple[np.ndarray, ...]:
    """Columns x, y and perhaps observer by their names in the first line, or x, y without such a line."""
    observers: dict[str, list[tuple[float, float]]] = {}
    try:
        with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
            rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, csv.Error) as error:  # a cell of hundreds of thousands of characters, say
        raise InputError(f"cannot read {path} as CSV: {error}") from None
    names = ["x", "y"]
    if rows and not _is_number(rows[0][0]):
        names = [cell.strip().lower() for cell in rows.pop(0)]
        if "x" not in names or "y" not in names:
            raise InputError(f"{path} needs columns x and y in its first line, found {', '.join(names)}")
    for number, row in enumerate(rows, start=1):
        cells = dict(zip(names, row, strict=False))
        try:
            point = (float(cells["x"]), float(cells["y"]))
        except (KeyError, ValueError):
            raise InputError(f"{path}, fixation {number}: x and y must be numbers, got {row}") from None
        observers.setdefault(cells.get("observer", ""), []).append(point)
    return tuple(np.array(points) for points in observers.values()) or (np.empty((0, 2)),)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
