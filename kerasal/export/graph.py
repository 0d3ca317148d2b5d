"""What every exported graph computes: from uint8 images of any size to maps of that size.

Pre- and post-processing are the model's own (`prepare`, `restore`); only the resize that they call differs,
since Keras's needs a size that is known while the graph is made, and ONNX and TFLite lack an antialiased one.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import tensorflow as tf

from kerasal.data.reading import shrink_then_grow
from kerasal.layers import resize_bicubic, resize_triangle
from kerasal.models import SaliencyModel, scale_to_peak

Resize = Callable[[tf.Tensor, tuple], tf.Tensor]
_MATRICES = {"bilinear": resize_triangle, "bicubic": resize_bicubic}
Function: TypeAlias = tf.types.experimental.PolymorphicFunction


def matrix_resize(images: tf.Tensor, size: tuple, method: str) -> tf.Tensor:
    """`tf.image.resize` with antialiasing, bilinear or bicubic, as two matrix products.

    images (B, h, w, C), float32; `size` (rows, columns), as numbers or tensors. It is exact in any runtime
    that multiplies matrices, whatever the sizes. What shrinks does so first, as in `shrink_then_grow`.
    """
    smaller = tf.minimum(tf.shape(images)[1:3], size)
    for wanted in (smaller, size):
        images = _MATRICES[method](images, (wanted[0], wanted[1]))
    return images


# Each a pair of resizes: of stimuli, and of maps.
TENSORFLOW = (partial(shrink_then_grow, method="bicubic"), partial(shrink_then_grow, method="bilinear"))
PORTABLE = (partial(matrix_resize, method="bicubic"), partial(matrix_resize, method="bilinear"))


def network_maps(model: SaliencyModel, stimuli: tf.Tensor, resize: Resize) -> tf.Tensor:
    """The network's maps, at its own size, of stimuli (B, H, W, 3), uint8 or float, 0..255."""
    small = model.prepare(tf.cast(stimuli, tf.float32), resize=resize)
    if model.fixed_size:
        # Of the size that the network wants, and now seen to be: its own resize then stays out of the graph.
        small = tf.ensure_shape(small, (None, *model.input_size, 3))
    return model(small, training=False)


def at_size(model: SaliencyModel, maps: tf.Tensor, size: tf.Tensor, resize: Resize) -> tf.Tensor:
    """Saliency maps (B, H, W, 1), float32, at the stimulus's size (rows, columns); their maximum is 1."""
    return scale_to_peak(model.restore(maps, (size[0], size[1]), resize=resize))


def density(saliency: tf.Tensor) -> tf.Tensor:
    """Each map (B, H, W, 1) divided by its sum; a map without any saliency becomes uniform."""
    total = tf.reduce_sum(saliency, axis=(1, 2, 3), keepdims=True)
    pixels = tf.cast(tf.reduce_prod(tf.shape(saliency)[1:3]), tf.float32)
    # The conditions are of a number a map: one of a number a pixel takes runtimes longer than the network.
    return saliency / tf.where(total > 0, total, 1.0) + tf.where(total > 0, 0.0, 1 / pixels)


def serving_function(
    model: SaliencyModel, resizes: tuple[Resize, Resize] = TENSORFLOW, size: tuple[int, int] | None = None
) -> Function:
    """The signature `serving_default`: `stimuli` (B, H, W, 3) uint8 RGB to `saliency` and `density`.

    With `size` (rows, columns) it takes one image of that size at a time.
    """
    shape = (1, *size, 3) if size else (None, None, None, 3)

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.uint8, name="stimuli")])
    def serving_default(stimuli):
        maps = network_maps(model, stimuli, resizes[0])
        saliency = at_size(model, maps, tf.shape(stimuli)[1:3], resizes[1])
        return {"saliency": saliency, "density": density(saliency)}

    return serving_default
