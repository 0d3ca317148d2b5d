"""Looking at every file of a dataset: what is wrong with which, and the statistics that a paper prints."""

import hashlib
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from kerasal._progress import Progress
from kerasal._threads import on_all_cores
from kerasal.data.datasets import load, locate
from kerasal.data.fixations import LARGEST_SHARE
from kerasal.data.images import FORMATS, decode_image, file_orientation, read_map
from kerasal.data.names import counted, files_in, find_folder, listed
from kerasal.data.sample import Dataset, Sample
from kerasal.data.troubles import Troubles
from kerasal.errors import InputError

SUMS = "SHA256SUMS"  # in a dataset's folder: lines as `sha256sum` writes them

# What no recording of people who look freely shows; docs/datasets.md says what is made of it.
CORNER, CORNER_COUNT = 0.1, 3  # a corner's share of each side, where not all fixations lie, if so many
CLUMPED_COUNT, CLUMPED_SHARE = 20, 0.5  # of fixated pixels, that touch another one's side
COPIED_COUNT = 5  # fixations that two images do not share to the last digit
ENOUGH = 50  # fixations of a dataset, from which on their places as a whole are judged
LARGEST_CENTRAL_SHARE = 0.95  # of all fixations in the middle quarter of the area


@dataclass(frozen=True)
class Report:
    """What `check` found: troubles as (file, what), and the dataset if it could be loaded at all."""

    troubles: list[tuple[Path, str]]
    dataset: Dataset | None
    notes: list[str] = field(default_factory=list)


def check(
    name: str, folder: Path | str | None = None, *, progress: Progress = lambda items, _: items, **arguments
) -> Report:
    """Read every file of a dataset, named as in `kerasal.data.load`, whose further arguments are taken too.

    Troubles are: a file that is missing, empty, damaged, cut off, of another type than its name or its
    place says, or of another size than its partner; one that names another stimulus; a stimulus, a map or
    fixations that are there twice; fixations that lie outside for the most part, fit only with x and y
    exchanged, are too many, or lie where nobody looks alone; a density map without mass or of two values;
    another checksum than the one known. Images without fixations and files with an EXIF orientation are
    noted.
    Checksums are known for datasets in kerasal/data/sums, and from a file SHA256SUMS in the folder.

    InputError: an unknown name, or no such folder.
    """
    name, folder = locate(name, folder)
    if name == "synthetic":
        raise InputError("synthetic is generated: it has no files to check")
    if not folder.is_dir():
        raise InputError(f"no folder {folder}: name the folder after the dataset")
    troubles = Troubles(collect=True)
    dataset, notes = None, []
    try:
        dataset = load(name, folder, troubles=troubles, **arguments)
    except InputError as error:
        troubles.found.append((folder, str(error)))
    if dataset:
        notes += dataset.notes
        seen: dict[bytes, Path] = {}
        samples = sorted(dataset.samples, key=lambda sample: sample.name)
        reading = progress(samples, f"reading {len(samples)} stimuli")
        for contents in on_all_cores(partial(_look_at, troubles), reading):
            for digest, place, what in contents:
                if (first := seen.setdefault(digest, place)) is not place:
                    troubles.add(place, f"{place} {what} {first.name}")
        _look_at_places(samples, folder, troubles)
        notes += _notes(samples)
    with troubles.reading(folder):
        for path in files_in(folder):
            if path.is_file() and path.stat().st_size == 0:
                troubles.add(path, "the file is empty")
    notes += _compare_sums(name, folder, troubles)
    return Report(sorted(dict.fromkeys(troubles.found)), dataset, notes)


def statistics(dataset: Dataset) -> list[tuple[str, str]]:
    """What a paper prints of a dataset, as pairs of a label and a value, in order."""
    samples = dataset.samples
    sizes = Counter(sample.size[::-1] for sample in samples)
    (width, height), most = sizes.most_common(1)[0]
    rows = [
        ("images", f"{len(samples):,}"),
        ("splits", ", ".join(f"{len(part):,} {split}" for split, part in dataset.splits.items())),
        ("sizes", f"{width}x{height} ({most:,} of {len(samples):,})" + _extremes(sizes)),
        ("density sigma", _range([sample.sigma for sample in samples], "px")),
    ]
    if degrees := [sample.pixels_per_degree for sample in samples if sample.pixels_per_degree]:
        rows.append(("pixels per degree", _range(degrees, "px")))
    if not dataset.has_fixations:
        return [*rows, ("fixations", "none: density maps alone")]
    known = [sample for sample in samples if sample.fixations]  # not those whose files were refused
    if not known:
        return [*rows, ("fixations", "none: no file of them can be read")]
    counts = [[len(xy) for xy in sample.fixations or ()] for sample in known]
    per_image = list(map(sum, counts))
    shares = _shares(samples)
    pooled = any(sample.pooled for sample in samples)
    rows += [
        ("observers", "pooled" if pooled else _range(list(map(len, counts)))),
        ("fixations", f"{len(shares):,}"),
        ("fixations per image", _spread(per_image)),
    ]
    if not pooled:
        rows.append(("per image and observer", _spread([count for image in counts for count in image])))
    if empty := per_image.count(0):
        rows.append(("images without fixations", f"{empty:,}"))
    if len(shares):
        (x, y), (dx, dy) = 100 * shares.mean(axis=0), 100 * shares.std(axis=0)
        central = f"{100 * _central(shares):.1f} % of the fixations in the middle quarter of the area"
        rows += [
            ("mean place", f"x {x:.1f} ± {dx:.1f} % of the width, y {y:.1f} ± {dy:.1f} % of the height"),
            ("centre bias", central),
        ]
    return rows


# What no two samples share: a digest, whose it is, and what to say of one that has it, too.
Content = tuple[bytes, Path, str]


def _look_at(troubles: Troubles, sample: Sample) -> list[Content]:
    """Read a sample's files to the last byte."""
    contents = []
    stimulus = sample.stimulus
    place = stimulus if isinstance(stimulus, Path) else Path(sample.name)
    with troubles.reading(place):
        if isinstance(stimulus, Path):
            pixels = _whole(stimulus, stimulus.read_bytes())
        else:
            pixels = sample.read_stimulus()
        contents.append(_content(pixels, place, "shows the same picture as"))
        if pixels.shape[:2] != sample.size:
            rows, columns = sample.size
            raise InputError(
                f"{place} is {pixels.shape[1]}x{pixels.shape[0]}, its fixations are for {columns}x{rows}"
            )
    if isinstance(sample.density_file, Path):
        with troubles.reading(sample.density_file):
            contents.append(_look_at_density(sample.density_file))
    fixations = sample.all_fixations()
    lost, kept = troubles.outside.get(sample.name, 0), len(fixations)
    if troubles.exchanged.get(sample.name) and lost > 0.02 * (lost + kept):
        troubles.add(place, f"{lost} fixations are outside, and inside with x and y exchanged")
    elif lost > kept:
        troubles.add(place, f"{lost} of {lost + kept} fixations are outside: those of another image?")
    with troubles.reading(place):
        fixated = sample.fixation_map() > 0
        if (share := fixated.mean()) > LARGEST_SHARE:
            raise InputError(f"{place} has fixations on {share:.0%} of its pixels: more than eyes can make")
        # Dots come from maps of pixels; places in an image that was made small have fractions, and lie close.
        of_pixels = not (fixations % 1).any()
        clumped = of_pixels and fixated.sum() >= CLUMPED_COUNT
        if clumped and (share := _touching(fixated)) > CLUMPED_SHARE:
            raise InputError(
                f"{share:.0%} of the fixated pixels of {place} touch another: dots larger than a pixel?"
            )
        sides = np.abs(fixations / sample.size[::-1] - [[[0, 0]], [[1, 0]], [[0, 1]], [[1, 1]]])
        if kept >= CORNER_COUNT and (sides < CORNER).all(axis=(1, 2)).any():
            raise InputError(
                f"all {kept} fixations on {place} lie in one corner of it: are they pixels of this image?"
            )
        if kept >= COPIED_COUNT:
            contents.append(_content(fixations, place, "has the very fixations of"))
    return contents


def _look_at_density(path: Path) -> Content:
    """InputError: a density map that is damaged, or no density."""
    if path.suffix.lower() != ".npy":
        _whole(path, path.read_bytes())
    density = read_map(path)
    low, high = density.min(), density.max()
    if low == high:
        raise InputError(f"{path} is {low:g} everywhere: a density map without mass, or of no place")
    if ((density == low) | (density == high)).all():
        raise InputError(f"{path} has two values: a fixation map, which goes into fixations/, or a mask")
    return _content(density, path, "is the same map as")


def _look_at_places(samples: list[Sample], folder: Path, troubles: Troubles) -> None:
    """Where the fixations of all images lie, as shares of the sides: where no dataset has all of its own."""
    shares = _shares(samples)
    if not len(shares) and any(sample.fixations for sample in samples):
        troubles.add(folder, "no image has any fixation")
    if len(shares) < ENOUGH:
        return
    left, top = (shares < 0.5).mean(axis=0)
    if left in (0, 1) and top in (0, 1):
        quarter = f"{'top' if top else 'bottom'} {'left' if left else 'right'}"
        troubles.add(
            folder,
            f"all fixations of all images lie in the {quarter} quarter: pixels of a screen or image of "
            "another size?",
        )
    elif (central := _central(shares)) > LARGEST_CENTRAL_SHARE:
        troubles.add(
            folder,
            f"{central:.0%} of all fixations lie in the middle quarter of the area, more than any "
            "centre bias: is it a fixation cross, or part of the screen around the images?",
        )


def _notes(samples: list[Sample]) -> list[str]:
    """What is no trouble, and good to know: images nobody looked at, files that are turned."""
    notes = []
    unseen = [s.name for s in samples if s.fixations and not len(s.all_fixations())]
    if unseen:
        notes.append(f"{len(unseen)} of {len(samples)} images have no fixation at all: {listed(unseen)}")
    files = [file for s in samples for file in (s.stimulus, s.density_file) if isinstance(file, Path)]
    turned = [f"{file.name} ({o})" for file in files if (o := file_orientation(file)) != 1]
    if turned:
        notes.append(
            f"{counted(len(turned), 'file')} turned by an EXIF orientation, fixations being taken for those "
            f"of the turned image: {', '.join(turned)}"
        )
    return notes


def _touching(fixated: np.ndarray) -> float:
    """The share of fixated pixels of a map (H, W), bool, that have another beside, above or below them."""
    padded = np.pad(fixated, 1)
    around = padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    return (fixated & around).sum() / fixated.sum()


def _content(array: np.ndarray, place: Path, what: str) -> Content:
    digest = hashlib.sha256(f"{what} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.digest(), place, what


def _shares(samples: list[Sample]) -> np.ndarray:
    """The places of all fixations (N, 2), x and y as shares of their image's sides."""
    return np.concatenate([np.empty((0, 2)), *(s.all_fixations() / s.size[::-1] for s in samples)])


def _central(shares: np.ndarray) -> float:
    """The share of places (N, 2), in shares of the sides, that lie in the middle quarter of the area."""
    return float((np.abs(shares - 0.5) < 0.25).all(axis=1).mean())


def _whole(path: Path, data: bytes) -> np.ndarray:
    """The pixels of an image file that holds `data`.

    InputError: empty, damaged, cut off, or of another type than the suffix says.
    """
    if not data:
        raise InputError("the file is empty")
    pixels = decode_image(data, path)
    with Image.open(io.BytesIO(data)) as image:
        kind = image.format
    if path.suffix.lower() not in FORMATS.get(kind, (path.suffix.lower(),)):
        raise InputError(f"{path} is a {kind} file by its content")
    if kind == "JPEG" and b"\xff\xd9" not in data[data.rfind(b"\xff\xda") :]:
        raise InputError(f"{path} has no end: it was cut off")
    return pixels


def _compare_sums(name: str, folder: Path, troubles: Troubles) -> list[str]:
    """Compare with the checksums known; returns notes."""
    notes = []
    shipped = Path(__file__).parent / "sums" / f"{name}.sha256"
    if shipped.is_file():
        sums = _read_sums(shipped)
        root = find_folder(folder, *{str(Path(path).parent) for path in sums}) or folder
        wrong = [path for path, digest in sums.items() if _digest(root / path) != digest]
        if 2 * len(wrong) < len(sums):
            for path in wrong:
                what = "not the published file: another checksum" if (root / path).is_file() else "missing"
                troubles.add(root / path, what)
            if not wrong:
                notes.append(f"all {len(sums):,} files have the published checksums")
        else:
            notes.append("not the edition whose checksums are known: they were not compared")
    if (folder / SUMS).is_file():
        with troubles.reading(folder / SUMS):
            sums = _read_sums(folder / SUMS)
            for path, digest in sums.items():
                if (found := _digest(folder / path)) != digest:
                    troubles.add(folder / path, f"another checksum than in {SUMS}" if found else "missing")
            notes.append(f"compared {len(sums):,} files with {SUMS}")
    return notes


def _read_sums(path: Path) -> dict[str, str]:
    """File -> SHA-256, from lines as `sha256sum` writes them. InputError: other lines."""
    sums = {}
    for line in filter(str.strip, path.read_text(encoding="utf-8-sig", errors="replace").split("\n")):
        found = re.fullmatch(r"(\\?)([0-9a-fA-F]{64}) [ *](?:\./)?(.+?)\r?", line)
        if not found:
            raise InputError(f"{path} must hold lines as sha256sum writes them, and has {line[:80]!r}")
        escaped, digest, name = found.groups()
        if escaped:  # by a backslash before the digest: the name's are doubled, line ends are letters
            name = re.sub(r"\\(.)", lambda it: {"n": "\n", "r": "\r"}.get(it[1], it[1]), name)
        sums[name] = digest.lower()
    return sums


def _digest(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _extremes(sizes: Counter) -> str:
    if len(sizes) == 1:
        return ""
    by_area = sorted(sizes, key=lambda size: size[0] * size[1])
    (w, h), (width, height) = by_area[0], by_area[-1]
    return f", {len(sizes):,} in all, from {w}x{h} to {width}x{height}"


def _range(values: Sequence[float], unit: str = "") -> str:
    low, high = min(values), max(values)
    text = f"{low:g}" if low == high else f"{low:.4g} to {high:.4g}"
    return f"{text} {unit}".strip()


def _spread(counts: Sequence[int]) -> str:
    deviation = np.std(counts, ddof=1) if len(counts) > 1 else 0
    return f"{np.mean(counts):.1f} ± {deviation:.1f} ({min(counts)} to {max(counts)})"
