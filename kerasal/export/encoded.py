"""The signature that takes image files: what a TensorFlow Serving client has at hand."""

import tensorflow as tf

from kerasal.data.images import LARGEST_IMAGE, LARGEST_SIDE
from kerasal.export.graph import TENSORFLOW, Function, at_size, density, network_maps
from kerasal.models import SaliencyModel


def encoded_function(model: SaliencyModel) -> Function:
    """The signature `serve_encoded`: `image_bytes` (B,), JPEG or PNG files, to maps of the images' sizes.

    Returns `size` (B, 2), int32, the rows and columns of each image; `saliency` and `density` (B, H, W, 1),
    where H and W are the largest of the batch: smaller maps are filled up with 0 below and at the right.
    Transparent parts are laid on white. EXIF orientation is not looked at: maps are as the pixels are
    stored.
    """
    resize_stimuli, resize_maps = TENSORFLOW

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, name="image_bytes")])
    def serve_encoded(image_bytes):
        def read(file):
            image = _decode(file)
            small = model.prepare(image[None], resize=resize_stimuli)[0] if model.fixed_size else file
            return small, tf.shape(image)[:2]

        # Images of one size are a batch for the network; others it sees one by one, from their files again.
        fixed = tf.TensorSpec((*model.input_size, 3), tf.float32)
        spec = (fixed if model.fixed_size else tf.TensorSpec((), tf.string), tf.TensorSpec((2,), tf.int32))
        seen, sizes = tf.map_fn(read, image_bytes, fn_output_signature=spec)
        if model.fixed_size:
            seen = network_maps(model, seen, resize=lambda images, _: images)
        rows, columns = tf.unstack(tf.reduce_max(sizes, axis=0))

        def write(item):
            map_, size = item
            if not model.fixed_size:
                map_ = network_maps(model, _decode(map_)[None], resize_stimuli)[0]
            saliency = at_size(model, map_[None], size, resize_maps)
            margins = [[0, 0], [0, rows - size[0]], [0, columns - size[1]], [0, 0]]
            return tf.pad(saliency, margins)[0], tf.pad(density(saliency), margins)[0]

        spec = tf.TensorSpec((None, None, 1), tf.float32)
        saliency, densities = tf.map_fn(write, (seen, sizes), fn_output_signature=(spec, spec))
        return {"saliency": saliency, "density": densities, "size": sizes}

    return serve_encoded


def _decode(file: tf.Tensor) -> tf.Tensor:
    """An image file as (H, W, 3) float32 RGB, 0..255, as `kerasal.data.read_image` reads it.

    But for grey PNGs of 16 bits, which TensorFlow brings to 8 another way: they are up to one level apart.
    Refused before it is decoded: a larger image than `kerasal.data.images.check_size` lets pass.
    """

    def jpeg_size():
        return tf.cast(tf.io.extract_jpeg_shape(file)[:2], tf.int64)

    def png_size():  # PNG, section 11.2.1: width and height, four bytes each, big end first
        sides = tf.io.decode_raw(tf.strings.substr(file, 16, 8), tf.int32, little_endian=False)
        return tf.cast(tf.reverse(sides, [0]), tf.int64)

    size = tf.cond(tf.io.is_jpeg(file), jpeg_size, png_size)
    too_large = f"an image's sides may have {LARGEST_SIDE:,} pixels, and all of it {LARGEST_IMAGE:,}"
    found, largest = [tf.reduce_max(size), tf.reduce_prod(size)], [LARGEST_SIDE, LARGEST_IMAGE]
    check = tf.debugging.assert_less_equal(found, tf.constant(largest, tf.int64), too_large)
    with tf.control_dependencies([check]):
        file = tf.identity(file)

    def jpeg():
        # The accurate transform is what other decoders use; TensorFlow's default is a faster one.
        return tf.cast(tf.io.decode_jpeg(file, channels=3, dct_method="INTEGER_ACCURATE"), tf.float32)

    def png():
        image = tf.cast(tf.io.decode_png(file, channels=4), tf.float32)
        # The bits of a sample. To a file without alpha TensorFlow adds their largest number, such as 15 of 4.
        bits = tf.cast(tf.io.decode_raw(tf.strings.substr(file, 24, 1), tf.uint8)[0], tf.int32)
        added = tf.cast(tf.bitwise.left_shift(1, bits) - 1, tf.float32)
        alpha = image[..., 3:]
        alpha = tf.where(tf.reduce_all(alpha == added), 255.0, alpha) / 255
        return tf.round(image[..., :3] * alpha + 255 * (1 - alpha))

    return tf.ensure_shape(tf.cond(tf.io.is_jpeg(file), jpeg, png), (None, None, 3))
