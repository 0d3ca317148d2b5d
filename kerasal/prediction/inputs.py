"""From what a user names to the images that are meant."""

import glob
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from kerasal._stimuli import as_array, eight_bits
from kerasal.data.images import IMAGE_SUFFIXES, list_files, read_image, to_rgb
from kerasal.errors import InputError

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm")


@dataclass
class Inputs:
    """Files to predict: images and videos, each in the order they were named."""

    images: list[Path] = field(default_factory=list)
    videos: list[Path] = field(default_factory=list)


def find_inputs(paths: Iterable[Path]) -> Inputs:
    """The files named, those that a pattern such as `*.jpg` matches, and the images in the folders named.

    Each file once. InputError: a path that is neither, a pattern without a match, a folder without images.
    """
    found: dict[Path, None] = {}  # an ordered set
    for path in paths:
        if path.is_dir():
            found |= dict.fromkeys(list_files(path, IMAGE_SUFFIXES))
        elif path.is_file():
            found[path] = None
        else:
            matches = [Path(match) for match in sorted(glob.glob(str(path), recursive=True))]
            files = [match for match in matches if match.suffix.lower() in (*IMAGE_SUFFIXES, *VIDEO_SUFFIXES)]
            if not files:
                raise InputError(f"no image, video or folder {path}")
            found |= dict.fromkeys(files)
    inputs = Inputs()
    for path in found:
        (inputs.videos if path.suffix.lower() in VIDEO_SUFFIXES else inputs.images).append(path)
    return inputs


def as_stimulus(image: np.ndarray | Image.Image | Path | str) -> np.ndarray:
    """An image as (H, W, 3) uint8 RGB.

    A path is read and turned by its EXIF tag, and so is a Pillow image. An array is (H, W) or (H, W, 1) grey,
    (H, W, 3) RGB or (H, W, 4) with alpha, which is laid on white; uint8, uint16 or float, 0..255. So is a
    tensor of TensorFlow, JAX or PyTorch.
    InputError: another shape, type or range, or a file that is no image.
    """
    if isinstance(image, str | Path):
        return read_image(image, exif=True)
    if isinstance(image, Image.Image):
        return to_rgb(image, exif=True)
    array = as_array(image)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        hint = ""
        if array.ndim == 3 and array.shape[0] in (1, 3, 4):
            hint = ": channels come last"
        elif array.ndim == 4:
            hint = ": give a batch by itself, without a list around it"
        raise InputError(f"an image is (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), got {array.shape}{hint}")
    levels = eight_bits(array)
    if levels.shape[2] == 4:
        return to_rgb(Image.fromarray(levels))
    return np.broadcast_to(levels, (*levels.shape[:2], 3)) if levels.shape[2] == 1 else levels
