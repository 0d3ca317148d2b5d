"""A learnt map that weighs the places of the image."""

import math

import keras
from keras import ops

from kerasal.layers._base import Layer
from kerasal.layers.upsampling import BilinearUpsampling


@keras.saving.register_keras_serializable(package="kerasal")
class LearnedPriorMap(Layer):
    """Feature maps times 1 + a learnt coarse map, the same for every stimulus.

    The coarse map W has one weight for `factor` x `factor` pixels and starts at 0; 1 + W is enlarged
    bilinearly. Its squares are added to the loss, divided by their number.

    Args:
        factor: pixels for each weight, along both axes.
        theano: where the enlargement puts a weight's centre, see `BilinearUpsampling`.

    Input and output (B, H, W, C), H and W multiples of `factor`.
    Source: Cornia et al. 2016, section III-C; initial value and penalty from the reference code.
    """

    def __init__(self, factor: int = 10, theano: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor
        self.theano = theano
        # In this layer's precision: else a copy would take the policy of the moment.
        self.upsampling = BilinearUpsampling(factor, theano, dtype=self.dtype_policy)

    def build(self, input_shape):
        rows, columns = input_shape[1:3]
        if rows % self.factor or columns % self.factor:
            raise ValueError(f"{rows}x{columns} pixels are no multiples of {self.factor}")
        shape = (rows // self.factor, columns // self.factor)
        self.prior = self.add_weight(
            shape=shape,
            initializer="zeros",
            regularizer=keras.regularizers.L2(1 / math.prod(shape)),
            name="prior",
        )

    def call(self, inputs):
        coarse = ops.cast(1 + self.prior, inputs.dtype)
        return inputs * self.upsampling(coarse[None, :, :, None])
