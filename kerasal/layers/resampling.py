"""Bilinear resizing with the sample points of OpenCV and Theano, with padding and cropping.

Keras's own resize antialiases where OpenCV does not, knows no other sample points, and needs every size
before the network runs. Here the stimuli's and maps' sizes may be tensors.
"""

import keras
from keras import ops


def pad_stimuli(stimuli: keras.KerasTensor, size: tuple[int, int]) -> keras.KerasTensor:
    """Stimuli resized to fit into `size` at their own aspect ratio, centred, with zeros around them.

    stimuli (B, H, W, 3), 0..255; result (B, rows, columns, 3), whole numbers in float32. Fractions are
    rounded first. The resize is that of `cv2.resize` for 8-bit images, with its whole-number weights;
    `kerasal.data.images.pad_image` is the same for one array.
    Source: the reference code of Cornia et al. 2018, whose sizes are whole-number divisions too.
    """
    rows, columns = size
    height, width = ops.shape(stimuli)[1:3]
    # At least a pixel, however long and thin the stimulus.
    inner_rows = ops.maximum(1, ops.minimum(rows, height * columns // width))
    inner_columns = ops.maximum(1, ops.minimum(columns, width * rows // height))
    x = ops.cast(ops.round(ops.cast(stimuli, "float32")), "int32")
    # OpenCV goes along the columns first, drops 4 bits, goes along the rows and drops 16 bits of each term.
    for axis, total, source, inner in ((2, columns, width, inner_columns), (1, rows, height, inner_rows)):
        place = ops.arange(total) - (total - inner) // 2
        low, high, fraction = _taps(half_pixel(place, source, inner), source)
        low = ops.take(x, low, axis=axis) * _along(axis, _whole_weight(1 - fraction))
        high = ops.take(x, high, axis=axis) * _along(axis, _whole_weight(fraction))
        x = (low + high) // 16 if axis == 2 else low // 65536 + high // 65536
        x = x * _along(axis, ops.cast((place >= 0) & (place < inner), "int32"))
    return ops.cast((x + 2) // 4, "float32")


def crop_maps(maps: keras.KerasTensor, size: tuple) -> keras.KerasTensor:
    """`pad_stimuli` undone: maps resized to cover `size` at their own aspect ratio, cropped at the centre.

    maps (B, h, w, 1), float32; `size` (rows, columns); result (B, rows, columns, 1). Bilinear and without
    antialiasing, as `cv2.resize`. Source: as `pad_stimuli`.
    """
    height, width = maps.shape[1:3]
    rows, columns = size
    cover_rows = ops.maximum(rows, height * columns // width)
    cover_columns = ops.maximum(columns, width * rows // height)
    for axis, total, source, cover in ((1, rows, height, cover_rows), (2, columns, width, cover_columns)):
        place = ops.arange(total) + (cover - total) // 2
        maps = interpolate(maps, axis, half_pixel(place, source, cover))
    return maps


def interpolate(images: keras.KerasTensor, axis: int, position: keras.KerasTensor) -> keras.KerasTensor:
    """Images sampled linearly along an axis at `position` (n,), in pixels from the first one's centre.

    images of any shape; result with n entries along the axis. Beyond the ends the end's value holds.
    """
    low, high, fraction = _taps(position, ops.shape(images)[axis])
    fraction = _along(axis, ops.cast(fraction, images.dtype))
    low, high = ops.take(images, low, axis=axis), ops.take(images, high, axis=axis)
    return low * (1 - fraction) + high * fraction


def half_pixel(place, source, length):
    """Where pixels of an image resized from `source` to `length` lie in the source, the edges aligned."""
    # One division in float32, where OpenCV rounds too.
    return ops.cast((2 * place + 1) * source - length, "float32") / ops.cast(2 * length, "float32")


def whole_and_rest(position):
    """The pixel before a position, int32, and how far the position lies behind it."""
    floor = ops.floor(position)
    return ops.cast(floor, "int32"), position - floor


def _taps(position, length):
    """The pixels on either side of a position, and the second one's weight."""
    low, fraction = whole_and_rest(position)
    return ops.clip(low, 0, length - 1), ops.clip(low + 1, 0, length - 1), fraction


def _whole_weight(weight):
    return ops.cast(ops.round(weight * 2048), "int32")  # INTER_RESIZE_COEF_BITS = 11


def _along(axis, values):
    """(n,) as (n, 1, 1) or (n, 1), to be multiplied with images along the axis 1 or 2."""
    return ops.reshape(values, (-1, 1, 1) if axis == 1 else (-1, 1))
