"""Augmentation that keeps fixations true: crop, scale and colour. All off by default, as in the paper.

An augmented sample is drawn on a grid, larger or smaller than the network's input, and a window of the
input's size is cut from it. Stimulus, density map and fixation map are made on the same grid and cut by the
same whole numbers, so a fixation stays on what was fixated, and the density is that of all fixations, those
outside the window too. Where the window is larger than the grid, the stimulus is surrounded by ImageNet's
mean colour, which networks see as 0, and nobody looked there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from kerasal.data.reading import resize_stimulus, stimulus_source
from kerasal.data.sample import Sample
from kerasal.errors import InputError

DRAWS = 7  # uniform numbers that one augmented sample takes
IMAGENET_MEAN = (123.68, 116.779, 103.939)  # R, G, B: what the networks' pre-processing takes off
GREY = (0.299, 0.587, 0.114)  # luma of R, G, B (ITU-R BT.601)


@dataclass(frozen=True)
class Augmentation:
    """How far a sample may be changed, each at random within its limit; 0 leaves it alone."""

    crop: float = 0.0  # share of each side that is cut off at most
    scale: float = 0.0  # the stimulus is drawn 1 - scale to 1 + scale times as large
    color: float = 0.0  # brightness, contrast and saturation change by at most this share

    def __post_init__(self):
        for name in ("crop", "scale", "color"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} must lie in [0, 1), got {getattr(self, name)}")

    def __bool__(self) -> bool:
        return bool(self.crop or self.scale or self.color)


class View(NamedTuple):
    """Where a sample is drawn: the grid's rows and columns, and the window's first row and column in it."""

    rows: tf.Tensor
    columns: tf.Tensor
    top: tf.Tensor  # negative where the window begins above the grid
    left: tf.Tensor


def draws(count: int, seed: int | None, epoch: tf.Tensor) -> tf.Tensor:
    """The uniform numbers (count, DRAWS) of one epoch; they depend on (seed, epoch) alone."""
    return tf.random.stateless_uniform([count, DRAWS], [(seed or 0) + 2_000_003, epoch])


def augmented_reader(
    samples: list[Sample], size: tuple[int, int], augmentation: Augmentation
) -> Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    """(index, uniform numbers) -> stimulus (*size, 3) and `y_true` (*size, 2) of a changed sample."""
    read_stimulus = stimulus_source(samples)

    def read(index, draw):
        seen = view(augmentation, draw, size)
        stimulus = resize_stimulus(read_stimulus(index), tf.stack([seen.rows, seen.columns]))
        stimulus = cut_stimulus(stimulus, seen, size)
        if augmentation.color:
            stimulus = change_color(stimulus, augmentation.color, draw)
        target = tf.numpy_function(
            lambda i, *where: cut_target(samples[i], size, *where), [index, *seen], tf.float32, stateful=False
        )
        return stimulus, tf.ensure_shape(target, (*size, 2))

    return read


def view(augmentation: Augmentation, draw: tf.Tensor, size: tuple[int, int]) -> View:
    """The view that a sample's uniform numbers choose for an output of `size` (rows, columns)."""
    share = 1 - augmentation.crop * draw[0]  # of the stimulus's side, seen in the window
    times = 1 - augmentation.scale + 2 * augmentation.scale * draw[1]
    sides = [tf.maximum(1, tf.cast(tf.round(side * times / share), tf.int32)) for side in size]
    offsets = []
    for grid, side, number in zip(sides, size, (draw[2], draw[3]), strict=True):
        free = grid - side
        steps = tf.cast(tf.floor(number * (tf.cast(tf.abs(free), tf.float32) + 1)), tf.int32)
        offsets.append(tf.sign(free) * tf.minimum(steps, tf.abs(free)))
    return View(*sides, *offsets)


def cut_stimulus(stimulus: tf.Tensor, seen: View, size: tuple[int, int]) -> tf.Tensor:
    """The window of a stimulus that is drawn on the view's grid: (rows, columns, 3) float32."""
    mean = tf.constant(IMAGENET_MEAN, tf.float32)
    part = stimulus[tf.maximum(seen.top, 0) :, tf.maximum(seen.left, 0) :][: size[0], : size[1]]
    before = [tf.maximum(-seen.top, 0), tf.maximum(-seen.left, 0)]
    after = [size[axis] - before[axis] - tf.shape(part)[axis] for axis in range(2)]
    padding = [[before[0], after[0]], [before[1], after[1]], [0, 0]]
    return tf.ensure_shape(tf.pad(part - mean, padding) + mean, (*size, 3))


def cut_target(
    sample: Sample, size: tuple[int, int], rows: int, columns: int, top: int, left: int
) -> np.ndarray:
    """`y_true` of a sample under a view, (*size, 2) float32: density with its peak at 1, fixations."""
    drawn = sample.target((int(rows), int(columns)))
    part = drawn[max(top, 0) :, max(left, 0) :][: size[0], : size[1]]
    target = np.zeros((*size, 2), "float32")
    target[max(-top, 0) :, max(-left, 0) :][: part.shape[0], : part.shape[1]] = part
    peak = target[..., 0].max()
    if peak > 0:
        target[..., 0] /= peak
    return target


def change_color(stimulus: tf.Tensor, amount: float, draw: tf.Tensor) -> tf.Tensor:
    """Brightness, contrast and saturation (H, W, 3) changed by factors in [1 - amount, 1 + amount]."""
    brightness, contrast, saturation = tf.unstack(1 - amount + 2 * amount * draw[4:7])
    stimulus = stimulus * brightness
    grey = tf.reduce_sum(stimulus * GREY, axis=-1, keepdims=True)
    stimulus = grey + (stimulus - grey) * saturation
    mean = tf.reduce_mean(grey)
    return tf.clip_by_value(mean + (stimulus - mean) * contrast, 0.0, 255.0)
