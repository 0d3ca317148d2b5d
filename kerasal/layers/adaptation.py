"""A few numbers that fit saliency maps to another data set."""

import keras
import numpy as np
from keras import ops

from kerasal.layers._base import Layer

FLOOR = 1e-3  # below it a map counts as empty; its logarithm has to end somewhere


@keras.saving.register_keras_serializable(package="kerasal")
class Adaptation(Layer):
    """Power, centre bias and blur: what data sets of the same people looking differ by.

    The map is (m + floor)^power g^weight, smoothed by a Gaussian; g is the Gaussian that observers look at
    before they know the picture. Nine weights: `logarithms` (5): of power, floor / 0.001, the centre bias's
    two sigmas (shares of height and width, over 0.3) and the blur's sigma (a share of the height, over
    0.01); `weight` (1) of the centre bias; `centre` (2), its rows and columns in shares from the middle;
    `gain` (1), the logarithm of a factor. At 0, what they start with, the map is left nearly as it is.

    Input and output (B, H, W, 1), H and W known; values from 0, those of a density. The idea is that of
    Kümmerer, Khanuja and Bethge 2025, "Modeling saliency dataset bias" (arXiv 2505.10169), whose network has
    fewer than twenty such numbers for each data set; the formula is not theirs.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)

    def build(self, input_shape):
        self.logarithms = self.add_weight(shape=(5,), initializer="zeros", name="logarithms")
        self.weight = self.add_weight(shape=(1,), initializer="zeros", name="weight")
        self.centre = self.add_weight(shape=(2,), initializer="zeros", name="centre")
        self.gain = self.add_weight(shape=(1,), initializer="zeros", name="gain")

    def call(self, inputs):
        rows, columns = inputs.shape[1:3]
        power, floor, high, wide, blur = ops.unstack(ops.exp(ops.clip(self.logarithms, -4.0, 4.0)))
        y = (np.arange(rows, dtype="float32")[:, None, None] + 0.5) / rows - 0.5
        x = (np.arange(columns, dtype="float32")[None, :, None] + 0.5) / columns - 0.5
        y, x = (y - self.centre[0]) / (0.3 * high), (x - self.centre[1]) / (0.3 * wide)
        distance = ops.square(y) + ops.square(x)
        logarithm = power * ops.log(ops.maximum(inputs, 0.0) + FLOOR * floor)
        maps = ops.exp(logarithm - 0.5 * self.weight[0] * distance + self.gain[0])
        # Smoothed with a sigma in pixels that can be learnt, the borders mirrored, by two products.
        along_y, along_x = (_mirrored_gaussian(length, 0.01 * blur * rows) for length in (rows, columns))
        return ops.einsum("ik,bklc,jl->bijc", along_y, maps, along_x)


def _mirrored_gaussian(length, sigma):
    """The smoothing of a line of pixels as a matrix: what each takes from each and from mirror images."""
    places = np.arange(length, dtype="float32")
    sums = places[:, None] + places[None, :] + 1
    distances = (places[:, None] - places[None, :], sums, 2 * length - sums)
    kernel = sum(ops.exp(-0.5 * ops.square(distance / sigma)) for distance in distances)
    return kernel / ops.sum(kernel, axis=1, keepdims=True)
