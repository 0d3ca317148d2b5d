"""Maxout: the largest of a few units."""

import keras
from keras import ops

from kerasal.layers._base import Layer


@keras.saving.register_keras_serializable(package="kerasal")
class Maxout(Layer):
    """The maximum over groups of consecutive units: output i is that of pieces i to pieces (i + 1) - 1.

    Args:
        pieces: units in a group.

    Input (B, N), N a multiple of `pieces`; output (B, N / pieces).
    Source: Goodfellow et al. 2013, "Maxout networks"; the order is that of Lasagne's FeaturePoolLayer.
    """

    def __init__(self, pieces: int = 2, **kwargs):
        super().__init__(**kwargs)
        if pieces < 1:
            raise ValueError(f"pieces must be positive, got {pieces}")
        self.pieces = pieces

    def build(self, input_shape):
        if input_shape[-1] % self.pieces:
            raise ValueError(f"{input_shape[-1]} units cannot be divided into groups of {self.pieces}")

    def call(self, inputs):
        groups = ops.reshape(inputs, (-1, inputs.shape[-1] // self.pieces, self.pieces))
        return ops.max(groups, axis=-1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1] // self.pieces)
