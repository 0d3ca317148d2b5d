"""FiWi: 149 screenshots of web pages, 11 observers, 5 s of free viewing. Facts: `published.py`.

How many pixels one degree has is not known; others have used sigma 30 px, too.

Source: Shen and Zhao, "Webpage saliency", ECCV 2014.
"""

from pathlib import Path

import numpy as np

from kerasal.data.fixations import fixated_pixels
from kerasal.data.images import image_size, list_files, read_marks
from kerasal.data.published import facts
from kerasal.data.sample import Dataset, Sample
from kerasal.data.splits import ranked_split
from kerasal.data.troubles import Troubles
from kerasal.errors import InputError

INFO = facts("fiwi")
TRAIN, VALIDATION = 0.7, 0.15  # the paper takes all as a test
SIGMA = float(INFO.sigma)


def load(folder: Path, troubles: Troubles) -> Dataset:
    """FiWi. InputError: no such layout in `folder`; a damaged file; a map missing or of another size."""
    root = INFO.find(folder, "stimuli", "eyeMaps/all5")
    samples = []
    for stimulus in list_files(root / "stimuli", (".png",)):
        with troubles.reading(stimulus):
            size = image_size(stimulus)
            path = root / "eyeMaps/all5" / stimulus.name
            xy = np.empty((0, 2))
            with troubles.reading(path):
                image_size(path)
                points = read_marks(path)
                if points.shape != size:
                    raise InputError(f"{path} has the size {points.shape}, its image {size}")
                xy = fixated_pixels(points, path)
            samples.append(Sample(stimulus.stem, size, stimulus, (xy,), SIGMA, pooled=True))
    splits = ranked_split(samples, TRAIN, VALIDATION, "fiwi")
    description = "FiWi, web pages, 11 observers (Shen and Zhao 2014)"
    return Dataset.published(INFO, splits, description, troubles.notes)
