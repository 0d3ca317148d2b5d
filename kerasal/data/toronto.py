"""Toronto: 120 photographs, 20 observers, 4 s of free viewing. `INFO` has what is known of it.

About 32 pixels per degree are not confirmed; sigma is as many.

Source: Bruce and Tsotsos, "Saliency based on information maximization", NIPS 2005.
"""

from pathlib import Path

import numpy as np

from kerasal.data.fixations import fixated_pixels
from kerasal.data.images import image_size, list_files
from kerasal.data.info import Archive, DatasetInfo
from kerasal.data.mat import read_mat
from kerasal.data.sample import Dataset, Sample
from kerasal.data.splits import ranked_split
from kerasal.data.troubles import Troubles
from kerasal.errors import InputError, reading

TRAIN, VALIDATION = 0.7, 0.15
SIGMA = 32  # pixels

INFO = DatasetInfo(
    name="toronto",
    title="Toronto, photographs",
    images=120,
    size="681x511",
    observers="20, pooled",
    seconds=4,
    fixations=11_199,
    sigma=SIGMA,
    pixels_per_degree=32,
    licence="none stated; research use",
    citation="Bruce and Tsotsos, NIPS 2005",
    page="http://www-sop.inria.fr/members/Neil.Bruce/#SOURCECODE",
    layout="Original Image Set/N.jpg, origfixdata.mat",
    split="70 % train, 15 % validation, the rest test, in the order of SHA-256('toronto/N')",
    defects=(
        "fixation maps pool the observers; fixations on one pixel count once",
        "the per-observer .fix files are in undocumented screen coordinates: not used",
    ),
    archives=(
        Archive(
            "eyetrackingdata.zip",
            "http://www-sop.inria.fr/members/Neil.Bruce/eyetrackingdata.zip",
            "38d5c02217060d4d2d1a4649cc632af1",
        ),
    ),
)


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
