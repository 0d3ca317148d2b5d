"""From samples to batches: tf.data."""

from collections.abc import Callable

import tensorflow as tf

from kerasal.data.sample import Sample

RESIZE = "bicubic"

# What reads the network's inputs of a sample: (index, mirrored) -> tensors of one image.
Reader = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, ...]]


def stimulus_reader(samples: list[Sample], size: tuple[int, int]) -> Reader:
    """Reads stimuli, resized to `size` (rows, columns), (rows, columns, 3) float32 RGB 0..255."""

    def read(index, mirrored):
        stimulus = tf.numpy_function(lambda i: samples[i].read_stimulus(), [index], tf.uint8, stateful=False)
        stimulus = tf.ensure_shape(stimulus, (None, None, 3))
        stimulus = resize_stimulus(stimulus, size)
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
    reader: Reader | None = None,
    epochs: int = 1,
    first_epoch: int = 0,
    first_step: int = 0,
    seed: int | None = None,
    flip: bool = False,
) -> tf.data.Dataset:
    """Batches of (inputs, y_true), epoch after epoch, the last batch of each epoch as short as it falls.

    Args:
        size: (rows, columns) of `y_true`, which is (B, rows, columns, 2): density, fixations.
        reader: reads the inputs of one sample; default `stimulus_reader`.
        epochs, first_epoch: which epochs; the order in each depends on (seed, epoch) alone, so that
            training can go on from any epoch.
        first_step: how many batches of the first epoch are left out, for training that goes on within it.
        seed: shuffle in every epoch; None keeps the samples' order.
        flip: show each stimulus, with its map and fixations, mirrored in a random half of the epochs.
    """
    reader = reader or stimulus_reader(samples, size)

    def read(index, mirrored):
        target = tf.numpy_function(lambda i: samples[i].target(size), [index], tf.float32, stateful=False)
        target = _mirror(tf.ensure_shape(target, (*size, 2)), mirrored)
        inputs = reader(index, mirrored)
        return (inputs[0] if len(inputs) == 1 else inputs), target

    def epoch(number):
        left_out = tf.where(number == first_epoch, first_step * batch_size, 0)
        indices, mirrored = _order(len(samples), seed, number, flip)
        order = tf.data.Dataset.from_tensor_slices((indices[left_out:], mirrored[left_out:]))
        return order.map(read, num_parallel_calls=tf.data.AUTOTUNE).batch(batch_size)

    numbers = tf.data.Dataset.range(first_epoch, first_epoch + epochs)
    length = (
        epochs * -(-len(samples) // batch_size) - first_step
    )  # tf.data cannot know it, and Keras wants to
    return numbers.flat_map(epoch).apply(tf.data.experimental.assert_cardinality(length)).prefetch(2)


def batch_samples(
    samples: list[Sample], batch_size: int, seed: int | None, epoch: int, step: int
) -> list[Sample]:
    """The samples that `batches` puts into one batch; epoch and step from 0."""
    indices, _ = _order(len(samples), seed, tf.constant(epoch, tf.int64), flip=False)
    return [samples[i] for i in indices[step * batch_size : (step + 1) * batch_size].numpy()]


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
