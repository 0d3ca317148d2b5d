"""ImageNet weights of backbones: finding the file, and reading VGG-16's."""

from pathlib import Path

import keras

from kerasal.errors import InputError
from kerasal.weights.keras_file import keras_download, load_keras_layers, own_file
from kerasal.weights.registry import REGISTRY
from kerasal.weights.stored import layers_by_name

# The files of keras.applications, and their MD5 as it checks them.
VGG16_FILE = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
VGG16_MD5 = "6d6bbae143d832006294945121d1f1fc"
RESNET50_FILE = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
RESNET50_MD5 = "4d473c1dd8becc155b73f8504c6f6626"


def resolve_vgg16(weights: str | Path = "imagenet") -> Path:
    """The file to read VGG-16's convolutions from.

    `weights` is a path, or "imagenet": then the file that keras.applications has downloaded before, if
    it is there and whole (its MD5 is checked), else the float16 copy that kerasal ships. Nothing is
    ever downloaded. InputError: a path that does not exist, or a shipped copy that was damaged.
    """
    return own_file(weights) or keras_download(VGG16_FILE, VGG16_MD5) or REGISTRY["vgg16.imagenet"].whole()


def resolve_efficientnet_lite2(weights: str | Path = "imagenet") -> Path:
    """The file to read EfficientNet-Lite2 from: a path, or "imagenet" for the copy that ships.

    InputError: a path that does not exist, or a shipped copy that was damaged.
    """
    return own_file(weights) or REGISTRY["efficientnet-lite2.imagenet"].whole()


def resolve_resnet50(weights: str | Path = "imagenet") -> Path:
    """The file to read ResNet-50 from: a path, or "imagenet" for the one that Keras has downloaded before.

    Nothing is downloaded. InputError: no such file.
    """
    if path := own_file(weights) or keras_download(RESNET50_FILE, RESNET50_MD5):
        return path
    raise InputError(
        "kerasal brings no ResNet-50 along: let Keras download it, with "
        "python -c 'import keras; keras.applications.ResNet50(include_top=False)', "
        f"or put {RESNET50_FILE} into ~/.keras/models, or give another file or 'random' as backbone weights"
    )


def load_vgg16(model: keras.Model, weights: str | Path) -> None:
    """Set the `blockN_convM` layers of `model` from what `resolve_vgg16` finds: see `load_keras_layers`."""
    load_keras_layers(layers_by_name(model), resolve_vgg16(weights), "VGG-16", "block3_conv4")  # of VGG-19
