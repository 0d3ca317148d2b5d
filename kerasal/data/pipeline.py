"""From samples to batches: tf.data."""

from collections.abc import Sequence

import tensorflow as tf

from kerasal.data.augmentation import Augmentation, augmented_reader, draws
from kerasal.data.reading import Reader, mirror, stimulus_reader
from kerasal.data.sample import Sample
from kerasal.data.targets import target_reader
from kerasal.errors import InputError


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
    first_step: int = 0,
    seed: int | None = None,
    flip: bool = False,
    augmentation: Augmentation | None = None,
    parts: Sequence[tuple[int, int]] | None = None,
) -> tf.data.Dataset:
    """Batches of (inputs, y_true), epoch after epoch, the last batch of each epoch as short as it falls.

    Args:
        size: (rows, columns) of `y_true`, which is (B, rows, columns, 2): density, fixations.
        input_size: (rows, columns) of the stimuli, where it is not `size`.
        padded: keep the aspect ratio of stimuli, maps and fixations, within zeros.
        reader: reads the inputs of one sample; default `stimulus_reader`.
        epochs, first_epoch: which epochs; the order in each depends on (seed, epoch) alone, so that
            training can go on from any epoch.
        first_step: how many batches of the first epoch are left out, for training that goes on within it.
        seed: shuffle in every epoch; None keeps the samples' order.
        flip: show each stimulus, with its map and fixations, mirrored in a random half of the epochs.
        augmentation: change each stimulus at random; ValueError with a `reader` of one's own.
        parts: of a mixture, `Dataset.draws`: how many of the samples are one set's, and how many of them each
            shuffled epoch draws. Of a set that is not drawn whole, the epochs go through random orders in
            turn. None: every sample once.
    """
    if augmentation:
        if reader:
            raise ValueError("augmentation changes stimuli, and this reader does not read them")
        if padded or input_size not in (None, size):
            raise InputError(
                "crop, scale and color are for networks that stretch stimuli to their map's size"
            )
        augmented = augmented_reader(samples, size, augmentation)
    else:
        reader = reader or stimulus_reader(samples, input_size or size, padded)
        target_of = target_reader(samples, size, padded)

    def read(index, mirrored, draw):
        if not flip:
            mirrored = tf.constant(False)  # known while the graph is made, which then has no branches
        if augmentation:
            return tuple(mirror(image, mirrored) for image in augmented(index, draw))
        target = mirror(target_of(index), mirrored)
        inputs = reader(index, mirrored)
        return (inputs[0] if len(inputs) == 1 else inputs), target

    def epoch(number):
        left_out = tf.where(number == first_epoch, first_step * batch_size, 0)
        order = (*_order(len(samples), seed, number, flip, parts), draws(len(samples), seed, number))
        order = tf.data.Dataset.from_tensor_slices(tuple(part[left_out:] for part in order))
        return order.map(read, num_parallel_calls=tf.data.AUTOTUNE).batch(batch_size)

    numbers = tf.data.Dataset.range(first_epoch, first_epoch + epochs)
    # tf.data cannot know it, and Keras wants to.
    length = epochs * -(-len(samples) // batch_size) - first_step
    return numbers.flat_map(epoch).apply(tf.data.experimental.assert_cardinality(length)).prefetch(2)


def batch_samples(
    samples: list[Sample],
    batch_size: int,
    seed: int | None,
    epoch: int,
    step: int,
    parts: Sequence[tuple[int, int]] | None = None,
) -> list[Sample]:
    """The samples that `batches` puts into one batch; epoch and step from 0."""
    indices, _ = _order(len(samples), seed, tf.constant(epoch, tf.int64), False, parts)
    return [samples[i] for i in indices[step * batch_size : (step + 1) * batch_size].numpy()]


def _order(
    count: int, seed: int | None, epoch: tf.Tensor, flip: bool, parts: Sequence[tuple[int, int]] | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """The indices of one epoch in their order, and which of them are mirrored."""
    indices = tf.range(count, dtype=tf.int64)
    mirrored = tf.zeros(count, tf.bool)
    if seed is not None:
        if parts:
            indices = _drawn(parts, seed, epoch)
        indices = tf.random.experimental.stateless_shuffle(indices, [seed, epoch])
    if flip:
        mirrored = tf.random.stateless_uniform([count], [(seed or 0) + 1_000_003, epoch]) < 0.5
    return indices, mirrored


def _drawn(parts: Sequence[tuple[int, int]], seed: int, epoch: tf.Tensor) -> tf.Tensor:
    """The indices that an epoch draws from each part: a piece of an endless row of its random orders."""
    drawn, start = [], 0
    for number, (size, take) in enumerate(parts):
        first = epoch * take
        row = [
            tf.random.experimental.stateless_shuffle(
                tf.range(start, start + size, dtype=tf.int64),
                [seed + 3_000_017 + number, first // size + turn],
            )
            for turn in range(-(-take // size) + 1)
        ]
        drawn.append(tf.concat(row, 0)[first % size : first % size + take])
        start += size
    return tf.concat(drawn, 0)
