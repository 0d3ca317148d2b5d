"""Anyone's data: a folder of images, and of maps, fixations or both, matched by the files' names.

    images/       photo.jpg, outdoor/1.jpg ...
    maps/         photo.png or photo.npy: density maps, any non-negative scale
    fixations/    photo.csv, .npy or .mat: one x, y pair a row; or .png, .npy or .mat: a fixation map

Coordinates are pixels of the upright image, 0-based, x to the right and y down, or shares of its width and
height where `normalized` says so. A fixation map has two values, of which the rarer marks fixations. Images
in folders within images/ have those folders in their names: see `kerasal.data.names`.
"""

import re
from pathlib import Path

import numpy as np

from kerasal.data.csv_rows import csv_rows
from kerasal.data.fixations import fixated_pixels
from kerasal.data.images import (
    IMAGE_SUFFIXES,
    MAP_SUFFIXES,
    both_sizes,
    read_image,
    read_map,
    read_marks,
    read_npy,
)
from kerasal.data.mat import mat_variables, not_sparse
from kerasal.data.names import check_folder, counted, listed, match, named_files
from kerasal.data.sample import Dataset, Sample
from kerasal.data.splits import split_in_order
from kerasal.data.troubles import Troubles
from kerasal.errors import InputError

FIXATION_SUFFIXES = (".csv", ".mat", *MAP_SUFFIXES)
OBSERVER = re.compile("(observer|subject|participant)([ _]?id)?")  # the column of a CSV file that tells whose
SPLIT_SEED = 0
TRAIN, VALIDATION = 0.7, 0.15  # shares; the rest is the test split
FEW_PIXELS = 16  # of an image, all of whose fixations may lie between 0 and 1
SIGMA_OF_WIDTH = 0.03  # blur where none is given, as a share of the image's width: OSIE's 24 px of 800


def load(
    folder: Path,
    troubles: Troubles | None = None,
    *,
    sigma: float | None = None,
    pixels_per_degree: float | None = None,
    normalized: bool = False,
) -> Dataset:
    """A folder in the layout above, split at random (seed 0): 70 % train, 15 % validation, the rest test.

    Every file is read once here, so that training cannot fail on it later. An image without its map or
    fixations, a map or fixation file without its image, a file of a kind that is not read, and a fixation
    outside its image are left out, counted and named in the dataset's notes.

    Args:
        sigma: blur of the density maps that are made from fixations, in pixels of the image.
        pixels_per_degree: the same, as one degree of visual angle.
        normalized: whether coordinates are shares of the image's width and height, 0 to 1.

    InputError: no folder, no images, neither maps nor fixations, a file that cannot be read or is not what
    its place says, a map of another size than its image, a file that could be of several images, or fewer
    than three samples.
    """
    troubles = troubles or Troubles()
    check_folder(folder)
    if not (folder / "images").is_dir():
        raise InputError(
            f"no folder {folder / 'images'}: a dataset is a folder with images/ and fixations/ or maps/"
        )
    notes: list[str] = []
    images = _files(folder / "images", IMAGE_SUFFIXES, notes)
    maps, fixations = (
        _files(folder / place, suffixes, notes) if (folder / place).is_dir() else {}
        for place, suffixes in (("maps", MAP_SUFFIXES), ("fixations", FIXATION_SUFFIXES))
    )
    if not maps and not fixations:
        raise InputError(f"{folder} has images/ but neither maps/ nor fixations/: nothing to learn from")
    maps = _matched(images, maps, "map", troubles, notes)
    fixations = _matched(images, fixations, "fixation file", troubles, notes)
    stems = sorted(set(images).intersection(*(files for files in (maps, fixations) if files is not None)))
    maps, fixations = maps or {}, fixations or {}
    samples = []
    for stem in stems:
        with troubles.reading(images[stem]):
            height, width = read_image(images[stem]).shape[:2]
            if stem in maps:
                with troubles.reading(maps[stem]):
                    if (found := read_map(maps[stem]).shape) != (height, width):
                        raise InputError(_other_size(maps[stem], found, (height, width)))
            observers = None
            if stem in fixations:
                observers = ()
                with troubles.reading(fixations[stem]):
                    observers = tuple(
                        troubles.valid(stem, xy, (height, width))
                        for xy in _read_fixations(fixations[stem], (height, width), normalized)
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
        dropped = counted(sum(outside.values()), "fixation")
        notes.append(f"{dropped} outside their image dropped: {listed(list(outside))}")
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


def _files(folder: Path, suffixes: tuple[str, ...], notes: list[str]) -> dict[str, Path]:
    """The files of a folder by their names; those of other kinds are noted."""
    files, others = named_files(folder, suffixes, folder.name)
    if others:
        names = [path.relative_to(folder) for path in others]
        count = f"{counted(len(names), 'file')} in {folder.name}/ {'are' if len(names) > 1 else 'is'}"
        notes.append(f"{count} of no kind that is read there, and left out: {listed(names)}")
    return files


def _matched(
    images: dict[str, Path], files: dict[str, Path], what: str, troubles: Troubles, notes: list[str]
) -> dict[str, Path] | None:
    """The files by the images' names, None without files; images and files without a partner are noted."""
    if not files:
        return None
    found, lone_files = match(images, files)
    lone_images = {stem: path for stem, path in images.items() if stem not in found}
    for kind, lone, other in ((what, lone_files, "image"), ("image", lone_images, what)):
        if lone:
            for path in lone.values():
                troubles.add(path, f"no {other} of the same stem")
            count = counted(len(lone), kind)
            notes.append(f"{count} without {other} of the same stem left out: {listed(sorted(lone))}")
    return found


def _split(samples: list[Sample]) -> dict[str, list[Sample]]:
    order = np.random.default_rng(SPLIT_SEED).permutation(len(samples)).tolist()
    validation = max(1, round(len(samples) * VALIDATION))
    train = min(max(1, round(len(samples) * TRAIN)), len(samples) - validation - 1)
    return split_in_order(samples, order, train, validation)


def _read_fixations(path: Path, size: tuple[int, int], normalized: bool) -> tuple[np.ndarray, ...]:
    """Fixations per observer, each (N, 2): x, y. One observer where the file names none."""
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return _in_pixels(_read_csv(path), size, path, normalized)
    if suffix not in (".npy", ".mat"):
        marks = read_marks(path)
        if marks.shape != size:
            raise InputError(_other_size(path, marks.shape, size))
        return (fixated_pixels(marks, path),)
    array = read_npy(path) if suffix == ".npy" else _read_mat(path)
    if array.shape == size:
        return (fixated_pixels(array, path),)
    if array.size == 0:
        return (np.empty((0, 2)),)
    if array.ndim == 2 and array.shape[1] == 2:
        return _in_pixels((array.astype("float64"),), size, path, normalized)
    turned = f": {both_sizes(array.shape, size)}" if array.shape == size[::-1] else ""
    raise InputError(
        f"{path} has shape {array.shape}: it must hold x, y pairs (N, 2) or a fixation map "
        f"of the image's size {size}{turned}"
    )


def _other_size(path: Path, found: tuple[int, int], size: tuple[int, int]) -> str:
    return f"{path} has another size than its image: {both_sizes(found, size)}"


def _in_pixels(
    observers: tuple[np.ndarray, ...], size: tuple[int, int], path: Path, normalized: bool
) -> tuple[np.ndarray, ...]:
    """Coordinates as pixels. InputError: they seem to be shares where they should not be, or the reverse."""
    points = np.concatenate(observers)
    points = points[np.isfinite(points).all(axis=1)]
    if normalized:
        if len(points) and np.mean(points > 1) > 0.5:
            raise InputError(
                f"{path} has coordinates up to {points.max():g}, and shares of an image lie between 0 and 1: "
                "leave out --normalized"
            )
        sides = np.array(size[::-1], float)
        # 1 is the image's border, which belongs to the last pixel.
        return tuple(np.where(xy == 1, np.nextafter(sides, 0), xy * sides) for xy in observers)
    # Of shares some may lie off the image by a little.
    within = ((points >= 0) & (points <= 1)).all(axis=1)
    if size[0] * size[1] > FEW_PIXELS and within.sum() >= 0.9 * len(points) > 0 and (points < 2).all():
        raise InputError(
            f"all coordinates in {path} lie between 0 and 1, the first pixel of its image of "
            f"{size[1]}x{size[0]}: if they are shares of its width and height say so with --normalized"
        )
    return observers


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
    """Columns x, y and perhaps OBSERVER by their names in the first line, or x, y without such a line."""
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise InputError(f"cannot read {path} as CSV: {error.strerror}") from None
    rows = csv_rows(text, path, "x and y must be numbers with a point, each in its column")
    names = ["x", "y"]
    if rows and not all(_is_number(cell) for cell in rows[0][1]):
        names = [name.lower() for name in rows.pop(0)[1]]
        if names.count("x") != 1 or names.count("y") != 1:
            raise InputError(
                f"{path} needs columns x and y, once each and parted by commas, in its first line, found "
                f"{', '.join(names)[:80]}"
            )
    elif rows and len(rows[0][1]) != 2:
        raise InputError(
            f"{path} has {len(rows[0][1])} columns: its first line must name them, x and y among them"
        )
    who = [name for name in names if OBSERVER.fullmatch(name)]
    if len(who) > 1:
        raise InputError(f"{path} tells observers by the columns {' and '.join(who)}: leave out one")
    observers: dict[str, list[tuple[float, float]]] = {}
    for line, row in rows:
        cells = dict(zip(names, row, strict=True))
        try:
            point = (float(cells["x"]), float(cells["y"]))
        except ValueError:
            raise InputError(
                f"{path}, line {line}: x and y must be numbers, got {','.join(row)[:80]}"
            ) from None
        observers.setdefault(cells[who[0]] if who else "", []).append(point)
    return tuple(np.array(points) for points in observers.values()) or (np.empty((0, 2)),)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
