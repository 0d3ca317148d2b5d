"""OSIE: 700 photographs, 15 observers, 3 s of free viewing.

Images 800x600, several dominant objects each; 98,321 fixations. Screen 22 inch at 57 cm, about 24 pixels
per degree; the authors' density maps use a Gaussian of sigma 24 px. Coordinates in the file are floats in
pixels, taken as they are: whether they count from 0 or 1 is not said, and pysaliency shifts nothing
either. Known oddities: three `fix_y` arrays are uint8, one fixation is repeated.

Licence: MIT (NUS VIP, 2014). Source: Xu, Jiang, Wang, Kankanhalli and Zhao, "Predicting human gaze
beyond pixels", Journal of Vision 2014; https://github.com/NUS-VIP/predicting-human-gaze-beyond-pixels

Layout: `stimuli/1001.jpg` ... `1700.jpg`, `eye/fixations.mat`; also under `data/`, as in the repository.
"""

from pathlib import Path

import numpy as np
import scipy.io

from kerasal.data.fixations import inside
from kerasal.data.sample import Dataset, Sample
from kerasal.errors import InputError

SIZE = (600, 800)
SIGMA = 24.0
ADDRESS = "https://github.com/NUS-VIP/predicting-human-gaze-beyond-pixels"
TRAIN, VALIDATION = 500, 100  # the rest is the test split; sorted by name


def load(folder: Path) -> Dataset:
    """OSIE from its official layout, split by sorted name: 500 train, 100 validation, 100 test.

    InputError: no such layout in `folder`, with the address to get it from; a damaged file; a stimulus
    that the fixations name and that is missing.
    """
    root = next((path for path in (folder, folder / "data") if (path / "eye/fixations.mat").is_file()), None)
    if root is None:
        raise InputError(
            f"no OSIE in {folder}: it needs eye/fixations.mat and stimuli/1001.jpg ... 1700.jpg; "
            f"get them from {ADDRESS} (folder data/) and give the folder with --data-dir"
        )
    try:
        cells = scipy.io.loadmat(root / "eye/fixations.mat")["fixations"].ravel()
        records = {str(cell["img"][0, 0][0]): cell["subjects"][0, 0].ravel() for cell in cells}
    except Exception as error:  # scipy raises a dozen types on a damaged file
        raise InputError(f"cannot read {root / 'eye/fixations.mat'} as OSIE's fixations: {error}") from None
    samples, outside = [], 0
    for name in sorted(records):
        stimulus = root / "stimuli" / name
        if not stimulus.is_file():
            raise InputError(f"{stimulus} is missing: OSIE is complete with its 700 stimuli, see {ADDRESS}")
        observers = []
        for subject in records[name]:
            xy = np.stack([subject[0, 0][axis].ravel().astype("float64") for axis in ("fix_x", "fix_y")], 1)
            valid = inside(xy, SIZE)
            outside += int((~valid).sum())
            observers.append(xy[valid])
        samples.append(Sample(stimulus.stem, SIZE, stimulus, tuple(observers), SIGMA))
    return Dataset(
        name="osie",
        splits={
            "train": samples[:TRAIN],
            "validation": samples[TRAIN : TRAIN + VALIDATION],
            "test": samples[TRAIN + VALIDATION :],
        },
        description="OSIE, photographs, 15 observers (Xu et al. 2014)",
        licence="MIT",
        notes=[f"{outside} fixations outside their image were dropped"] if outside else [],
    )
