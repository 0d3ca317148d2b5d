"""Datasets of pysaliency as kerasal's, and kerasal's as pysaliency's.

Both count pixels from 0, x to the right and y down, and take a fixation's pixel by rounding down. What
pysaliency knows besides (times, durations, the order of fixations) has no place in a sample.
Source: https://github.com/matthias-k/pysaliency, version 0.2.22.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from kerasal.data.fixations import inside
from kerasal.data.folder import SIGMA_OF_WIDTH, TRAIN, VALIDATION
from kerasal.data.images import as_rgb
from kerasal.data.sample import SPLITS, Dataset, Sample
from kerasal.data.splits import ranked_split
from kerasal.errors import InputError

if TYPE_CHECKING:
    import pysaliency


def from_pysaliency(
    stimuli: "pysaliency.Stimuli",
    fixations: "pysaliency.Fixations",
    *,
    name: str = "pysaliency",
    sigma: float | None = None,
    split: str | None = None,
) -> Dataset:
    """pysaliency's stimuli and fixations (or scanpaths) as a dataset to train and evaluate on.

    Args:
        stimuli: of arrays or of files; grey ones become RGB.
        fixations: of these stimuli. Subjects are the observers; with one subject alone, who looked where
            counts as unknown.
        sigma: blur of the density maps, in pixels; default 3 % of each stimulus's width, as for a folder.
        split: that all samples are in; None: 70 % train, 15 % validate and the rest tests, by their names.

    InputError: a stimulus's number, a sigma or a split that there is not, or no fixations. Fixations beside
    their stimulus are left out, and counted in the notes.
    """
    if sigma is not None and not 0 < sigma < float("inf"):
        raise InputError(f"sigma must be positive, got {sigma}")
    if split not in (None, *SPLITS):
        raise InputError(f"unknown split {split!r}: one of {', '.join(SPLITS)}, or None")
    numbers, subjects = np.asarray(fixations.n), np.asarray(fixations.subjects)
    if not len(numbers):
        raise InputError("there are no fixations")
    if numbers.min() < 0 or numbers.max() >= len(stimuli):
        raise InputError(
            f"the fixations are of stimuli {numbers.min()} to {numbers.max()}, and there are {len(stimuli)}, "
            "counted from 0"
        )
    places = np.stack([fixations.x, fixations.y], axis=1).astype("float64")
    samples, beside = [], 0
    for number, (label, pixels) in enumerate(zip(_names(stimuli), _pixels(stimuli), strict=True)):
        rows, columns = map(int, stimuli.sizes[number])
        size = rows, columns
        ours = numbers == number
        valid = inside(places, size) & ours
        beside += np.count_nonzero(ours & ~valid)
        observers = np.unique(subjects[ours])
        samples.append(
            Sample(
                label,
                size,
                pixels,
                tuple(places[valid & (subjects == observer)] for observer in observers),
                sigma or SIGMA_OF_WIDTH * size[1],
                observers=tuple(str(observer) for observer in observers),
                pooled=len(np.unique(subjects)) == 1,
            )
        )
    splits = {part: samples if part == split else [] for part in SPLITS}
    if split is None:
        splits = ranked_split(samples, TRAIN, VALIDATION, name)
    notes = [f"{beside} fixations lie beside their stimulus and are left out"] if beside else []
    return Dataset(name, splits, f"{len(samples)} stimuli of pysaliency", "not stated", notes)


def to_pysaliency(samples: Sequence[Sample]) -> "tuple[pysaliency.Stimuli, pysaliency.Fixations]":
    """Samples of a dataset, such as `dataset["test"]`, as pysaliency's stimuli, in memory, and fixations.

    Observers are numbered in the order in which each sample has them. InputError: pysaliency is not
    installed, or samples that have density maps alone.
    """
    pysaliency = import_pysaliency()
    if without := [sample.name for sample in samples if sample.fixations is None]:
        raise InputError(f"{without[0]} has a density map alone: pysaliency wants fixations")
    rows = [
        (x, y, number, observer)
        for number, sample in enumerate(samples)
        for observer, fixations in enumerate(sample.fixations or ())
        for x, y in fixations
    ]
    x, y, n, subjects = np.array(rows, "float64").reshape(-1, 4).T
    stimuli = pysaliency.Stimuli([sample.read_stimulus() for sample in samples])
    made = pysaliency.Fixations.create_without_history(x, y, n.astype(int), subjects.astype(int))
    return stimuli, made


def import_pysaliency() -> ModuleType:
    """The package. InputError: it is not installed."""
    try:
        import pysaliency
    except ImportError as error:  # perhaps PyTorch's, which it imports
        raise InputError(f"this needs {error.name}: pip install 'kerasal[pysaliency]'") from None
    return pysaliency


def _names(stimuli) -> list[str]:
    """The stems of the files where there are some and they differ, else numbers."""
    stems = [Path(file).stem for file in getattr(stimuli, "filenames", ())]
    if stems and len(set(stems)) == len(stems):
        return stems
    return [f"{number:05}" for number in range(len(stimuli))]


def _pixels(stimuli):
    """What makes each stimulus's array, and can be sent to another process without the others."""
    if files := getattr(stimuli, "filenames", ()):
        return [partial(_of_file, str(file)) for file in files]
    return [partial(np.asarray, as_rgb(np.asarray(stimulus.stimulus_data))) for stimulus in stimuli]


def _of_file(file: str) -> np.ndarray:
    """As pysaliency reads it: not turned by its EXIF tag, for the fixations are not either."""
    return as_rgb(np.asarray(import_pysaliency().FileStimuli([file]).stimuli[0]))
