"""Predicting maps of image files into a folder."""

import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from kerasal._files import make_folder
from kerasal._processes import available_cores
from kerasal._progress import Progress
from kerasal._threads import ahead
from kerasal.data.images import read_image
from kerasal.data.names import counted, normal
from kerasal.errors import InputError
from kerasal.prediction.outputs import Outputs
from kerasal.prediction.predictor import Predictor
from kerasal.prediction.stream import BATCH, batch_size, predicted

IGNORES_CASE = sys.platform in ("darwin", "win32")  # whose file systems mostly do


def predict_to_folder(
    predictor: Predictor,
    images: list[Path],
    folder: Path,
    outputs: Outputs | None = None,
    *,
    skipped: list[str],
    progress: Progress = lambda items, _: items,
) -> dict[str, dict[str, Any]]:
    """Predict maps of image files and write them; returns what `Outputs.write` says of each, by its path.

    Files are named after the image's stem; where two images share it, STEM_jpg and STEM_png. The next batch
    is decoded and the last one written while the network works: few images are in memory at a time. Why an
    image was left out is added to `skipped`. Classical models do many images in several processes, for which
    a script needs `if __name__ == "__main__":`. InputError: two images of the same name, or an output that
    would replace one of the images, another image's output, or what lies beside the images by their names.
    """
    outputs = outputs or Outputs()
    stems = output_stems(images, folder, outputs.suffixes())
    make_folder(folder)

    def write(item: tuple[Path, np.ndarray, np.ndarray]) -> tuple[str, dict[str, Any]]:
        path, stimulus, saliency_map = item
        facts = outputs.write(stems[path], stimulus, saliency_map)
        for name, share in facts.get("regions", {}).items():
            if not share["area"]:
                warnings.warn(f"region {name} lies outside {path}", stacklevel=2)
        return str(path), facts

    def refused(path: Path, error: InputError) -> None:
        skipped.append(f"{path}: {error}")

    paths = progress(images, f"predicting {counted(len(images), 'image')}")
    # Threads that decode, and that write: a network on the CPU takes the other cores, a GPU none.
    many = 2 if batch_size(predictor) <= BATCH else max(2, available_cores())
    with ThreadPoolExecutor(many) as readers, ThreadPoolExecutor(many) as writers:
        try:
            stimuli = _readable(ahead(readers, _read, paths, batch_size(predictor)), skipped)
            return dict(ahead(writers, write, predicted(predictor, stimuli, refused), many))
        except BaseException:
            for pool in (readers, writers):
                pool.shutdown(wait=False, cancel_futures=True)
            raise


def output_stems(files: list[Path], folder: Path, suffixes: list[str]) -> dict[Path, Path]:
    """The path of each file's outputs, but for their suffixes. InputError: see `predict_to_folder`."""
    count = Counter(_as_one(path.stem) for path in files)
    names = {
        path: path.stem if count[_as_one(path.stem)] == 1 else f"{path.stem}_{path.suffix[1:]}"
        for path in files
    }
    if clash := [name for name, times in Counter(map(_as_one, names.values())).items() if times > 1]:
        raise InputError(f"several inputs are named {clash[0]}: predict them into folders of their own")
    outputs = [f"{name}{suffix}" for name in names.values() for suffix in suffixes]
    if clash := [output for output, times in Counter(map(_as_one, outputs)).items() if times > 1]:
        raise InputError(f"two inputs would both write {clash[0]}: predict them into folders of their own")
    inputs = {_as_one(str(path.resolve())) for path in files}
    for output in outputs:
        if _as_one(str((folder / output).resolve())) in inputs:
            raise InputError(f"{folder / output} is an input itself: name another folder with -o")
    if _as_one(str(folder.resolve())) in {_as_one(str(path.parent.resolve())) for path in files}:
        # What has an image's name alone is as likely another picture of the user's as an earlier map.
        plain = [
            folder / f"{name}{suffix}" for name in names.values() for suffix in suffixes if suffix[0] == "."
        ]
        if there := [path for path in plain if path.exists()]:
            raise InputError(
                f"{there[0]} lies among the inputs and would be replaced: move it, or name another folder, -o"
            )
    return {path: folder / name for path, name in names.items()}


def _as_one(name: str) -> str:
    """The form in which two names are one file: a normal one, without case where the system ignores it."""
    return normal(name).casefold() if IGNORES_CASE else normal(name)


def written_before(images: list[Path], folder: Path, outputs: Outputs) -> list[Path]:
    """What `predict_to_folder` would replace. InputError: as it."""
    stems = output_stems(images, folder, outputs.suffixes()).values()
    return existing(stems, outputs.suffixes())


def existing(stems: Iterable[Path], suffixes: list[str]) -> list[Path]:
    """The files of these stems and suffixes that are there."""
    files = [stem.with_name(stem.name + suffix) for stem in stems for suffix in suffixes]
    return [file for file in files if file.exists()]


def _read(path: Path) -> tuple[Path, np.ndarray | InputError]:
    try:
        return path, read_image(path)
    except InputError as error:
        return path, error


def _readable(
    items: Iterable[tuple[Path, np.ndarray | InputError]], skipped: list[str]
) -> Iterator[tuple[Path, np.ndarray]]:
    for path, stimulus in items:
        if isinstance(stimulus, InputError):
            skipped.append(str(stimulus))
        else:
            yield path, stimulus
