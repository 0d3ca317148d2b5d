"""Scene: 500 photographs, 12 observers, 5 s of free viewing on a full screen. Facts: `published.py`.

311 images are 256x256. Fixations are in pixels of the image's own size; 52 of the 6000 observations have
none. How many pixels one degree has is not known, as the screen was filled. The licence is of Haoran Liang,
2015.

Source: Liang, Jiang, Liang and Zhao, "Saliency prediction with scene structural guidance"; the NUS VIP
laboratory.
"""

from pathlib import Path

import numpy as np

from kerasal.data.images import image_size, list_files
from kerasal.data.mat import read_mat
from kerasal.data.published import facts
from kerasal.data.sample import Dataset, Sample
from kerasal.data.splits import ranked_split
from kerasal.data.troubles import Troubles
from kerasal.errors import InputError, reading

INFO = facts("scene")
SIGMA_OF_LONGER_SIDE = 0.03
TRAIN, VALIDATION = 0.7, 0.1


def load(folder: Path, troubles: Troubles) -> Dataset:
    """Scene. InputError: no such layout in `folder`; a damaged file; a stimulus missing or one too many."""
    root = INFO.find(folder, "stimuli", "tidy/fixations.mat")
    path = root / "tidy/fixations.mat"
    cells = read_mat(path, "fixations")
    stimuli = list_files(root / "stimuli", (".jpg", ".jpeg"))
    if cells.ndim != 2 or cells.dtype != object:
        raise InputError(f"{path} must hold a cell array of images by observers")
    if len(cells) != len(stimuli):
        # Rows belong to files by their order: with one missing, all after it would be another's.
        raise InputError(
            f"{path} has the fixations of {len(cells)} images, and {root / 'stimuli'} holds {len(stimuli)}"
        )
    samples = []
    for stimulus, row in zip(stimuli, cells, strict=True):
        with troubles.reading(stimulus):
            size = image_size(stimulus)
            observers = []
            with reading(f"{path} does not hold rows of y, x, latency, duration for {stimulus.name}"):
                for cell in row:
                    records = np.asarray(cell, "float64").reshape(-1, 4)
                    observers.append(troubles.valid(stimulus.stem, _from_one(records[:, 1::-1]), size))
            samples.append(
                Sample(stimulus.stem, size, stimulus, tuple(observers), SIGMA_OF_LONGER_SIDE * max(size))
            )
    splits = ranked_split(samples, TRAIN, VALIDATION, "scene")
    description = "Scene, photographs, 12 observers (Liang et al.)"
    return Dataset.published(INFO, splits, description, troubles.notes)


def _from_one(xy: np.ndarray) -> np.ndarray:
    """0-based from 1-based coordinates; the outermost pixel, 0 to 1, goes to its border.

    Six fixations lie there: rounded to a pixel, as the authors use them, they are in the image.
    """
    return np.where(xy >= 0, np.maximum(xy - 1, 0), xy)
