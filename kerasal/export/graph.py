"""What every exported graph computes: from uint8 images of any size to maps of that size.

Pre- and post-processing are the model's own (`prepare`, `restore`); only the resize that they call differs,
since Keras's needs a size that is known while the graph is made, and ONNX and TFLite lack an antialiased one.
"""

from collections.abc import Callable
from functools import partial

import tensorflow as tf

from kerasal.data.reading import shrink_then_grow
from kerasal.models import SaliencyModel, scale_to_peak

Resize = Callable[[tf.Tensor, tuple], tf.Tensor]
Function = tf.types.experimental.PolymorphicFunction


def matrix_resize(images: tf.Tensor, size: tuple, method: str) -> tf.Tensor:
    """`tf.image.resize` with antialiasing, bilinear or bicubic, as two matrix products.

    images (B, h, w, C), float32; `size` (rows, columns), as numbers or tensors. Each output row is a weighted
    mean of input rows, and each column of columns, so the resize is exact in any runtime that multiplies
    matrices, whatever the sizes. What shrinks does so first, as in `shrink_then_grow`.
    """
    smaller = tf.minimum(tf.shape(images)[1:3], size)
    for wanted in (smaller, size):
        shape = tf.shape(images)
        images = tf.einsum("oh,bhwc->bowc", _weights(shape[1], wanted[0], method), images)
        images = tf.einsum("pw,bowc->bopc", _weights(shape[2], wanted[1], method), images)
    return images


# Each a pair of resizes: of stimuli, and of maps.
TENSORFLOW = (partial(shrink_then_grow, method="bicubic"), partial(shrink_then_grow, method="bilinear"))
PORTABLE = (partial(matrix_resize, method="bicubic"), partial(matrix_resize, method="bilinear"))


def saliency_graph(model: SaliencyModel, stimuli: tf.Tensor, resizes: tuple[Resize, Resize]) -> tf.Tensor:
    """Saliency maps (B, H, W, 1), float32, in [0, 1], of stimuli (B, H, W, 3), uint8 or float, 0..255."""
    return at_size(model, network_maps(model, stimuli, resizes[0]), tf.shape(stimuli)[1:3], resizes[1])


def network_maps(model: SaliencyModel, stimuli: tf.Tensor, resize: Resize) -> tf.Tensor:
    """The network's maps, at its own size."""
    small = model.prepare(tf.cast(stimuli, tf.float32), resize=resize)
    if model.fixed_size:
        # Of the size that the network wants, and now seen to be: its own resize then stays out of the graph.
        small = tf.ensure_shape(small, (None, *model.input_size, 3))
    return model(small, training=False)


def at_size(model: SaliencyModel, maps: tf.Tensor, size: tf.Tensor, resize: Resize) -> tf.Tensor:
    """The network's maps at the stimulus's size (rows, columns), with their maximum at 1."""
    return scale_to_peak(model.restore(maps, (size[0], size[1]), resize=resize))


def density(saliency: tf.Tensor) -> tf.Tensor:
    """Each map (B, H, W, 1) divided by its sum; a map without any saliency becomes uniform."""
    total = tf.reduce_sum(saliency, axis=(1, 2, 3), keepdims=True)
    pixels = tf.cast(tf.reduce_prod(tf.shape(saliency)[1:3]), tf.float32)
    return tf.where(total > 0, saliency / tf.where(total > 0, total, 1.0), tf.ones_like(saliency) / pixels)


def serving_function(
    model: SaliencyModel, resizes: tuple[Resize, Resize] = TENSORFLOW, size: tuple[int, int] | None = None
) -> Function:
    """The signature `serving_default`: `stimuli` (B, H, W, 3) uint8 RGB to `saliency` and `density`.

    With `size` (rows, columns) it takes one image of that size at a time.
    """
    shape = (1, *size, 3) if size else (None, None, None, 3)

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.uint8, name="stimuli")])
    def serving_default(stimuli):
        saliency = saliency_graph(model, stimuli, resizes)
        return {"saliency": saliency, "density": density(saliency)}

    return serving_default


def _weights(count, wanted, method):
    """The matrix (wanted, count) that resizes one axis. Each row sums to 1, at the borders too."""
    count, wanted = tf.cast(count, tf.float32), tf.cast(wanted, tf.float32)
    scale = count / wanted
    centres = (tf.range(wanted) + 0.5) * scale
    pixels = tf.range(count) + 0.5
    distance = tf.abs(pixels[None] - centres[:, None]) / tf.maximum(scale, 1.0)  # shrinking widens the kernel
    weights = _KERNELS[method](distance)
    return weights / tf.reduce_sum(weights, axis=1, keepdims=True)


def _triangle(x):
    return tf.maximum(1 - x, 0.0)


def _keys_cubic(x):
    # Keys 1981, "Cubic convolution interpolation for digital image processing", a = -0.5.
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return tf.where(x < 1, near, tf.where(x < 2, far, 0.0))


_KERNELS = {"bilinear": _triangle, "bicubic": _keys_cubic}
