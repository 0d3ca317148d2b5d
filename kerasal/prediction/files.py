"""Predicting maps for images on disk."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from kerasal.data.images import IMAGE_SUFFIXES, list_files, read_image
from kerasal.errors import InputError
from kerasal.models import SaliencyModel
from kerasal.training.features import Progress
from kerasal.training.run_folder import write_atomically
from kerasal.visualize import grey, overlay

BATCH = 4


def find_images(paths: Iterable[Path]) -> list[Path]:
    """The files named, and those in the folders named. InputError: a path that is neither, or no image."""
    images: list[Path] = []
    for path in paths:
        if path.is_dir():
            images += list_files(path, IMAGE_SUFFIXES)
        elif path.is_file():
            images.append(path)
        else:
            raise InputError(f"no image or folder {path}")
    return images


def predict_files(
    model: SaliencyModel, images: Iterable[Path], skipped: list[str]
) -> Iterator[tuple[Path, np.ndarray, np.ndarray]]:
    """Yield (path, stimulus, saliency map) for each image that can be read.

    The stimulus is (H, W, 3) uint8 RGB, turned upright by its EXIF tag; the map (H, W) float32 in
    [0, 1]. Only a few images are in memory at a time. Why an image was left out is added to `skipped`.
    """
    batch: list[tuple[Path, np.ndarray]] = []
    for path in images:
        try:
            batch.append((path, read_image(path, exif=True)))
        except InputError as error:
            skipped.append(str(error))
        if len(batch) == BATCH:
            yield from _predict(model, batch)
            batch = []
    if batch:
        yield from _predict(model, batch)


def predict_to_folder(
    model: SaliencyModel,
    images: list[Path],
    folder: Path,
    *,
    npy: bool = False,
    skipped: list[str],
    progress: Progress = lambda items, _: items,
) -> int:
    """Predict maps of image files and write them; returns how many images were written.

    For an image STEM.jpg the folder gets STEM.png, the map in grey; STEM_overlay.jpg, the heat map over
    the image; with `npy`, STEM.npy, the map's float32 values in [0, 1]. Where two images share a stem,
    the files are named by STEM_jpg and STEM_png. InputError: two images of the same name.
    """
    names = _output_names(images)
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    for path, stimulus, saliency_map in predict_files(
        model, progress(images, f"predicting {len(images)} images"), skipped
    ):
        stem = folder / names[path]
        _save(Image.fromarray(grey(saliency_map)), stem.with_name(f"{stem.name}.png"))
        _save(Image.fromarray(overlay(stimulus, saliency_map)), stem.with_name(f"{stem.name}_overlay.jpg"))
        if npy:
            write_atomically(
                stem.with_name(f"{stem.name}.npy"),
                lambda file, values=saliency_map: np.save(file, values),
                suffix=".npy",
            )
        written += 1
    return written


def _predict(model, batch):
    maps = model.saliency_maps([stimulus for _, stimulus in batch])
    for (path, stimulus), saliency_map in zip(batch, maps, strict=True):
        yield path, stimulus, saliency_map


def _output_names(images: list[Path]) -> dict[Path, str]:
    stems = Counter(path.stem for path in images)
    names = {
        path: path.stem if stems[path.stem] == 1 else f"{path.stem}_{path.suffix[1:]}" for path in images
    }
    if clash := [name for name, count in Counter(names.values()).items() if count > 1]:
        raise InputError(f"several images are named {clash[0]}: predict them into folders of their own")
    return names


def _save(picture: Image.Image, path: Path) -> None:
    write_atomically(path, picture.save, suffix=path.suffix)
