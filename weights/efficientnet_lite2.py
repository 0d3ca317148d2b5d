"""EfficientNet-Lite2's ImageNet weights: finding the file."""

from pathlib import Path

from kerasal.weights.keras_file import own_file
from kerasal.weights.registry import REGISTRY


def resolve_efficientnet_lite2(weights: str | Path = "imagenet") -> Path:
    """The file to read EfficientNet-Lite2 from: a path, or "imagenet" for the copy that ships.

    InputError: a path that does not exist, or a shipped copy that was damaged.
    """
    return own_file(weights) or REGISTRY["efficientnet-lite2.imagenet"].whole()
