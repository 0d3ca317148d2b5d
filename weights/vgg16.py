"""VGG-16's ImageNet convolution weights: finding the file and reading it."""

from pathlib import Path

import keras

from kerasal.errors import InputError
from kerasal.weights.keras_file import keras_download, load_keras_layers
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
    if cached := keras_download(KERAS_FILE, KERAS_MD5):
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
    load_keras_layers({layer.name: layer for layer in model.layers if layer.weights}, path, "VGG-16")
