"""Gaussian smoothing with a fixed kernel."""

import keras
import numpy as np
from keras import ops

from kerasal.layers._base import Layer


@keras.saving.register_keras_serializable(package="kerasal")
class GaussianBlur(Layer):
    """Smooth every channel with a fixed Gaussian; no weights.

    Args:
        size: side of the square kernel in pixels, odd.
        sigma: standard deviation in pixels.

    Input and output (B, H, W, C). Borders are mirrored, so that a constant map stays constant: with
    zeros around the map a logit would be pulled towards 0, that is, to a bright frame after a sigmoid.
    Source: the paper, section 3.1 (5x5, sigma 1).
    """

    def __init__(self, size: int = 5, sigma: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        if size < 1 or size % 2 == 0:
            raise ValueError(f"size must be odd and positive, got {size}")
        if sigma <= 0:
            raise ValueError(f"sigma must be positive, got {sigma}")
        self.size = size
        self.sigma = sigma

    def call(self, inputs):
        return gaussian_blur(inputs, self.size, self.sigma)


def gaussian_blur(maps: keras.KerasTensor, size: int, sigma: float) -> keras.KerasTensor:
    """Maps (B, H, W, C) smoothed as by `GaussianBlur(size, sigma)`; H and W may be known at run time only.

    With a size of 2 int(4 sigma + 0.5) + 1 this is SciPy's `gaussian_filter` with its defaults.
    """
    offsets = np.arange(size) - size // 2
    profile = np.exp(-(offsets**2) / (2 * sigma**2))
    return smooth(maps, profile / profile.sum())


def smooth(maps: keras.KerasTensor, profile: np.ndarray, edge: int = 1) -> keras.KerasTensor:
    """Maps (B, H, W, C) smoothed along both axes by a profile of odd length.

    Borders are mirrored: at the image's edges with an `edge` of 1, at its last pixels' centres with 0.
    """
    for axis, shape in ((1, (-1, 1, 1, 1)), (2, (1, -1, 1, 1))):
        kernel = ops.repeat(ops.convert_to_tensor(profile.reshape(shape), maps.dtype), maps.shape[-1], axis=2)
        mirrored = _mirror(maps, axis, len(profile) // 2, edge)
        maps = ops.depthwise_conv(mirrored, kernel, data_format="channels_last")
    return maps


def _mirror(maps, axis, margin, edge):
    """Maps with `margin` more pixels at either end of an axis, mirrored as often as it takes."""
    side = ops.shape(maps)[axis]
    period = 2 * side if edge else ops.maximum(1, 2 * side - 2)
    # Counted from the period's next start: ONNX's remainder of a negative number is another one.
    place = (ops.arange(side + 2 * margin) + (period - margin % period)) % period
    return ops.take(maps, ops.minimum(place, period - edge - place), axis=axis)
