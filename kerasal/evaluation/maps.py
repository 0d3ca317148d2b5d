"""Maps that another program wrote, as a system: image files or .npy arrays in a folder."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from kerasal.data.images import MAP_SUFFIXES, list_files, read_map
from kerasal.data.sample import Dataset, Sample
from kerasal.errors import InputError
from kerasal.evaluation.scoring import Case, Job
from kerasal.metrics import resize_map


class MapFolder:
    """The maps of a folder, matched with the stimuli by the stems of the files' names.

    A map of another size than its stimulus is resized as the MIT benchmark's code does it: bicubic, with
    MATLAB's antialiasing and borders. Negative values that this leaves beside sharp edges are set to 0.
    InputError: no such folder, no maps in it, two maps of one stem.
    """

    knows_answers = False

    def __init__(self, folder: Path | str, name: str | None = None):
        self.folder, self.name = Path(folder), name or str(folder)
        self._files: dict[str, Path] = {}
        for path in list_files(Path(folder).absolute(), MAP_SUFFIXES):
            if path.stem in self._files:
                raise InputError(
                    f"{folder} has two maps {self._files[path.stem].name} and {path.name}: keep one"
                )
            self._files[path.stem] = path

    def jobs(self, dataset: Dataset, samples: list[Sample]) -> Iterator[Job]:
        """A job for each sample. InputError: samples without a map, or files that cannot be read."""
        missing = [sample.name for sample in samples if _stem(sample) not in self._files]
        if missing:
            raise InputError(
                f"{self.folder} has no map for {len(missing)} of {len(samples)} stimuli: {_named(missing)}"
            )
        self._check_files(samples)
        return (partial(_read, self._files[_stem(sample)], sample) for sample in samples)

    def extra(self, samples: list[Sample]) -> list[str]:
        """Names of files that fit no sample."""
        wanted = {_stem(sample) for sample in samples}
        return [path.name for stem, path in self._files.items() if stem not in wanted]

    def _check_files(self, samples: list[Sample]) -> None:
        # Reading takes a fraction of scoring; better now than after an hour.
        errors = []
        for sample in samples:
            try:
                read_map(self._files[_stem(sample)])
            except InputError as error:
                errors.append(str(error))
        if errors:
            raise InputError("; ".join(errors[:5]) + (f"; and {len(errors) - 5} more" if errors[5:] else ""))


def notes_on(systems, samples: list[Sample]) -> list[str]:
    """A line for each folder that holds maps of no sample."""
    return [
        f"{len(extra)} of the files in {system.folder} fit no stimulus and are left out: {_named(extra)}"
        for system in systems
        if isinstance(system, MapFolder) and (extra := system.extra(samples))
    ]


def _stem(sample: Sample) -> str:
    return Path(sample.name).name


def _named(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _read(path: Path, sample: Sample) -> list[Case]:
    saliency_map = read_map(path)
    if saliency_map.shape != sample.size:
        saliency_map = np.maximum(resize_map(saliency_map, sample.size), 0)
    return [(saliency_map, sample)]
