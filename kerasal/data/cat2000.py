"""CAT2000: the 2000 training images, 100 of each of 20 categories, 18 observers, 5 s of free viewing.

All images are 1920x1080; smaller pictures are padded with grey in the file, and fixations refer to the
padded canvas (`crop_borders` takes the grey away). The fixation maps pool the observers, and a pixel
counts once. About 38 pixels per degree; density maps use sigma 48 px, the benchmark's low-pass of 8 cycles
per image at this size.

Licence: none stated; research use. Source: Borji and Itti, "CAT2000: a large scale fixation dataset for
boosting saliency research", 2015, arXiv 1505.03581.

Layout: `Stimuli/CATEGORY/001.jpg`, `FIXATIONLOCS/CATEGORY/001.mat`; the folders `Output` hold the maps of
models and are skipped.
"""

from functools import partial
from pathlib import Path

import numpy as np

from kerasal.data.borders import crop_to, grey_border
from kerasal.data.fixations import fixated_pixels
from kerasal.data.images import image_size, list_files, read_image
from kerasal.data.info import Archive, DatasetInfo
from kerasal.data.layout import find_folder
from kerasal.data.mat import read_mat
from kerasal.data.sample import SPLITS, Dataset, Sample
from kerasal.data.splits import ranked_split
from kerasal.data.troubles import Troubles
from kerasal.errors import InputError

TRAIN, VALIDATION = 0.7, 0.15  # of each category; the paper takes all 2000 as a test
SIGMA = 48  # pixels

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


def load(folder: Path, troubles: Troubles | None = None, *, crop_borders: bool = False) -> Dataset:
    """CAT2000's training set; the samples are named CATEGORY/NNN.

    Args:
        crop_borders: take the grey padding away. Every image is read for it, which takes minutes.

    InputError: no such layout in `folder`; a damaged file; a fixation map missing or of another size.
    """
    troubles = troubles or Troubles()
    root = find_folder(folder, "Stimuli", "FIXATIONLOCS")
    if root is None:
        raise InputError(f"no CAT2000 in {folder}: it needs {INFO.layout}; kerasal data info cat2000")
    splits: dict[str, list[Sample]] = {split: [] for split in SPLITS}
    for category in sorted(path for path in (root / "Stimuli").iterdir() if path.is_dir()):
        if category.name.startswith((".", "_")):
            continue
        samples = []
        for stimulus in list_files(category, (".jpg", ".jpeg")):
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
    return Dataset(
        name="cat2000",
        splits=splits,
        description="CAT2000 training set, 20 categories, 18 observers (Borji and Itti 2015)"
        + (", grey borders cropped" if crop_borders else ""),
        licence=INFO.licence,
        notes=troubles.notes,
    )


def _sample(name, size, stimulus, xy, crop_borders, troubles) -> Sample:
    source = stimulus
    if crop_borders:
        box = grey_border(read_image(stimulus))
        xy, size, source = xy - [box.left, box.top], box.size, partial(crop_to, stimulus, box)
        xy = troubles.valid(name, xy, size)  # on the grey
    return Sample(name, size, source, (xy,), SIGMA, pixels_per_degree=INFO.pixels_per_degree, pooled=True)
