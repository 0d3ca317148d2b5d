"""SALICON, the releases of 2015 and 2017: 20,000 photographs of MS COCO, 5 s, mouse tracking by a crowd.

The mouse stands for the eye: each worker moved a sharp window over a blurred image. The two releases have the
same images; the fixations of 2017 were detected anew and are 1.45 times as many. Sigma is the default of the
authors' own code. The INFOs have what else is known.

Source: Jiang, Huang, Duan and Zhao, "SALICON: saliency in context", CVPR 2015.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from kerasal.data.images import image_size, list_files
from kerasal.data.info import Archive, DatasetInfo
from kerasal.data.mat import mat_variables
from kerasal.data.names import find_folder
from kerasal.data.sample import Dataset, Sample
from kerasal.data.splits import ranked_split
from kerasal.data.troubles import Troubles
from kerasal.errors import InputError, reading

TRAIN = 0.95  # of the official training set; the rest watches over training
PAGE = "http://salicon.net"
IMAGES = Archive("images.zip", "", "eb2a1bb706633d1b31fc2e01422c5757")
SIGMA = 19  # pixels

INFO_2015 = DatasetInfo(  # written out, as in every loader
    name="salicon-2015",
    title="SALICON 2015, MS COCO photographs, mouse tracking",
    images=15_000,
    size="640x480",
    observers="a crowd, their number varies",
    seconds=5,
    fixations=4_834_188,  # 3,171,533 of the training and 1,662,655 of the validation set
    sigma=SIGMA,
    pixels_per_degree=None,
    licence="images: MS COCO's terms (Flickr, Creative Commons kinds); annotations: none stated",
    citation="Jiang, Huang, Duan and Zhao, CVPR 2015",
    page=f"{PAGE}/challenge-2015/",
    layout="images/{train,val}/COCO_*.jpg, train/COCO_*.mat, val/COCO_*.mat",
    split="test: the official validation set; of the official training set 95 % train and 5 % validation, "
    "in the order of SHA-256('salicon/NAME'); the official test set's fixations are not public",
    defects=(
        "mouse tracking, not eye tracking; workers have no names and vary from image to image",
        "the .mat files count from 1: 1 is subtracted",
    ),
    archives=(IMAGES, Archive("fixations.zip", "", "9a22db9d718200fb90252e5010c004c4")),
    by_hand="Google Drive hands these files to browsers: from the page above get images.zip "
    "(id 1g8j-hTT-51IG1UFwP0xTGhLdgIUCW5e5) and fixations.zip (id 1WVEiXba-I4GN33f0uUl4KhaN1rK7qzs6)",
)
INFO_2017 = replace(
    INFO_2015,
    name="salicon-2017",
    title="SALICON 2017, MS COCO photographs, mouse tracking",
    fixations=7_175_026,  # 4,598,112 of the training and 2,576,914 of the validation set
    page=f"{PAGE}/challenge-2017/",
    archives=(IMAGES, Archive("fixations.zip", "", "462b70f4f9e8ea446ac628e46cea8d3d")),
    by_hand=INFO_2015.by_hand.replace(
        "1WVEiXba-I4GN33f0uUl4KhaN1rK7qzs6", "1P-jeZXCsjoKO79OhFUgnj6FGcyvmLDPj"
    ),
)


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


load_2015, load_2017 = partial(_load, INFO_2015), partial(_load, INFO_2017)


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
