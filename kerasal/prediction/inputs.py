"""From what a user names to the images that are meant."""

import glob
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from kerasal._stimuli import as_array
from kerasal.data.images import IMAGE_SUFFIXES, as_rgb, list_files, read_image, to_rgb
from kerasal.data.names import files_in, visible
from kerasal.errors import InputError

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm")


@dataclass
class Inputs:
    """Files to predict: images and videos, each in the order they were named."""

    images: list[Path] = field(default_factory=list)
    videos: list[Path] = field(default_factory=list)
    left_out: list[Path] = field(default_factory=list)  # what else was named or lies in a folder named
    in_output: list[Path] = field(default_factory=list)  # images that lie where the maps go


def find_inputs(paths: Iterable[Path], *, recursive: bool = False, output: Path | None = None) -> Inputs:
    """The files named, those that a pattern such as `*.jpg` matches, and the images in the folders named.

    Each file once. Of folders and patterns what is no image is left out, folders within too unless
    `recursive`; the folder `output` in a folder named holds earlier maps, and none of them is taken, unless
    it is itself what was named.
    InputError: a path that is neither, a pattern without a match, a folder without images.
    """
    made = output and output.resolve()

    def is_made(file: Path) -> bool:
        return made is not None and made in ((place := file.resolve()), *place.parents)

    in_output: list[Path] = []
    found: dict[str, Path] = {}  # by whole paths: a file may be named by that, and by one from here
    beside: dict[str, Path] = {}
    for path in paths:
        if path.is_dir() and recursive:
            there = files_in(path)
            earlier = set() if is_made(path) else set(filter(is_made, there))
            images = [file for file in there if file.suffix.lower() in IMAGE_SUFFIXES]
            in_output += [file for file in images if file in earlier]
            there, files = ([file for file in some if file not in earlier] for some in (there, images))
            if not files:
                raise InputError(f"no images in {path} or its folders")
        elif path.is_dir():
            there, files = visible(path), list_files(path, IMAGE_SUFFIXES)
            there = [file for file in there if is_made(path) or not is_made(file)]
        elif path.is_file():
            there = files = [path]
        else:
            there = [Path(match) for match in sorted(glob.glob(str(path), recursive=True))]
            files = [match for match in there if match.suffix.lower() in (*IMAGE_SUFFIXES, *VIDEO_SUFFIXES)]
            if not files:
                raise InputError(f"no image, video or folder {path}")
        for file in files:
            found.setdefault(os.path.abspath(file), file)
        for file in there:
            beside.setdefault(os.path.abspath(file), file)
    left_out = [path for place, path in beside.items() if place not in found]
    inputs = Inputs(left_out=left_out, in_output=in_output)
    for path in found.values():
        (inputs.videos if path.suffix.lower() in VIDEO_SUFFIXES else inputs.images).append(path)
    return inputs


def as_stimulus(image: np.ndarray | Image.Image | Path | str) -> np.ndarray:
    """An image as (H, W, 3) uint8 RGB.

    Paths and Pillow images are read as `kerasal.data.read_image` does it, arrays and tensors of TensorFlow,
    JAX or PyTorch as `kerasal.data.images.as_rgb`: grey, RGB or with alpha, white being True, 255 or, of
    uint16, 65535.
    InputError: another shape, type or range, or a file that is no image.
    """
    if isinstance(image, str | Path):
        return read_image(image)
    if isinstance(image, Image.Image):
        return to_rgb(image)
    return as_rgb(as_array(image))
