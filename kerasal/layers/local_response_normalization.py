"""Local response normalisation across channels."""

import keras
from keras import ops

from kerasal.layers._base import Layer


@keras.saving.register_keras_serializable(package="kerasal")
class LocalResponseNormalization(Layer):
    """y = x / (bias + alpha / size * sum of x^2 over the `size` channels around)^beta.

    Args:
        size: odd; how many channels, the middle one's own included. Beyond the first and last are zeros.
        alpha, beta, bias: as above. TensorFlow's alpha is this one divided by `size`.

    Input and output (B, H, W, C). Source: Krizhevsky et al. 2012, section 3.3; alpha divided by the size as
    in Caffe's layer LRN.
    """

    def __init__(self, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        if size < 1 or size % 2 == 0:
            raise ValueError(f"size must be odd and positive, got {size}")
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.bias = bias

    def call(self, inputs):
        channels = inputs.shape[-1]
        margin = self.size // 2
        # Scaled before they are squared: in float16 a square of 256 is infinite.
        scaled = inputs * (self.alpha / self.size) ** 0.5
        squares = ops.pad(ops.square(scaled), [(0, 0), (0, 0), (0, 0), (margin, margin)])
        total = sum(squares[..., shift : shift + channels] for shift in range(self.size))
        return inputs / ops.power(self.bias + total, self.beta)
