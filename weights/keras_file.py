"""Weights of keras.applications: files of named layers, and the place where Keras keeps them."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import h5py
import keras
import numpy as np

from kerasal.errors import InputError, reading
from kerasal.weights.stored import finite

# What orders the vectors of a batch normalisation; alphabetically, as HDF5 lists them, beta comes first.
VECTORS = ("gamma", "beta", "mean", "variance")


def own_file(weights: str | Path) -> Path | None:
    """The file of backbone weights that a user names; None for "imagenet". InputError: there is none."""
    if str(weights) == "imagenet":
        return None
    path = Path(weights)
    if not path.is_file():
        raise InputError(f"no backbone weights at {path}: give a .h5 file, 'imagenet' or 'random'")
    return path


def keras_download(file: str, md5: str) -> Path | None:
    """A weights file that keras.applications has downloaded before, if it is there and whole."""
    # As Keras itself finds it, also where no home folder is known.
    keras_home = Path(os.environ.get("KERAS_HOME", os.path.expanduser("~/.keras")))
    path = keras_home / "models" / file
    if path.is_file() and hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() == md5:
        return path
    return None


def load_keras_layers(
    layers: Mapping[str, keras.layers.Layer], path: Path | str, network: str, foreign: str | None = None
) -> None:
    """Set layers from an HDF5 file of float16 or float32 weights, by the names that the file knows them by.

    The file has one group per layer, as keras.applications saves it, with the arrays in it; the groups may
    lie under `model_weights`. All shapes and values are checked before the first weight is set. InputError:
    not HDF5, a layer missing, or one of another shape or with values that are not finite, by name; `network`
    says in it what was expected. A layer `foreign` tells a deeper network that has all of these names.
    """
    with reading(f"{path} is not a readable HDF5 weights file"), h5py.File(path, "r") as file:
        root = file.get("model_weights", file)
        if foreign and foreign in root:
            raise InputError(f"{path} has a layer {foreign}: these are a deeper network's, not {network}'s")
        found = {}
        for name, layer in layers.items():
            if name not in root:
                raise InputError(f"{path} has no layer {name}: these are not {network}'s convolutions")
            arrays = read_layer(root[name])
            expected = [tuple(weight.shape) for weight in layer.weights]
            shapes = [array.shape for array in arrays]
            if shapes != expected:
                raise InputError(f"{path}: {name} has shapes {shapes}, {network} needs {expected}")
            found[layer] = finite(arrays, f"{path}: {name}")
    for layer, arrays in found.items():
        layer.set_weights(arrays)


def read_layer(group: h5py.Group) -> list[np.ndarray]:
    """The arrays of a layer in Keras's order: the kernel first, by its rank, then vectors as in `VECTORS`."""
    arrays = []

    def read(name, item):
        if isinstance(item, h5py.Dataset):
            place = next((place for place, word in enumerate(VECTORS) if word in name.rsplit("/")[-1]), 0)
            arrays.append((-item.ndim, place, item[()]))

    group.visititems(read)
    return [array for *_, array in sorted(arrays, key=lambda entry: entry[:2])]
