"""Toronto: 120 photographs, 20 observers, 4 s of free viewing. Facts: `published.py`.

About 32 pixels per degree are not confirmed; sigma is as many.

Source: Bruce and Tsotsos, "Saliency based on information maximization", NIPS 2005.
"""

from pathlib import Path

import numpy as np

from kerasal.data.fixations import fixated_pixels
from kerasal.data.images import image_size, list_files
from kerasal.data.mat import read_mat
from kerasal.data.published import facts
from kerasal.data.sample import Dataset, Sample
from kerasal.data.splits import ranked_split
from kerasal.data.troubles import Troubles
from kerasal.errors import InputError, reading

INFO = facts("toronto")
TRAIN, VALIDATION = 0.7, 0.15
SIGMA = float(INFO.sigma)


def load(folder: Path, troubles: Troubles) -> Dataset:
    """Toronto. InputError: no such layout in `folder`; a damaged file; a stimulus missing or too large."""
    root = INFO.find(folder, "Original Image Set", "origfixdata.mat")
    path = root / "origfixdata.mat"
    with reading(f"{path} does not hold Toronto's cell array of fixation maps"):
        maps = read_mat(path, "white").ravel()
        if maps.dtype != object:
            raise ValueError(f"an array of {maps.dtype}")
    samples = []
    listed = {stimulus.stem: stimulus for stimulus in list_files(root / "Original Image Set", (".jpg",))}
    for number, points in enumerate(maps, start=1):
        stimulus = listed.pop(str(number), root / "Original Image Set" / f"{number}.jpg")
        with troubles.reading(stimulus):
            size = image_size(stimulus)
            if points.shape != size:
                raise InputError(f"{stimulus} has the size {size}, its fixation map {points.shape}")
            xy = fixated_pixels(np.minimum(points, 1), path)  # they may count
            samples.append(Sample(str(number), size, stimulus, (xy,), SIGMA, pooled=True))
    for stimulus in listed.values():
        troubles.add(stimulus, "no fixation map of this number")
    splits = ranked_split(samples, TRAIN, VALIDATION, "toronto")
    description = "Toronto, photographs, 20 observers (Bruce and Tsotsos 2005)"
    return Dataset.published(INFO, splits, description, troubles.notes)
