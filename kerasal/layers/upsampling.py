"""Bilinear enlargement by a whole factor."""

import keras
from keras import ops

from kerasal.layers._base import Layer
from kerasal.layers.resampling import interpolate


@keras.saving.register_keras_serializable(package="kerasal")
class BilinearUpsampling(Layer):
    """Enlarge maps bilinearly by a whole factor, the edges held.

    Args:
        factor: output pixels for each input pixel, along both axes.
        theano: put the centre of input pixel i at output factor i + (factor - 1) // 2, where Theano's
            `bilinear_upsampling` puts it: for even factors half a pixel before the true centre, which is
            used otherwise.

    Input (B, H, W, C), output (B, factor H, factor W, C).
    Source: Theano 0.9, theano.tensor.nnet.abstract_conv.
    """

    def __init__(self, factor: int, theano: bool = True, **kwargs):
        super().__init__(**kwargs)
        if factor < 1:
            raise ValueError(f"factor must be at least 1, got {factor}")
        self.factor = factor
        self.theano = theano

    def call(self, inputs):
        origin = (self.factor - 1) // 2 if self.theano else (self.factor - 1) / 2
        for axis in (1, 2):
            place = ops.cast(ops.arange(ops.shape(inputs)[axis] * self.factor), "float32")
            inputs = interpolate(inputs, axis, (place - origin) / self.factor)
        return inputs

    def compute_output_shape(self, input_shape):
        sides = (side and side * self.factor for side in input_shape[1:3])
        return (input_shape[0], *sides, input_shape[3])
