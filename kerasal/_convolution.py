"""'Same' convolutions, stride 1, as matrix products, where TensorFlow computes those faster on a CPU.

Each takes x (B, H, W, C) and a kernel (rows, columns, C, F), returns what `ops.conv` does, and its gradient:
for `ops.custom_gradient`.
"""

from collections.abc import Callable
from typing import Any

from keras import ops


def one_product(x: Any, kernel: Any) -> tuple[Any, Callable]:
    """One matrix product of all pixels' windows with the kernels.

    TensorFlow convolves a single stimulus at little more than half the rate of matrix products
    (tests/benchmarks/sam.py). Its gradient with respect to x is fast; that of the windows is not.
    """
    rows, columns, channels, filters = kernel.shape
    _, height, width, _ = ops.shape(x)
    windows = ops.reshape(ops.concatenate(_taps(x, rows, columns), axis=-1), (-1, rows * columns * channels))
    product = ops.matmul(windows, ops.reshape(kernel, (-1, filters)))

    def gradient(upstream):
        by_kernel = ops.matmul(ops.transpose(windows), ops.reshape(upstream, (-1, filters)))
        return _gradient_by_x(upstream, kernel), ops.reshape(by_kernel, kernel.shape)

    return ops.reshape(product, (-1, height, width, filters)), gradient


def product_a_tap_in_the_gradient(x: Any, kernel: Any) -> tuple[Any, Callable]:
    """A convolution; its gradient with respect to the kernel is a matrix product for each tap.

    With a thousand channels at either end these reach the machine's rate, where TensorFlow's own gradient
    falls short of it in bfloat16.
    """
    rows, columns, channels, filters = kernel.shape

    def gradient(upstream):
        flat = ops.reshape(upstream, (-1, filters))
        by_kernel = [
            ops.matmul(ops.transpose(ops.reshape(tap, (-1, channels))), flat)
            for tap in _taps(x, rows, columns)
        ]
        return _gradient_by_x(upstream, kernel), ops.reshape(ops.stack(by_kernel), kernel.shape)

    return ops.conv(x, kernel, padding="same", data_format="channels_last"), gradient


def _taps(x, rows, columns):
    """For each tap of a kernel what it meets at every pixel: tensors (B, H, W, C), row by row."""
    _, height, width, _ = ops.shape(x)
    sides = [((side - 1) // 2, side // 2) for side in (rows, columns)]
    padded = ops.pad(x, ((0, 0), *sides, (0, 0)))
    return [padded[:, i : i + height, j : j + width] for i in range(rows) for j in range(columns)]


def _gradient_by_x(upstream, kernel):
    return ops.conv_transpose(upstream, kernel, padding="same", data_format="channels_last")
