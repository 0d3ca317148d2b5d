"""Gaussian smoothing with a fixed kernel."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="kerasal")
class GaussianBlur(keras.layers.Layer):
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

    def build(self, input_shape):
        offsets = np.arange(self.size) - self.size // 2
        profile = np.exp(-(offsets**2) / (2 * self.sigma**2))
        profile /= profile.sum()
        kernel = np.outer(profile, profile)[:, :, None, None]
        self._kernel = np.repeat(kernel, input_shape[-1], axis=2)

    def call(self, inputs):
        margin = self.size // 2
        padded = ops.pad(inputs, [(0, 0), (margin, margin), (margin, margin), (0, 0)], mode="symmetric")
        kernel = ops.convert_to_tensor(self._kernel, dtype=inputs.dtype)
        return ops.depthwise_conv(padded, kernel, padding="valid", data_format="channels_last")

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "size": self.size, "sigma": self.sigma}
