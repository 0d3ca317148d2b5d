"""What TensorFlow does better by itself than when Keras asks it to; loaded where it is Keras's backend."""

import functools

import tensorflow as tf


def convolution(x: tf.Tensor, kernel: tf.Tensor, padding: str, dilation: tuple[int, int]) -> tf.Tensor:
    """The dilated convolution of (B, H, W, in) with (k, k, in, out).

    Keras, by `tf.nn.convolution`, has the pixels sorted into many small images that need no dilation: at 12
    in the ASPP a batch of 8 becomes 1152, mostly padding. On a CPU only oneDNN can learn through one
    dilated convolution, and not in every precision.
    """
    if _learns_dilated(x.dtype):
        return tf.nn.conv2d(x, kernel, strides=1, padding=padding.upper(), dilations=dilation)
    return tf.nn.convolution(x, kernel, strides=1, padding=padding.upper(), dilations=dilation)


@functools.cache
def _learns_dilated(dtype: tf.DType) -> bool:
    """Whether this TensorFlow has the gradients of a dilated convolution on a CPU, by trying them.

    A GPU has them always; but what learned there may go on without.
    """
    options = {"strides": [1, 1, 1, 1], "padding": "SAME", "dilations": [1, 2, 2, 1]}
    with tf.init_scope(), tf.device("CPU"):
        x, kernel = tf.zeros((1, 4, 4, 1), dtype), tf.zeros((3, 3, 1, 1), dtype)
        try:
            tf.raw_ops.Conv2DBackpropInput(input_sizes=x.shape, filter=kernel, out_backprop=x, **options)
            tf.raw_ops.Conv2DBackpropFilter(input=x, filter_sizes=kernel.shape, out_backprop=x, **options)
        except tf.errors.OpError:
            return False
    return True
