"""The datasets by name."""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from kerasal.data import (
    cat2000,
    fiwi,
    folder,
    mit1003,
    mixture,
    osie,
    prepared,
    salicon,
    scene,
    synthetic,
    toronto,
)
from kerasal.data.options import ReadingOptions
from kerasal.data.published import INFO, default_folder
from kerasal.data.sample import Dataset
from kerasal.data.splits import split_by_file
from kerasal.data.troubles import Troubles
from kerasal.errors import InputError

# name -> loader of its folder; `synthetic` needs none.
DATASETS: dict[str, Callable[..., Dataset]] = {
    "synthetic": synthetic.load,
    "osie": osie.load,
    "scene": scene.load,
    "mit1003": mit1003.load,
    "cat2000": cat2000.load,
    "fiwi": fiwi.load,
    "salicon-2015": salicon.load_2015,
    "salicon-2017": salicon.load_2017,
    "toronto": toronto.load,
    "folder": folder.load,
}

# The fields of `ReadingOptions` that a loader has, besides split_file, which all take.
OF_FOLDERS = {  # as the beginning of an error
    "sigma": "a sigma is",
    "pixels_per_degree": "pixels per degree are",
    "normalized": "normalized coordinates are",
}
OWN_OPTIONS = {"cat2000": ("crop_borders",), "folder": tuple(OF_FOLDERS)}


def load(
    name: str,
    data_dir: Path | str | Mapping[str, Path | str] | None = None,
    *,
    troubles: Troubles | None = None,
    **options,
) -> Dataset:
    """A dataset by its name, or any folder by its path: of images with maps or fixations, or prepared.

    Args:
        name: one of `DATASETS`, or a path to a folder as in `kerasal.data.folder` or as
            `kerasal.data.prepared.prepare` wrote it; or several of them, "osie+scene" or "osie*2+scene":
            see `kerasal.data.mixture`.
        data_dir: where the dataset lies; default `default_folder(name)`. Of several: name -> folder.
        troubles: collects what is wrong with the files; else the first is raised that loading cannot do
            without.
        options: of `kerasal.data.options.ReadingOptions`. For sigma, pixels_per_degree and normalized see
            `kerasal.data.folder.load`, for crop_borders `kerasal.data.cat2000.load`, for split_file
            `kerasal.data.splits.split_by_file`.

    InputError: an unknown name, an option that the dataset does not have, or whatever the loader finds wrong.
    """
    reading = ReadingOptions(**options)
    if reading.split_file is not None:  # a ~ in a file of options no shell has seen
        reading = replace(reading, split_file=os.path.expanduser(reading.split_file))
    for option in ("sigma", "pixels_per_degree"):
        value = getattr(reading, option)
        if value is not None and not 0 < value < math.inf:
            raise InputError(f"{option.replace('_', ' ')} must be positive, got {value}")
    of_folders = [what for option, what in OF_FOLDERS.items() if getattr(reading, option)]
    if _is_mixture(name):
        if reading.split_file is not None:
            raise InputError(
                "a split file is for one dataset: give it to kerasal data prepare, and mix what that writes"
            )
        return _load_mixture(name, data_dir, reading, of_folders)
    if isinstance(data_dir, Mapping):
        data_dir = _of_each([name], data_dir)[0]
    name, directory = locate(name, data_dir)
    if reading.crop_borders and name != "cat2000":
        raise InputError(f"cropping grey borders is for cat2000, whose images are padded, not for {name}")
    if of_folders and not {*OF_FOLDERS} & options_of(name, directory):
        what = f"{directory}, which is prepared" if name == "folder" else name
        raise InputError(f"{of_folders[0]} for folders of your own, not for {what}")
    if name == "synthetic":
        dataset = synthetic.load()
    elif name == "folder" and prepared.is_prepared(directory):
        dataset = prepared.load(directory)
    elif name != "folder" and not directory.is_dir():
        raise InputError(
            f"no folder {directory} for {name}: get it with kerasal data fetch {name} (from "
            f"{INFO[name].page}), or say where it lies: --data-dir, or FOLDER of kerasal data"
        )
    else:
        dataset = DATASETS[name](directory, troubles or Troubles(), **reading.of(OWN_OPTIONS.get(name, ())))
    if reading.split_file is not None:
        dataset = split_by_file(dataset, reading.split_file)
    return replace(dataset, arguments={"name": name, "data_dir": str(directory), **reading.as_arguments()})


def _load_mixture(text: str, data_dir, reading: ReadingOptions, of_folders: list[str]) -> mixture.Mixture:
    names, weights = mixture.parse(text)
    if data_dir is not None and not isinstance(data_dir, Mapping):
        raise InputError(
            f"{text} are several datasets: say of each where it lies, --data-dir {names[0]}={data_dir}; "
            f"kerasal data, which has no such option, finds it as $KERASAL_DATA/{names[0]}"
        )
    if reading.crop_borders and "cat2000" not in names:
        raise InputError(f"cropping grey borders is for cat2000, whose images are padded, not for {text}")
    places = list(zip(names, _of_each(names, data_dir or {}), strict=True))
    has = [options_of(*place) for place in places]
    if of_folders and not any({*OF_FOLDERS} & options for options in has):
        raise InputError(f"{of_folders[0]} for folders of your own, not for {text}")
    parts = [load(*place, **reading.of(options)) for place, options in zip(places, has, strict=True)]
    # Folders are named by their whole paths, so that the mixture is found again from anywhere.
    found = [
        part.arguments["data_dir"] if part.arguments["name"] == "folder" else name
        for name, part in zip(names, parts, strict=True)
    ]
    if wrong := [name for name in found if "+" in name]:
        raise InputError(f"the path {wrong[0]} has a +, which parts datasets: rename it to mix it")
    arguments = {
        "name": mixture.text(found, weights),
        "data_dir": {
            name: part.arguments["data_dir"]
            for name, part in zip(found, parts, strict=True)
            if name in DATASETS and name != "synthetic"
        },
        **reading.as_arguments(),
    }
    return replace(mixture.mix(parts, weights), arguments=arguments)


def options_of(name: str, data_dir: Path | str | Mapping[str, Path | str] | None = None) -> set[str]:
    """The fields of `ReadingOptions` that a dataset has, or one of a mixture's, besides split_file.

    Arguments and errors are those of `load`; a prepared folder has none.
    """
    names = mixture.parse(name)[0] if _is_mixture(name) else [name]
    folders = _of_each(names, data_dir) if isinstance(data_dir, Mapping) else [data_dir] * len(names)
    places = [locate(*place) for place in zip(names, folders, strict=True)]
    own = [name for name, directory in places if not prepared.is_prepared(directory)]
    return {option for name in own for option in OWN_OPTIONS.get(name, ())}


def _is_mixture(name: str) -> bool:
    return "+" in name and not Path(name).is_dir()


def _of_each(names: list[str], folders: Mapping[str, Path | str]) -> list[Path | str | None]:
    """The folder of each dataset; None is its default. InputError: a folder of another dataset."""
    if unknown := [name for name in folders if name not in names]:
        raise InputError(f"--data-dir names {unknown[0]}, and the data are {', '.join(names)}")
    return [folders.get(name) for name in names]


def locate(name: str, data_dir: Path | str | None = None) -> tuple[str, Path]:
    """A dataset's name and folder, from what a user gives: a name of `DATASETS`, or a folder's path.

    InputError: neither, or a folder's path and another one, or a place for what is generated.
    """
    if name not in DATASETS and (os.sep in name or Path(name).is_dir()):
        if data_dir is not None:
            raise InputError(f"{name} is a folder itself, and {data_dir} is one too many: leave it out")
        name, data_dir = "folder", name
    # The arguments of a dataset name its default folder, which always has its name.
    if name == "synthetic" and data_dir is not None and Path(data_dir).name != name:
        raise InputError(f"synthetic data are generated: name the data that lie in {data_dir} with --data")
    if name not in DATASETS:
        if Path(name).is_file():
            raise InputError(f"{name} is a file: a dataset is a folder with images/ and fixations/ or maps/")
        raise InputError(f"unknown dataset {name!r}: one of {', '.join(DATASETS)}, or a folder's path")
    if name == "folder" and data_dir is None:
        raise InputError("give the folder's path in place of the name folder")
    # No shell has seen a ~ that comes from a file of options, or behind a +.
    return name, Path(os.path.expanduser(data_dir)).absolute() if data_dir else default_folder(name)
