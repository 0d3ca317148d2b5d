"""VGG-16's ImageNet convolution weights: finding the file and reading it."""

import hashlib
import os
from pathlib import Path

import h5py
import keras
import numpy as np

from kerasal.errors import InputError
from kerasal.weights.registry import REGISTRY, sha256

KERAS_FILE = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
KERAS_MD5 = "6d6bbae143d832006294945121d1f1fc"  # as keras.applications.vgg16 checks it
SHIPPED = REGISTRY["vgg16.imagenet"]


def resolve_vgg16(weights: str | Path = "imagenet") -> Path:
    """The file to read VGG-16's convolutions from.

    `weights` is a path, or "imagenet": then the file that keras.applications has downloaded before, if
    it is there and whole (its MD5 is checked), else the float16 copy that kerasal ships. Nothing is
    ever downloaded. InputError: a path that does not exist, or a shipped copy that was damaged.
    """
    if str(weights) != "imagenet":
        path = Path(weights)
        if not path.is_file():
            raise InputError(f"no backbone weights at {path}: give a .h5 file, 'imagenet' or 'random'")
        return path
    keras_home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))  # as Keras itself finds it
    cached = keras_home / "models" / KERAS_FILE
    if cached.is_file() and _md5(cached) == KERAS_MD5:
        return cached
    if sha256(SHIPPED.path) != SHIPPED.sha256:
        raise InputError(f"{SHIPPED.path} is damaged (its SHA-256 is not the registry's): reinstall kerasal")
    return SHIPPED.path


def load_vgg16(model: keras.Model, path: Path | str) -> None:
    """Set the `blockN_convM` layers of `model` from an HDF5 file of float16 or float32 weights.

    The file has one group per layer, as keras.applications saves it, with the kernel (rows, columns,
    in, out) and the bias in it; the groups may lie under `model_weights`. All shapes are checked before
    the first weight is set. InputError: not HDF5, a layer missing, or a layer of another shape, by name.
    """
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise InputError(f"{path} is not a readable HDF5 weights file ({error})") from None
    with file:
        root = file.get("model_weights", file)
        found = {}
        for layer in (layer for layer in model.layers if layer.weights):
            if layer.name not in root:
                raise InputError(f"{path} has no layer {layer.name}: these are not VGG-16's convolutions")
            arrays = read_layer(root[layer.name])
            expected = [tuple(weight.shape) for weight in layer.weights]
            if [array.shape for array in arrays] != expected:
                raise InputError(
                    f"{path}: {layer.name} has shapes {[array.shape for array in arrays]}, "
                    f"VGG-16 needs {expected}"
                )
            found[layer] = arrays
    for layer, arrays in found.items():
        layer.set_weights(arrays)


def read_layer(group: h5py.Group) -> list[np.ndarray]:
    """The arrays of a layer, kernel first: an order by rank, since names differ between Keras versions."""
    arrays = []
    group.visititems(lambda _, item: arrays.append(item[()]) if isinstance(item, h5py.Dataset) else None)
    return [array.astype("float32") for array in sorted(arrays, key=lambda array: -array.ndim)]


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
