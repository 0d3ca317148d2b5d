"""OSIE: 700 photographs, 15 observers, 3 s of free viewing. Facts: `published.py`.

Several dominant objects in each. Screen 22 inch at 57 cm; sigma is that of the authors' density maps.
Coordinates are floats in pixels; pysaliency shifts nothing either. The licence is of NUS VIP, 2014.

Source: Xu, Jiang, Wang, Kankanhalli and Zhao, "Predicting human gaze beyond pixels", Journal of Vision 2014.
"""

from pathlib import Path

import numpy as np

from kerasal.data.images import list_files
from kerasal.data.mat import read_mat
from kerasal.data.published import facts
from kerasal.data.sample import Dataset, Sample
from kerasal.data.splits import split_in_order
from kerasal.data.troubles import Troubles
from kerasal.errors import InputError, reading

SIZE = (600, 800)
INFO = facts("osie")
SIGMA = float(INFO.sigma)
TRAIN, VALIDATION = 500, 100  # the rest is the test split; sorted by name


def load(folder: Path, troubles: Troubles) -> Dataset:
    """OSIE from its official layout, split by sorted name: 500 train, 100 validation, 100 test.

    InputError: no such layout in `folder`; a damaged file; a stimulus that the fixations name and that is
    missing.
    """
    root = INFO.find(folder, "eye/fixations.mat")  # it lies under data/ in the repository
    path = root / "eye/fixations.mat"
    with reading(f"{path} does not hold OSIE's fixations"):
        cells = read_mat(path, "fixations").ravel()
        records = {str(cell["img"][0, 0][0]): cell["subjects"][0, 0].ravel() for cell in cells}
    samples = []
    for name in sorted(records):
        stimulus = root / "stimuli" / name
        with troubles.reading(stimulus):
            if not stimulus.is_file():
                raise InputError(
                    f"{stimulus} is missing: OSIE is complete with its 700 stimuli, see {INFO.page}"
                )
            observers = []
            with reading(f"{path} does not hold fix_x and fix_y of each observer of {name}"):
                for subject in records[name]:
                    axes = [subject[0, 0][axis].ravel().astype("float64") for axis in ("fix_x", "fix_y")]
                    observers.append(troubles.valid(stimulus.stem, np.stack(axes, 1), SIZE))
            samples.append(Sample(stimulus.stem, SIZE, stimulus, tuple(observers), SIGMA))
    for stimulus in list_files(root / "stimuli", (".jpg",)):
        if stimulus.name not in records:
            troubles.add(stimulus, "a stimulus without fixations")
    splits = split_in_order(samples, range(len(samples)), TRAIN, VALIDATION)
    description = "OSIE, photographs, 15 observers (Xu et al. 2014)"
    return Dataset.published(INFO, splits, description, troubles.notes)
