"""MIT1003: 1003 photographs, 15 observers, 3 s of free viewing; the paper trains and tests on it.

Longest side 1024 pixels, 463 images of 1024x768. The gaze is published as samples; the fixations are found
in them as the authors' `checkFixations.m` does (`kerasal.data.gaze`). As pysaliency does, fixations on the
border pixel or outside are left out, then the first one of each observer, which the forced central cross
explains. Coordinates are taken as they are, probably 1-based, as pysaliency does too. About 34 pixels per
degree by the authors' code; density maps use sigma 24 px, which reproduces the benchmark's maps.

Licence: none stated; research use with citation. Source: Judd, Ehinger, Durand and Torralba, "Learning to
predict where humans look", ICCV 2009.
"""

from pathlib import Path

import numpy as np

from kerasal.data.gaze import fixations_from_gaze
from kerasal.data.images import image_size, list_files
from kerasal.data.mat import read_mat
from kerasal.data.names import folders, visible
from kerasal.data.published import facts
from kerasal.data.sample import Dataset, Sample
from kerasal.data.splits import ranked_split
from kerasal.data.troubles import Troubles
from kerasal.errors import InputError, reading

INFO = facts("mit1003")
TRAIN, VALIDATION = 500, 200  # the paper's numbers; it does not name the images
NOT_GAZE = ("shuff_stimnames", "calibrationdata")
SIGMA = float(INFO.sigma)


def load(folder: Path, troubles: Troubles) -> Dataset:
    """MIT1003, split as the paper says: 500 train, 200 validation, the rest test (seeded, see `INFO`).

    InputError: no such layout in `folder`; a damaged file; gaze missing.
    """
    root = INFO.find(folder, "ALLSTIMULI", "DATA")
    users = [path.name for path in folders(root / "DATA")]
    if not users:
        raise InputError(f"no observers in {root / 'DATA'}: it needs DATA/OBSERVER/NAME.mat")
    samples, stimuli = [], list_files(root / "ALLSTIMULI", (".jpeg",))
    for stimulus in stimuli:
        with troubles.reading(stimulus):
            size = image_size(stimulus)
            observers = []
            for user in users:
                path = root / "DATA" / user / f"{stimulus.stem}.mat"
                xy = np.empty((0, 2))
                with troubles.reading(path):
                    xy = _read(path, stimulus, size)
                observers.append(troubles.valid(stimulus.stem, xy, size))
            xy, names = tuple(observers), tuple(users)
            samples.append(Sample(stimulus.stem, size, stimulus, xy, SIGMA, observers=names))
    known = {stimulus.stem for stimulus in stimuli}
    for path in [path for user in users for path in visible(root / "DATA" / user)]:
        if path.suffix.lower() == ".mat" and path.stem not in known and path.stem.lower() not in NOT_GAZE:
            troubles.add(path, "gaze without a stimulus of its name")
    splits = ranked_split(samples, TRAIN / INFO.images, VALIDATION / INFO.images, "mit1003")
    description = "MIT1003, photographs, 15 observers (Judd et al. 2009)"
    return Dataset.published(INFO, splits, description, troubles.notes)


def _read(path: Path, stimulus: Path, size: tuple[int, int]) -> np.ndarray:
    """The fixations (N, 2) of one observer, those outside of the image among them as NaN."""
    record = read_mat(path)
    with reading(f"{path} does not hold MIT1003's DATA(1).eyeData"):
        data = record[0, 0]["DATA"][0, 0]
        gaze = np.asarray(data["eyeData"], "float64")
        if gaze.ndim != 2 or (gaze.size and gaze.shape[1] < 2):
            raise ValueError(f"eyeData of shape {gaze.shape}")
        names = record.dtype.names or ()
        name = str(record[0, 0]["imgName"].ravel()[0]) if "imgName" in names else stimulus.name
    if name.strip().lower() != stimulus.name.lower():
        raise InputError(f"{path} is of the image {name}, not of {stimulus.name}")
    xy, _ = fixations_from_gaze(gaze[:, :2])
    valid = (xy[:, 0] > 0) & (xy[:, 0] < size[1]) & (xy[:, 1] > 0) & (xy[:, 1] < size[0])
    xy = np.where(valid[:, None], xy, np.nan)
    # An initial fixation that is itself off the image leaves nothing to take away.
    return xy[1:] if len(valid) and valid[0] else xy
