"""A convolution whose kernels have a fixed norm."""

import keras
from keras import ops

from kerasal.layers._base import Layer

EPSILON = 1e-6  # under the root: SalGAN's reference code


@keras.saving.register_keras_serializable(package="kerasal")
class WeightNormConv2D(Layer):
    """3x3 convolution with the kernel W g / sqrt(1e-6 + sum W^2), the sum over each filter; bias; relu.

    Args:
        filters: output channels.

    Input (B, H, W, C), output (B, H, W, filters). Weights: kernel W (3, 3, C, filters), bias (filters), gain
    g (filters), which is 1 and not trained.
    Source: Salimans and Kingma 2016, "Weight normalization"; the fixed gain from SalGAN's reference code.
    """

    def __init__(self, filters: int, **kwargs):
        super().__init__(**kwargs)
        if filters < 1:
            raise ValueError(f"filters must be positive, got {filters}")
        self.filters = filters

    def build(self, input_shape):
        shape = (3, 3, input_shape[-1], self.filters)
        self.kernel = self.add_weight(shape=shape, initializer="glorot_uniform", name="kernel")
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")
        self.gain = self.add_weight(shape=(self.filters,), initializer="ones", trainable=False, name="gain")

    def call(self, inputs):
        norm = ops.sqrt(EPSILON + ops.sum(ops.square(self.kernel), axis=(0, 1, 2)))
        x = ops.conv(inputs, self.kernel * (self.gain / norm), padding="same", data_format="channels_last")
        return ops.relu(x + self.bias)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)
