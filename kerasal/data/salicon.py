"""SALICON, the releases of 2015 and 2017: 20,000 photographs of MS COCO, 5 s, mouse tracking by a crowd.

The mouse stands for the eye: each worker moved a sharp window over a blurred image. The two releases have the
same images; the fixations of 2017 were detected anew and are 1.45 times as many. Sigma is the default of the
authors' own code. `published.py` has what else is known.

Source: Jiang, Huang, Duan and Zhao, "SALICON: saliency in context", CVPR 2015.
"""

from functools import partial
from pathlib import Path

import numpy as np

from kerasal.data.images import image_size, list_files
from kerasal.data.info import DatasetInfo
from kerasal.data.mat import mat_variables
from kerasal.data.names import find_folder
from kerasal.data.published import facts
from kerasal.data.sample import Dataset, Sample
from kerasal.data.splits import ranked_split
from kerasal.data.troubles import Troubles
from kerasal.errors import InputError, reading

TRAIN = 0.95  # of the official training set; the rest watches over training
SIGMA = float(facts("salicon-2015").sigma)


def _load(info: DatasetInfo, folder: Path, troubles: Troubles) -> Dataset:
    """A release of SALICON. InputError: no such layout in `folder`; a damaged file; fixations missing."""
    root = find_folder(folder, "images/train", "train") or find_folder(folder, "images/val", "val")
    if root is None:
        raise InputError(f"no SALICON in {folder}: it needs {info.layout}; kerasal data info {info.name}")
    train, validation = (
        _samples(root, part, troubles) if (root / "images" / part).is_dir() else []
        for part in ("train", "val")
    )
    splits = ranked_split(train, TRAIN, 1 - TRAIN, "salicon")
    splits["validation"] += splits["test"]
    splits["test"] = validation
    return Dataset.published(info, splits, f"{info.title} (Jiang et al. 2015)", troubles.notes)


load_2015, load_2017 = partial(_load, facts("salicon-2015")), partial(_load, facts("salicon-2017"))


def _samples(root: Path, part: str, troubles: Troubles) -> list[Sample]:
    samples = []
    for stimulus in list_files(root / "images" / part, (".jpg", ".jpeg")):
        with troubles.reading(stimulus):
            size = image_size(stimulus)
            path = root / part / f"{stimulus.stem}.mat"
            workers: list[np.ndarray] = []
            with troubles.reading(path):
                workers = _read(path, stimulus.stem, size)
            workers = [troubles.valid(stimulus.stem, xy, size) for xy in workers]
            samples.append(Sample(stimulus.stem, size, stimulus, tuple(workers), SIGMA))
    return samples


def _read(path: Path, stem: str, size: tuple[int, int]) -> list[np.ndarray]:
    """The fixations of each worker: `gaze` is a row of structures in 2015 and a column in 2017."""
    variables = mat_variables(path)
    with reading(f"{path} does not hold SALICON's gaze, resolution and image"):
        resolution = tuple(int(side) for side in variables["resolution"].ravel())
        name = str(variables["image"].ravel()[0])
        # An empty worker is 0 x 0. The files count from 1.
        gaze = (worker["fixations"] for worker in variables["gaze"].ravel())
        workers = [np.asarray(fixations, "float64").reshape(-1, 2) - 1 for fixations in gaze]
    if Path(name).stem != stem:
        raise InputError(f"{path} is of the image {name}, not of {stem}")
    if resolution != size:
        raise InputError(f"{path} is of an image of {resolution}, {stem} has {size} (rows, columns)")
    return workers
