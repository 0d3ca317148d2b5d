"""What the classical models accept: one RGB or grey image, checked."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from kerasal.errors import InputError

LARGEST = 2**26  # pixels; the hungriest of the models without Fourier transforms takes 0.14 GB a megapixel


def read_image(image: ArrayLike, model: str, smallest: int, largest: int = LARGEST) -> np.ndarray:
    """The image in [0, 1], float64: (H, W, 3) for colour, (H, W) for a grey one.

    Args:
        image: (H, W, 3) RGB or (H, W) or (H, W, 1) grey; uint8, which is divided by 255, or floats in
            [0, 1].
        model: its name in errors.
        smallest: what either side must have, in pixels.
        largest: how many pixels there may be.

    InputError: another shape, dtype or range; NaN; too small or too large.
    """
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[..., 0]
    if not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
        raise InputError(
            f"{model} needs an RGB image (H, W, 3) or a grey one (H, W), got shape {image.shape}"
        )
    rows, columns = image.shape[:2]
    if min(rows, columns) < smallest:
        raise InputError(f"{model} needs an image of at least {smallest}x{smallest}, got {rows}x{columns}")
    if rows * columns > largest:
        raise InputError(
            f"{model} takes at most {largest / 1e6:.0f} megapixels, got {rows}x{columns}: shrink it first"
        )
    if image.dtype == np.uint8:
        return image / 255
    if image.dtype.kind != "f":
        raise InputError(f"{model} needs uint8 or floats in 0..1, got {image.dtype}")
    if not (image.min() >= 0 and image.max() <= 1):  # so that NaN fails too
        raise InputError(f"{model} needs floats in 0..1, got {image.min():.6g} to {image.max():.6g}")
    return image.astype(np.float64)


def is_constant(image: np.ndarray) -> bool:
    """Whether all pixels are alike: then nothing stands out, and only rounding errors would be stretched."""
    first = image[0, 0]
    return bool((image[0] == first).all() and (image == first).all())
