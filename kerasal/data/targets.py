"""What the maps of a network are compared with, `y_true`, in a tf.data graph.

TensorFlow blurs fixations, without Python's lock. Density maps that were published, and maps in padding, go
through Python whole.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from kerasal.data.fixations import pixels, reach
from kerasal.data.sample import Sample


def target_reader(
    samples: list[Sample], size: tuple[int, int], padded: bool = False
) -> Callable[[tf.Tensor], tf.Tensor]:
    """index -> `Sample.target` of that sample, (rows, columns, 2) float32, to a rounding error."""
    if padded or any(sample.density_file is not None for sample in samples):

        def by_python(index):
            target = tf.numpy_function(
                lambda i: samples[i].target(size, padded), [index], tf.float32, stateful=False
            )
            return tf.ensure_shape(target, (*size, 2))

        return by_python

    places_of = _places(samples, size)
    sigmas = np.array(
        [[s.sigma * side / own for side, own in zip(size, s.size, strict=True)] for s in samples]
    )
    reaches = tf.constant([[reach(sigma) for sigma in pair] for pair in sigmas], tf.float32)
    sigmas = tf.constant(sigmas, tf.float32)

    def in_graph(index):
        places = places_of(index)
        sides = [
            _gaussians(places[:, axis], size[axis], sigmas[index, axis], reaches[index, axis])
            for axis in (0, 1)
        ]
        density = tf.matmul(*sides, transpose_a=True)
        density *= tf.math.divide_no_nan(1.0, tf.reduce_max(density))
        counts = tf.scatter_nd(places, tf.ones(tf.shape(places)[:1]), size)
        # Complex numbers are pairs in memory: far faster than stacking along the last axis.
        pairs = tf.complex(density, tf.minimum(counts, 1))
        return tf.ensure_shape(tf.bitcast(pairs, tf.float32), (*size, 2))

    return in_graph


def _places(samples: list[Sample], size: tuple[int, int]) -> Callable[[tf.Tensor], tf.Tensor]:
    """index -> rows and columns of a sample's fixations at `size`, (N, 2) int32."""

    def places(sample):
        return np.stack(pixels(sample.all_fixations(), sample.size, size), axis=1).astype("int32")

    if all(isinstance(sample.fixations, tuple | type(None)) for sample in samples):  # in memory as it is
        each = [places(sample) for sample in samples]
        ends = tf.constant(np.cumsum([0, *map(len, each)]))
        all_places = tf.constant(np.concatenate(each))
        return lambda index: all_places[ends[index] : ends[index + 1]]

    def by_python(index):
        found = tf.numpy_function(lambda i: places(samples[i]), [index], tf.int32, stateful=False)
        return tf.ensure_shape(found, (None, 2))

    return by_python


def _gaussians(places: tf.Tensor, length: int, sigma: tf.Tensor, cut: tf.Tensor) -> tf.Tensor:
    """A Gaussian around each place, of height 1 and zero beyond `cut` pixels: (N, length)."""
    distances = tf.range(1.0 - length, length)
    kernel = tf.where(tf.abs(distances) <= cut, tf.exp(-tf.square(distances / sigma) / 2), 0.0)
    return tf.gather(kernel, tf.range(length - 1, 2 * length - 1) - places[:, None])
