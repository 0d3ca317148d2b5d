"""Max pooling whose windows begin before the image."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kerasal")
class TheanoMaxPooling2D(keras.layers.Layer):
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
        batch, height, width, channels = input_shape
        height, width = (side and -(-side // self.strides) for side in (height, width))
        return (batch, height, width, channels)

    def get_config(self):
        return {**super().get_config(), "pool_size": self.pool_size, "strides": self.strides}
