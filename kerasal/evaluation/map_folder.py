"""Maps that another program wrote, as a system: image files or .npy arrays in a folder."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from kerasal._threads import on_all_cores
from kerasal.data.images import MAP_SUFFIXES, both_sizes, map_size, read_map, same_aspect
from kerasal.data.names import counted, listed, match, named_files
from kerasal.data.sample import Dataset, Sample
from kerasal.errors import InputError
from kerasal.evaluation.scoring import Case, Job
from kerasal.metrics import resize_map


class MapFolder:
    """The maps of a folder, each of the stimulus whose whole name it has: see `kerasal.data.names`.

    A map of another size than its stimulus is resized as the MIT benchmark's code does it: bicubic, with
    MATLAB's antialiasing and borders. Negative values that this leaves beside sharp edges are set to 0.

    Args:
        folder: of the maps; folders within belong to the maps' names.
        name: of the system; default the folder.
        whole: the data that the maps are for, where `jobs` is asked for a set of a mixture alone: a map must
            not fit another set's stimulus as well.

    InputError: no such folder, no maps in it, two maps of one name.
    """

    knows_answers = False

    def __init__(self, folder: Path | str, name: str | None = None, whole: Dataset | None = None):
        self.folder, self.name, self.whole = Path(folder), name or str(folder), whole
        self._files, self.unread = named_files(self.folder.absolute(), MAP_SUFFIXES, "maps")
        self._sizes: dict[Path, tuple[int, int]] = {}

    def jobs(self, dataset: Dataset, samples: list[Sample]) -> Iterator[Job]:
        """A job for each sample.

        InputError: samples without a map, files that cannot be read, that could be of several stimuli or are
        of another aspect than theirs. What only the values tell, such as a heat map's colours, a job raises.
        """
        files, extra = self.matched(dataset)
        missing = [sample.name for sample in samples if sample.name not in files]
        if missing:
            what = f"{self.folder} has no map for {len(missing)} of {len(samples)} stimuli: {listed(missing)}"
            others = f"; {counted(len(extra), 'file')} of no stimulus: {listed(sorted(extra))}"
            raise InputError(what + (others if extra else ""))
        # By their headers, which takes next to no time: better now than after an hour.
        if errors := list(filter(None, on_all_cores(partial(self._trouble, files), samples))):
            raise InputError("; ".join(errors[:5]) + (f"; and {len(errors) - 5} more" if errors[5:] else ""))
        return (partial(_read, files[sample.name], sample) for sample in samples)

    def matched(self, dataset: Dataset) -> tuple[dict[str, Path], dict[str, Path]]:
        """The files by the names of the dataset's samples, and those of no stimulus by their own.

        InputError: a file that could be of several stimuli, two files of one.
        """
        whole = self.whole or dataset
        if len(whole.sets) == 1:
            return match(whole.names, self._files, of=whole.name)
        files, extra = match(whole.names, self._files)
        if whole is dataset:
            return files, extra
        prefix = f"{dataset.name}/"
        return {name[len(prefix) :]: path for name, path in files.items() if name.startswith(prefix)}, extra

    def fits(self, path: Path, size: tuple[int, int], sample: Sample) -> None:
        """InputError: a map of this size is none of the sample."""
        self._sizes[path] = size
        if not same_aspect(size, sample.size):
            sizes = both_sizes(size, sample.size)
            raise InputError(f"{path} has another aspect than its stimulus: {sizes}")

    def _trouble(self, files: dict[str, Path], sample: Sample) -> str | None:
        path = files[sample.name]
        try:
            self.fits(path, map_size(path), sample)
        except InputError as error:
            return str(error)
        return None

    def notes(self, dataset: Dataset, samples: list[Sample]) -> list[str]:
        """After `jobs`: how these samples' maps were found and what was resized; what was left out."""
        files, _ = self.matched(dataset)
        pair = self.pair(files, samples[0].name)
        matched = f"{counted(len(samples), 'map')} of {self.folder} matched by name, {pair}"
        return [f"{matched}; {self.resized(files, samples)}", *self.left_out(files, samples)]

    def pair(self, files: dict[str, Path], name: str) -> str:
        """A map with its stimulus."""
        return f"{self._short(files[name])} with {name}"

    def resized(self, files: dict[str, Path], samples: list[Sample]) -> str:
        """How many of these samples' maps, each of which was looked at, are resized, and one of them."""
        found = [
            f"{sample.name} from {size[1]}x{size[0]} to {sample.size[1]}x{sample.size[0]}"
            for sample in samples
            if (size := self._sizes[files[sample.name]]) != sample.size
        ]
        return f"{len(found)} of them resized, {found[0]}" if found else "none of them resized"

    def left_out(self, files: dict[str, Path], samples: list[Sample]) -> list[str]:
        """A line about the files that are no map of the samples, if there are any."""
        wanted = {files[sample.name] for sample in samples}
        extra = [path for path in (*self._files.values(), *self.unread) if path not in wanted]
        what = f"left out of {self.folder}: {counted(len(extra), 'file')} of no stimulus"
        return [f"{what}: {listed([self._short(path) for path in extra])}"] if extra else []

    def _short(self, path: Path) -> str:
        return str(path.relative_to(self.folder.absolute()))


@dataclass(frozen=True)
class MapReport:
    """What `check_maps` found: facts as pairs of a label and a value, troubles as (file, what), notes."""

    facts: list[tuple[str, str]]
    troubles: list[tuple[Path, str]]
    notes: list[str]


def check_maps(folder: Path | str, dataset: Dataset) -> MapReport:
    """What of a folder of maps would be scored against what, and what is wrong with them; scores nothing.

    Troubles are: maps that `MapFolder.jobs` refuses, maps of one or two values, a split of which some stimuli
    have a map and some have none, no map of any stimulus. InputError: as `MapFolder`.
    """
    maps = MapFolder(folder)
    try:
        files, extra = maps.matched(dataset)
    except InputError as error:
        return MapReport([], [(maps.folder, str(error))], [])
    facts, troubles, notes = [], [], []
    for split, samples in dataset.splits.items():
        here = [sample for sample in samples if sample.name in files]
        facts.append((f"maps of {split}", f"{len(here)} of {len(samples)} stimuli have one"))
        missing = [sample.name for sample in samples if sample.name not in files]
        if here and missing:
            what = f"no map for {len(missing)} of {len(samples)} stimuli of the {split} split"
            troubles.append((maps.folder, f"{what}: {listed(missing)}"))
    samples = [sample for sample in dataset.samples if sample.name in files]
    if not samples:
        what = f"none of {len(extra)} maps has the name of a stimulus, such as {dataset.samples[0].name}"
        return MapReport(facts, [(maps.folder, f"{what}: {listed(sorted(extra))}")], [])
    readable: list[Sample] = []
    seen: dict[bytes, Path] = {}

    def look_at(sample: Sample) -> tuple[bytes | None, str | None]:
        """A map's SHA-256, None where it cannot be scored; what is wrong with it alone."""
        try:
            values = read_map(files[sample.name])
            maps.fits(files[sample.name], values.shape, sample)
        except InputError as error:
            return None, str(error)
        return hashlib.sha256(values.data).digest(), _implausible(values)

    for sample, (digest, trouble) in zip(samples, on_all_cores(look_at, samples), strict=True):
        path = files[sample.name]
        if digest:
            readable.append(sample)
            first = seen.setdefault(digest, path)
            trouble = trouble or (f"is the same map as {first.name}" if first != path else None)
        if trouble:
            troubles.append((path, " ".join(trouble.replace(str(path), "the file").split())))
    if len(seen) == 1 < len(readable):
        notes.append(f"all maps in {folder} are one and the same: a centre bias?")
        troubles = [(path, what) for path, what in troubles if not what.startswith("is the same map")]
    facts.append(("would be scored", listed([maps.pair(files, sample.name) for sample in samples])))
    facts.append(("resized", maps.resized(files, readable)))
    return MapReport(facts, troubles, [*notes, *maps.left_out(files, samples)])


def _implausible(values: np.ndarray) -> str | None:
    """What a map seems to be that is no saliency map."""
    low, high = values.min(), values.max()
    if low == high:
        return f"the map is {low:g} everywhere"
    if ((values == low) | (values == high)).all():
        return "the map has two values alone: a fixation map or a mask?"
    return None


def _read(path: Path, sample: Sample) -> list[Case]:
    saliency_map = read_map(path)
    if saliency_map.shape != sample.size:
        saliency_map = np.maximum(resize_map(saliency_map, sample.size), 0)
    return [(saliency_map, sample)]
