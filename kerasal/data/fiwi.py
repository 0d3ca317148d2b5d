"""FiWi: 149 screenshots of web pages, 11 observers, 5 s of free viewing. `INFO` has what is known of it.

How many pixels one degree has is not known; others have used sigma 30 px, too.

Source: Shen and Zhao, "Webpage saliency", ECCV 2014.
"""

from pathlib import Path

import numpy as np

from kerasal.data.fixations import fixated_pixels
from kerasal.data.images import image_size, list_files, read_marks
from kerasal.data.info import Archive, DatasetInfo
from kerasal.data.sample import Dataset, Sample
from kerasal.data.splits import ranked_split
from kerasal.data.troubles import Troubles
from kerasal.errors import InputError

TRAIN, VALIDATION = 0.7, 0.15  # the paper takes all as a test
SIGMA = 30  # pixels

INFO = DatasetInfo(
    name="fiwi",
    title="FiWi, screenshots of web pages",
    images=149,
    size="1360x768 or 1366x768",
    observers="11, pooled",
    seconds=5,
    fixations=None,
    sigma=SIGMA,
    pixels_per_degree=None,
    licence="none stated; research use",
    citation="Shen and Zhao, ECCV 2014",
    page="https://www-users.cse.umn.edu/~qzhao/webpage_saliency.html",
    layout="stimuli/NAME.png, eyeMaps/all5/NAME.png",
    split="70 % train, 15 % validation, the rest test, in the order of SHA-256('fiwi/NAME')",
    defects=("point maps pool the observers and the time; fixations on one pixel count once",),
    archives=(
        Archive("webpage_dataset.zip", "https://www.dropbox.com/s/30nxg2uwd1wpb80/webpage_dataset.zip?dl=1"),
    ),
)


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
