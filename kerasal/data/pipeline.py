"""From samples to batches: tf.data."""

from collections.abc import Callable

import tensorflow as tf

from kerasal.data.images import pad_image
from kerasal.data.sample import Sample

RESIZE = "bicubic"

# What reads the network's inputs of a sample: (index, mirrored) -> tensors of one image.
Reader = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, ...]]


def stimulus_reader(samples: list[Sample], size: tuple[int, int], padded: bool = False) -> Reader:
    """Reads stimuli at `size` (rows, columns): (rows, columns, 3) float32 RGB 0..255, stretched or padded."""

    def stimulus_of(index):
        stimulus = samples[index].read_stimulus()
        return pad_image(stimulus, size) if padded else stimulus

    def read(index, mirrored):
        stimulus = tf.numpy_function(stimulus_of, [index], tf.uint8, stateful=False)
        stimulus = tf.ensure_shape(stimulus, (None, None, 3))
        stimulus = tf.cast(stimulus, tf.float32) if padded else resize_stimulus(stimulus, size)
        return (_mirror(tf.ensure_shape(stimulus, (*size, 3)), mirrored),)

    return read


def resize_stimulus(stimulus: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """A stimulus (H, W, 3) at `size` (rows, columns), float32, as the networks' pre-processing resizes it.

    That then has nothing left to do: `kerasal.layers.resize_stimuli` is the same for every backend.
    """
    return tf.image.resize(stimulus, size, method=RESIZE, antialias=True)


def batches(
    samples: list[Sample],
    size: tuple[int, int],
    batch_size: int,
    *,
    input_size: tuple[int, int] | None = None,
    padded: bool = False,
    reader: Reader | None = None,
    epochs: int = 1,
    first_epoch: int = 0,
    seed: int | None = None,
    flip: bool = False,
) -> tf.data.Dataset:
    """Batches of (inputs, y_true), epoch after epoch, the last batch of each epoch as short as it falls.

    Args:
        size: (rows, columns) of `y_true`, which is (B, rows, columns, 2): density, fixations.
        input_size: (rows, columns) of the stimuli, where it is not `size`.
        padded: keep the aspect ratio of stimuli, maps and fixations, within zeros.
        reader: reads the inputs of one sample; default `stimulus_reader`.
        epochs, first_epoch: which epochs; the order in each depends on (seed, epoch) alone, so that
            training can go on from any epoch.
        seed: shuffle in every epoch; None keeps the samples' order.
        flip: show each stimulus, with its map and fixations, mirrored in a random half of the epochs.
    """
    reader = reader or stimulus_reader(samples, input_size or size, padded)

    def read(index, mirrored):
        target = tf.numpy_function(
            lambda i: samples[i].target(size, padded), [index], tf.float32, stateful=False
        )
        target = _mirror(tf.ensure_shape(target, (*size, 2)), mirrored)
        inputs = reader(index, mirrored)
        return (inputs[0] if len(inputs) == 1 else inputs), target

    def epoch(number):
        order = tf.data.Dataset.from_tensor_slices(_order(len(samples), seed, number, flip))
        return order.map(read, num_parallel_calls=tf.data.AUTOTUNE).batch(batch_size)

    numbers = tf.data.Dataset.range(first_epoch, first_epoch + epochs)
    length = epochs * -(-len(samples) // batch_size)  # tf.data cannot know it, and Keras wants to
    return numbers.flat_map(epoch).apply(tf.data.experimental.assert_cardinality(length)).prefetch(2)


def _order(count: int, seed: int | None, epoch: tf.Tensor, flip: bool) -> tuple[tf.Tensor, tf.Tensor]:
    """The indices of one epoch in their order, and which of them are mirrored."""
    indices = tf.range(count, dtype=tf.int64)
    mirrored = tf.zeros(count, tf.bool)
    if seed is not None:
        indices = tf.random.experimental.stateless_shuffle(indices, [seed, epoch])
    if flip:
        mirrored = tf.random.stateless_uniform([count], [(seed or 0) + 1_000_003, epoch]) < 0.5
    return indices, mirrored


def _mirror(image: tf.Tensor, mirrored: tf.Tensor) -> tf.Tensor:
    return tf.cond(mirrored, lambda: tf.reverse(image, [1]), lambda: image)
