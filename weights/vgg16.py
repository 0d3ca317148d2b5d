"""VGG-16's ImageNet convolution weights: finding the file and reading it."""

from pathlib import Path

import keras

from kerasal.weights.keras_file import keras_download, load_keras_layers, own_file
from kerasal.weights.registry import REGISTRY

KERAS_FILE = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
KERAS_MD5 = "6d6bbae143d832006294945121d1f1fc"  # as keras.applications.vgg16 checks it
SHIPPED = REGISTRY["vgg16.imagenet"]


def resolve_vgg16(weights: str | Path = "imagenet") -> Path:
    """The file to read VGG-16's convolutions from.

    `weights` is a path, or "imagenet": then the file that keras.applications has downloaded before, if
    it is there and whole (its MD5 is checked), else the float16 copy that kerasal ships. Nothing is
    ever downloaded. InputError: a path that does not exist, or a shipped copy that was damaged.
    """
    return own_file(weights) or keras_download(KERAS_FILE, KERAS_MD5) or SHIPPED.whole()


def load_vgg16(model: keras.Model, path: Path | str) -> None:
    """Set the `blockN_convM` layers of `model` from an HDF5 file of float16 or float32 weights.

    The file has one group per layer, as keras.applications saves it, with the kernel (rows, columns,
    in, out) and the bias in it; the groups may lie under `model_weights`. All shapes are checked before
    the first weight is set. InputError: not HDF5, a layer missing, or a layer of another shape, by name.
    """
    load_keras_layers({layer.name: layer for layer in model.layers if layer.weights}, path, "VGG-16")
