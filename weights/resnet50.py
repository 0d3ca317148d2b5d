"""ResNet-50's ImageNet weights: finding the file."""

from pathlib import Path

from kerasal.errors import InputError
from kerasal.weights.keras_file import keras_download, own_file

KERAS_FILE = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
KERAS_MD5 = "4d473c1dd8becc155b73f8504c6f6626"  # as keras.applications.resnet checks it


def resolve_resnet50(weights: str | Path = "imagenet") -> Path:
    """The file to read ResNet-50 from: a path, or "imagenet" for the one that Keras has downloaded before.

    Nothing is downloaded. InputError: no such file.
    """
    if path := own_file(weights) or keras_download(KERAS_FILE, KERAS_MD5):
        return path
    raise InputError(
        "kerasal brings no ResNet-50 along: let Keras download it, with "
        "python -c 'import keras; keras.applications.ResNet50(include_top=False)', "
        f"or put {KERAS_FILE} into ~/.keras/models, or give another file or 'random' as backbone weights"
    )
