"""Pixels that a program hands over: arrays and tensors of any library, RGB, 0..255."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from kerasal.errors import InputError, reading


def is_array(value: object) -> bool:
    """Whether a value is an array or a tensor, of NumPy, TensorFlow, JAX, PyTorch or another library."""
    return hasattr(value, "__array__")


def as_array(value: object) -> np.ndarray:
    """The values of an array, a tensor or nested lists; of half precisions that NumPy lacks as float32.

    InputError: it has no values, such as a tensor of a graph, or rows of differing lengths.
    """
    with reading(f"an image is an array of numbers, got {type(value).__name__}"):
        if hasattr(value, "detach"):  # PyTorch's: off its gradients and its device
            value = value.detach().cpu()
            if str(value.dtype) == "torch.bfloat16":
                value = value.float()
        array = np.asarray(value)
        # So NumPy sees the bfloat16 of TensorFlow and JAX.
        return array.astype("float32") if array.dtype.kind == "V" else array


def eight_bits(array: np.ndarray) -> np.ndarray:
    """An image's values as uint8: bool and uint16 are scaled, other numbers must lie in 0..255.

    InputError: they do not, or are no numbers; floats in [0, 1].
    """
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool:
        return array.astype("uint8") * 255
    if array.dtype == np.uint16:
        return np.round(array / 257).astype("uint8")
    check_levels(array)
    return np.round(array).astype("uint8")


def check_levels(array: np.ndarray) -> None:
    """InputError: no numbers, values outside of 0..255, or floats in [0, 1], which would be a black image."""
    if array.dtype.kind not in "iuf":
        raise InputError(f"an image holds numbers, got {array.dtype}")
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= 255):  # NaN fails too
        raise InputError(f"an image's values lie between 0 and 255, got {low:g} to {high:g}")
    if array.dtype.kind == "f" and 0 < high <= 1:
        raise InputError("an image's values lie between 0 and 255; these are at most 1: multiply by 255")


def as_stimuli(stimuli: Iterable[Any]) -> list[np.ndarray]:
    """What a predictor's `saliency_maps` is given, as a list of (H, W, 3) uint8 arrays.

    A list of arrays or tensors (H, W, 3), or one of (N, H, W, 3); their values as `eight_bits` takes them.
    InputError: one image without a list around it; another shape, such as that of a grey image: repeat its
    channel; values that are none of an image.
    """
    if is_array(stimuli):
        stimuli = as_array(stimuli)
        if stimuli.ndim != 4:
            raise InputError(
                f"pass a list of stimuli (rows, columns, 3), [stimulus] for one; got an array {stimuli.shape}"
            )
    elif isinstance(stimuli, str) or not isinstance(stimuli, Iterable):
        raise InputError(f"pass a list of stimuli (rows, columns, 3), got {type(stimuli).__name__}")
    return [as_stimulus(stimulus) for stimulus in stimuli]


def as_stimulus(stimulus: object) -> np.ndarray:
    """One of `as_stimuli`."""
    array = as_array(stimulus)
    if array.ndim != 3 or array.shape[-1] != 3 or 0 in array.shape:
        raise InputError(f"a stimulus must be (rows, columns, 3), RGB; got {array.shape}")
    return eight_bits(array)
