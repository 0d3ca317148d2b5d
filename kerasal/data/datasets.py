"""The datasets by name."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from kerasal.data import folder, osie, synthetic
from kerasal.data.sample import Dataset
from kerasal.errors import InputError

# name -> loader of its folder; `synthetic` needs none.
DATASETS: dict[str, Callable[..., Dataset]] = {
    "synthetic": synthetic.load,
    "osie": osie.load,
    "folder": folder.load,
}


def load(
    name: str,
    data_dir: Path | str | None = None,
    *,
    sigma: float | None = None,
    pixels_per_degree: float | None = None,
) -> Dataset:
    """A dataset by its name, or any folder of images with maps or fixations by its path.

    Args:
        name: one of `DATASETS`, or a path to a folder as in `kerasal.data.folder`.
        data_dir: where the dataset lies; default $KERASAL_DATA/NAME, else ~/.kerasal/data/NAME.
        sigma, pixels_per_degree: for folders, see `kerasal.data.folder.load`.

    InputError: an unknown name, or whatever the loader finds wrong.
    """
    if sigma is not None and sigma <= 0:
        raise InputError(f"sigma must be positive, got {sigma}")
    if pixels_per_degree is not None and pixels_per_degree <= 0:
        raise InputError(f"pixels per degree must be positive, got {pixels_per_degree}")
    if name not in DATASETS and (os.sep in name or Path(name).is_dir()):
        name, data_dir = "folder", name
    if name not in DATASETS:
        raise InputError(f"unknown dataset {name!r}: one of {', '.join(DATASETS)}, or a folder's path")
    if name == "folder" and data_dir is None:
        raise InputError("give the folder: --data PATH, or --data folder --data-dir PATH")
    root = Path(os.environ.get("KERASAL_DATA", Path.home() / ".kerasal" / "data"))
    directory = Path(data_dir).absolute() if data_dir else root / name
    if name == "synthetic":
        dataset = synthetic.load()
    elif name == "folder":
        dataset = folder.load(directory, sigma=sigma, pixels_per_degree=pixels_per_degree)
    else:
        dataset = DATASETS[name](directory)
    arguments = {
        "name": name,
        "data_dir": str(directory),
        "sigma": sigma,
        "pixels_per_degree": pixels_per_degree,
    }
    return replace(dataset, arguments=arguments)
