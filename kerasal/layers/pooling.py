"""Max pooling as Theano and Caffe place its windows."""

import keras
from keras import ops

from kerasal.layers._base import Layer


@keras.saving.register_keras_serializable(package="kerasal")
class TheanoMaxPooling2D(Layer):
    """Max pooling as Keras 1 on Theano did it with `border_mode="same"`.

    The image is padded alike on all sides, by `pool_size - 1` pixels for an even size and `pool_size - 2`
    for an odd one, so that the first window begins before the top and left: window i of 2 pixels with
    stride 2 covers the rows 2i - 1 and 2i, where Keras 3 covers 2i and 2i + 1.

    Args:
        pool_size: side of the square window in pixels.
        strides: pixels from a window to the next.

    Input (B, H, W, C), output (B, ceil(H / strides), ceil(W / strides), C).
    Source: Keras 1.1.0, `pool2d` in keras/backend/theano_backend.py.
    """

    def __init__(self, pool_size: int = 2, strides: int = 2, **kwargs):
        super().__init__(**kwargs)
        if pool_size < 1 or strides < 1:
            raise ValueError(f"pool_size and strides must be positive, got {pool_size} and {strides}")
        self.pool_size = pool_size
        self.strides = strides

    def call(self, inputs):
        margin = max(0, self.pool_size - 2 if self.pool_size % 2 else self.pool_size - 1)
        sides = [(0, 0), (margin, margin), (margin, margin), (0, 0)]
        padded = ops.pad(inputs, sides, constant_values=float("-inf"))
        pooled = ops.max_pool(padded, self.pool_size, self.strides, "valid", data_format="channels_last")
        height, width = (-(-side // self.strides) for side in ops.shape(inputs)[1:3])
        return pooled[:, :height, :width]

    def compute_output_shape(self, input_shape):
        sides = (side and -(-side // self.strides) for side in input_shape[1:3])
        return (input_shape[0], *sides, input_shape[3])


@keras.saving.register_keras_serializable(package="kerasal")
class CaffeMaxPooling2D(Layer):
    """Max pooling as Caffe does it: no window is left out at the border, the last one is cut there.

    Windows begin at the first pixel; Keras's "valid" leaves out one that would reach over the border, and its
    "same" begins before the image where the size is odd.

    Args:
        pool_size: side of the square window in pixels.
        strides: pixels from a window to the next, at most `pool_size`.

    Input (B, H, W, C), sides of at least `pool_size` - `strides` + 1; output (B, R, S, C) with
    R = ceil((H - pool_size) / strides) + 1.
    Source: Caffe, src/caffe/layers/pooling_layer.cpp.
    """

    def __init__(self, pool_size: int = 3, strides: int = 2, **kwargs):
        super().__init__(**kwargs)
        if not 1 <= strides <= pool_size:
            raise ValueError(f"strides must lie in 1..pool_size, got {strides} and {pool_size}")
        self.pool_size = pool_size
        self.strides = strides

    def call(self, inputs):
        # So many more pixels turn the floor of "valid" into a ceiling.
        margin = (0, self.strides - 1)
        padded = ops.pad(inputs, [(0, 0), margin, margin, (0, 0)], constant_values=float("-inf"))
        return ops.max_pool(padded, self.pool_size, self.strides, "valid", data_format="channels_last")

    def compute_output_shape(self, input_shape):
        sides = (side and -(-(side - self.pool_size) // self.strides) + 1 for side in input_shape[1:3])
        return (input_shape[0], *sides, input_shape[3])
