"""Atrous spatial pyramid pooling."""

import keras
from keras import ops

from kerasal.layers._base import Layer
from kerasal.layers.dilated import DilatedConv2D


@keras.saving.register_keras_serializable(package="kerasal")
class ASPP(Layer):
    """Parallel 3x3 convolutions of several dilations, relu, concatenated.

    Args:
        filters: channels of each branch.
        dilations: one branch for each, in pixels.

    Input (B, H, W, C), output (B, H, W, filters * len(dilations)).
    Source: Chen et al. 2017, "Rethinking atrous convolution"; sizes from the paper, section 3.1.
    """

    def __init__(self, filters: int = 32, dilations: tuple[int, ...] = (1, 3, 6, 12), **kwargs):
        super().__init__(**kwargs)
        if filters < 1:
            raise ValueError(f"filters must be positive, got {filters}")
        if not dilations or min(dilations) < 1:
            raise ValueError(f"dilations must be positive integers, got {dilations}")
        self.filters = filters
        self.dilations = tuple(dilations)
        self.branches = [
            DilatedConv2D(
                filters,
                3,
                padding="same",
                data_format="channels_last",
                dilation_rate=d,
                activation="relu",
                name=f"dilation{d}",
                dtype=self.dtype_policy,  # else a copy would take the policy of the moment
            )
            for d in self.dilations
        ]

    def build(self, input_shape):
        for branch in self.branches:
            branch.build(input_shape)

    def call(self, inputs):
        return ops.concatenate([branch(inputs) for branch in self.branches], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters * len(self.dilations))
