"""Gaussian prior maps whose place and width are learnt."""

import math

import keras
from keras import ops

from kerasal.layers._base import Layer

# Where the parameters are clipped to, and what they start from: Cornia et al. 2018, reference code.
MEAN_X, MEAN_Y = (0.25, 0.75), (0.35, 0.65)
SIGMA_X, SIGMA_Y = (0.1, 0.9), (0.2, 0.8)
INITIAL_MEAN, INITIAL_SIGMA = (0.3, 0.7), (0.05, 0.3)
KERAS_1_EPSILON = 1e-7  # the reference adds it to each 2 sigma^2


@keras.saving.register_keras_serializable(package="kerasal")
class LearnedGaussianPrior(Layer):
    """Concatenate learnt Gaussian maps, the same for every stimulus, to feature maps.

    Map k is exp(-((x - mu_x)^2 / (2 sigma_x^2) + (y - mu_y)^2 / (2 sigma_y^2))), divided by its maximum over
    the map. x runs from 0 to 1 over the columns; y from (1 - e) / 2 to (1 + e) / 2 over the rows with
    e = rows / columns, in the same unit. Parameters are clipped on use to mu_x [0.25, 0.75], mu_y
    [0.35, 0.65], sigma_x [0.1, 0.9], sigma_y [0.2, 0.8]; outside, their gradient is 0.

    Args:
        gaussians: how many maps, N.

    Input (B, H, W, C), output (B, H, W, C + N): the input's channels first. One weight vector (4 N):
    mu_x, mu_y, sigma_x, sigma_y; means start uniform in 0.3..0.7, sigmas in 0.05..0.3.
    Source: Cornia et al. 2018, section III-C.
    """

    def __init__(self, gaussians: int = 16, **kwargs):
        super().__init__(**kwargs)
        if gaussians < 1:
            raise ValueError(f"gaussians must be positive, got {gaussians}")
        self.gaussians = gaussians

    def build(self, input_shape):
        self.parameters = self.add_weight(
            shape=(4 * self.gaussians,), initializer=_initial_parameters, name="parameters"
        )

    def call(self, inputs):
        maps = ops.cast(self.prior_maps(*ops.shape(inputs)[1:3]), inputs.dtype)
        maps = ops.broadcast_to(maps, (*ops.shape(inputs)[:-1], self.gaussians))
        return ops.concatenate([inputs, maps], axis=-1)

    def prior_maps(self, rows: int, columns: int) -> keras.KerasTensor:
        """The maps at a size, (1, rows, columns, N), float32, each with its maximum at 1."""
        parameters = ops.split(ops.cast(self.parameters, "float32"), 4)
        ranges = (MEAN_X, MEAN_Y, SIGMA_X, SIGMA_Y)
        mu_x, mu_y, sigma_x, sigma_y = (ops.clip(p, *r) for p, r in zip(parameters, ranges, strict=True))
        e = ops.cast(rows, "float32") / ops.cast(columns, "float32")
        x = ops.reshape(_linspace(0, 1, columns), (1, -1, 1))
        y = ops.reshape(_linspace((1 - e) / 2, (1 + e) / 2, rows), (-1, 1, 1))
        exponent = ops.square(x - mu_x) / (2 * ops.square(sigma_x) + KERAS_1_EPSILON)
        exponent += ops.square(y - mu_y) / (2 * ops.square(sigma_y) + KERAS_1_EPSILON)
        # Divided by the maximum before the exponential: the factor before it, 1 / (2 pi sigma_x sigma_y),
        # drops out, and no quotient is small.
        return ops.exp(ops.min(exponent, axis=(0, 1)) - exponent)[None]

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + self.gaussians)


def _linspace(start, stop, count):
    step = (stop - start) / ops.maximum(ops.cast(count, "float32") - 1, 1)
    return start + ops.arange(count, dtype="float32") * step


def _initial_parameters(shape, dtype=None):
    half = (math.prod(shape) // 2,)
    ranges = (INITIAL_MEAN, INITIAL_SIGMA)
    return ops.concatenate([keras.random.uniform(half, *ends, dtype=dtype) for ends in ranges])
