"""CAT2000: 2000 training images, 18 observers, 5 s of free viewing. `INFO` has what is known of it.

100 images of each of 20 categories. Fixations refer to the padded canvas. Sigma is the benchmark's low-pass
of 8 cycles per image at this size.

Source: Borji and Itti, "CAT2000: a large scale fixation dataset for boosting saliency research", 2015.
"""

from functools import partial
from pathlib import Path

import numpy as np

from kerasal.data.fixations import fixated_pixels
from kerasal.data.images import image_size, list_files, read_image
from kerasal.data.info import Archive, DatasetInfo
from kerasal.data.mat import read_mat
from kerasal.data.names import folders
from kerasal.data.sample import SPLITS, Dataset, Sample
from kerasal.data.splits import ranked_split
from kerasal.data.troubles import Troubles
from kerasal.errors import InputError

TRAIN, VALIDATION = 0.7, 0.15  # of each category; the paper takes all 2000 as a test
SIGMA = 48  # pixels
GREY, TOLERANCE = 126, 10  # of the padding; JPEG lets it ring

INFO = DatasetInfo(
    name="cat2000",
    title="CAT2000 (training set), 20 categories",
    images=2000,
    size="1920x1080",
    observers="18, pooled",
    seconds=5,
    fixations=None,
    sigma=SIGMA,
    pixels_per_degree=38,
    licence="none stated; research use",
    citation="Borji and Itti 2015, arXiv 1505.03581",
    page="http://saliency.mit.edu/results_cat2000.html",
    layout="Stimuli/CATEGORY/NNN.jpg, FIXATIONLOCS/CATEGORY/NNN.mat",
    split="of each category 70 train, 15 validation, 15 test, in the order of SHA-256('cat2000/NAME')",
    defects=(
        "smaller pictures are padded with grey: --crop-borders takes it away",
        "fixation maps pool the observers; fixations on one pixel count once",
        "per-observer data is a MATLAB map object that only MATLAB reads",
        "the test set's fixations are not public",
    ),
    archives=(
        Archive("trainSet.zip", "http://saliency.mit.edu/trainSet.zip", "56ad5c77e6c8f72ed9ef2901628d6e48"),
    ),
)


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
