"""CAT2000: 2000 training images, 18 observers, 5 s of free viewing. Facts: `published.py`.

100 images of each of 20 categories. Fixations refer to the padded canvas. Sigma is the benchmark's low-pass
of 8 cycles per image at this size.

Source: Borji and Itti, "CAT2000: a large scale fixation dataset for boosting saliency research", 2015.
"""

from functools import partial
from pathlib import Path

import numpy as np

from kerasal.data.fixations import fixated_pixels
from kerasal.data.images import image_size, list_files, read_image
from kerasal.data.mat import read_mat
from kerasal.data.names import folders
from kerasal.data.published import facts
from kerasal.data.sample import SPLITS, Dataset, Sample
from kerasal.data.splits import ranked_split
from kerasal.data.troubles import Troubles
from kerasal.errors import InputError

INFO = facts("cat2000")
TRAIN, VALIDATION = 0.7, 0.15  # of each category; the paper takes all 2000 as a test
SIGMA = float(INFO.sigma)
GREY, TOLERANCE = 126, 10  # of the padding; JPEG lets it ring


def load(folder: Path, troubles: Troubles, *, crop_borders: bool = False) -> Dataset:
    """CAT2000's training set; the samples are named CATEGORY/NNN.

    Args:
        crop_borders: take the grey padding away. Every image is read for it, which takes minutes.

    InputError: no such layout in `folder`; a damaged file; a fixation map missing or of another size.
    """
    root = INFO.find(folder, "Stimuli", "FIXATIONLOCS")
    splits: dict[str, list[Sample]] = {split: [] for split in SPLITS}
    for category in folders(root / "Stimuli"):
        samples = []
        for stimulus in list_files(category, (".jpg", ".jpeg")):  # not the maps of models in its Output
            name = f"{category.name}/{stimulus.stem}"
            with troubles.reading(stimulus):
                size = image_size(stimulus)
                path = root / "FIXATIONLOCS" / category.name / f"{stimulus.stem}.mat"
                xy = np.empty((0, 2))
                with troubles.reading(path):
                    locations = read_mat(path, "fixLocs")
                    if locations.shape != size:
                        raise InputError(
                            f"{path} has the size {locations.shape}, its image {stimulus.name} {size}"
                        )
                    xy = fixated_pixels(locations, path)
                samples.append(_sample(name, size, stimulus, xy, crop_borders, troubles))
        for split, part in ranked_split(samples, TRAIN, VALIDATION, "cat2000").items():
            splits[split] += part
    description = "CAT2000 training set, 20 categories, 18 observers (Borji and Itti 2015)"
    cropped = ", grey borders cropped" if crop_borders else ""
    return Dataset.published(INFO, splits, description + cropped, troubles.notes)


def _sample(name, size, stimulus, xy, crop_borders, troubles) -> Sample:
    source = stimulus
    if crop_borders:
        rows, columns = _content(read_image(stimulus))
        size = (rows.stop - rows.start, columns.stop - columns.start)
        source = partial(_cropped, stimulus, rows, columns)
        xy = troubles.valid(name, xy - [columns.start, rows.start], size)  # those on the grey fall away
    return Sample(name, size, source, (xy,), SIGMA, pooled=True)


def _content(image: np.ndarray) -> list[slice]:
    """The rows and columns of an image (H, W, 3) within those at its edges that are all padding grey.

    The whole image where nothing but grey is left.
    """
    content = (np.abs(image.astype("int16") - GREY) > TOLERANCE).any(axis=2)
    if not content.any():
        return [slice(0, side) for side in content.shape]
    kept = (np.flatnonzero(content.any(axis=axis)) for axis in (1, 0))
    return [slice(int(places[0]), int(places[-1]) + 1) for places in kept]


def _cropped(path: Path, rows: slice, columns: slice) -> np.ndarray:
    """A window of an image file, uint8 RGB."""
    return np.ascontiguousarray(read_image(path)[rows, columns])
