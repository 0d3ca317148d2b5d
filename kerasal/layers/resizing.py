"""Resizes of OpenCV and Pillow, and OpenCV's 5x5 blur, as reference codes have them around their networks.

Every resize is two matrix products, one along each axis: sizes may be tensors, and no runtime lacks them.
"""

from functools import partial

import keras
import numpy as np
from keras import ops

from kerasal.layers.gaussian_blur import smooth
from kerasal.layers.resampling import half_pixel, whole_and_rest

CUBIC = -0.75  # OpenCV's a in Keys's kernel; MATLAB and TensorFlow have -0.5
BINOMIAL = np.array((1, 4, 6, 4, 1)) / 16  # what getGaussianKernel takes for 5 taps and no sigma


def resize_area(images: keras.KerasTensor, size: tuple) -> keras.KerasTensor:
    """`cv2.resize` with INTER_AREA, in floats: images (B, H, W, C) at `size` (rows, columns).

    The mean over the rectangle of the image that a pixel covers. Where an axis grows, OpenCV interpolates
    linearly along both, from pixel to pixel across the last part of each alone.
    """
    height, width = ops.shape(images)[1:3]
    grows = ops.logical_or(ops.less(height, size[0]), ops.less(width, size[1]))

    def matrix(length, wanted):
        return ops.where(grows, _grown_area(length, wanted), _area(length, wanted))

    return _resize(images, size, matrix)


def resize_cubic(images: keras.KerasTensor, size: tuple) -> keras.KerasTensor:
    """`cv2.resize` with INTER_CUBIC: images (B, H, W, C) at `size` (rows, columns); no antialiasing.

    Values may overshoot those of the images.
    """
    return _resize(images, size, _cubic)


def resize_triangle(images: keras.KerasTensor, size: tuple) -> keras.KerasTensor:
    """Pillow's bilinear resize, in floats: images (B, H, W, C) at `size` (rows, columns).

    Linear between pixels where an axis grows; where it shrinks, a mean with triangular weights.
    """
    return _resize(images, size, partial(_filtered, kernel=lambda x: ops.maximum(0.0, 1 - x)))


def resize_bicubic(images: keras.KerasTensor, size: tuple) -> keras.KerasTensor:
    """Keras's bicubic resize with antialiasing: images (B, H, W, C) at `size` (rows, columns).

    MATLAB's cubic kernel (a = -1/2), but at the border the pixels that are there share its weight.
    """
    return _resize(images, size, partial(_filtered, kernel=_keys))


def fit_bilinear(images: keras.KerasTensor, side: int, smallest: int = 1) -> keras.KerasTensor:
    """`cv2.resize` with INTER_LINEAR by one factor for both axes, so that no side is longer than `side`.

    images (B, H, W, C), never enlarged; a side of H and W that would come out under `smallest` pixels gets
    so many, its last pixel repeated.
    """
    height, width = ops.shape(images)[1:3]
    longest = ops.maximum(side, ops.maximum(height, width))
    matrices = []
    for length in (height, width):
        wanted = ops.maximum(smallest, _rounded(length * side, longest))
        # The factor is the longer side's own, not the quotient of the rounded lengths.
        low, fraction = whole_and_rest(half_pixel(ops.arange(wanted), longest, side))
        matrices.append(_matrix(((low, 1 - fraction), (low + 1, fraction)), length))
    return _multiply(images, *matrices)


def blur_5x5(maps: keras.KerasTensor) -> keras.KerasTensor:
    """`cv2.GaussianBlur` with (5, 5) and sigma 0: maps (B, H, W, 1), borders mirrored at pixel centres."""
    return smooth(maps, BINOMIAL, edge=0)


def _resize(images, size, matrix):
    """Images resized by what `matrix` makes of each axis's length and the wanted one."""
    lengths = ops.shape(images)[1:3]
    return _multiply(images, *(matrix(*pair) for pair in zip(lengths, size, strict=True)))


def _multiply(images, by_rows, by_columns):
    images = ops.einsum("oh,bhwc->bowc", by_rows, images)
    return ops.einsum("pw,bowc->bopc", by_columns, images)


def _area(length, wanted):
    """The matrix (wanted, length) of the shares of each pixel in what a wanted pixel covers."""
    i, j = ops.arange(wanted)[:, None], ops.arange(length)[None]
    # In whole numbers, of 1 / wanted pixel.
    end = ops.minimum((i + 1) * length, (j + 1) * wanted)
    covered = ops.maximum(0, end - ops.maximum(i * length, j * wanted))
    return ops.cast(covered, "float32") / ops.cast(length, "float32")


def _grown_area(length, wanted):
    place = ops.arange(wanted)
    low = place * length // wanted
    fraction = ops.cast((place + 1) * length - (low + 1) * wanted, "float32") / ops.cast(length, "float32")
    fraction = ops.where(fraction > 0, fraction - ops.floor(fraction), 0.0)
    return _matrix(((low, 1 - fraction), (low + 1, fraction)), length)


def _filtered(length, wanted, kernel):
    """The matrix (wanted, length) of a kernel that shrinking widens; each row sums to 1, at borders too."""
    scale = ops.cast(length, "float32") / ops.cast(wanted, "float32")
    centres = (ops.cast(ops.arange(wanted), "float32") + 0.5) * scale
    distance = ops.abs(ops.cast(ops.arange(length), "float32")[None] + 0.5 - centres[:, None])
    weights = kernel(distance / ops.maximum(scale, 1.0))
    return weights / ops.sum(weights, axis=1, keepdims=True)


def _keys(x):
    """The whole kernel with a = -1/2, which `kerasal/_imresize.py` has in NumPy, without Keras."""
    return ops.where(x < 1, _near(x, -0.5), ops.where(x < 2, _far(x, -0.5), 0.0))


def _near(x, a):
    """Keys 1981, "Cubic convolution interpolation for digital image processing": 0 <= x <= 1 pixel away."""
    return ((a + 2) * x - (a + 3)) * x * x + 1


def _far(x, a):
    """As above, for 1 <= x <= 2."""
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a


def _cubic(length, wanted):
    low, x = whole_and_rest(half_pixel(ops.arange(wanted), length, wanted))
    far, near, after = _far(x + 1, CUBIC), _near(x, CUBIC), _near(1 - x, CUBIC)
    taps = ((low - 1, far), (low, near), (low + 1, after), (low + 2, 1 - far - near - after))
    return _matrix(taps, length)


def _matrix(taps, length):
    """The matrix (wanted, length) of taps (index, weight); beyond the ends the end's pixel counts."""
    pixels = ops.arange(length)[None]
    return sum(
        weight[:, None] * ops.cast(ops.equal(ops.clip(index, 0, length - 1)[:, None], pixels), "float32")
        for index, weight in taps
    )


def _rounded(numerator, denominator):
    """The quotient of two whole numbers, rounded, halves to even numbers."""
    nearest = (2 * numerator + denominator) // (2 * denominator)
    is_half = ops.equal((2 * numerator + denominator) % (2 * denominator), 0)
    return nearest - ops.cast(is_half, "int32") * (nearest % 2)
