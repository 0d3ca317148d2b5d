"""EfficientNet-Lite2's ImageNet weights: finding the file."""

from pathlib import Path

from kerasal.errors import InputError
from kerasal.weights.registry import REGISTRY, sha256

SHIPPED = REGISTRY["efficientnet-lite2.imagenet"]


def resolve_efficientnet_lite2(weights: str | Path = "imagenet") -> Path:
    """The file to read EfficientNet-Lite2 from: a path, or "imagenet" for the copy that ships.

    InputError: a path that does not exist, or a shipped copy that was damaged.
    """
    if str(weights) != "imagenet":
        path = Path(weights)
        if not path.is_file():
            raise InputError(f"no backbone weights at {path}: give a .h5 file, 'imagenet' or 'random'")
        return path
    if sha256(SHIPPED.path) != SHIPPED.sha256:
        raise InputError(f"{SHIPPED.path} is damaged (its SHA-256 is not the registry's): reinstall kerasal")
    return SHIPPED.path
