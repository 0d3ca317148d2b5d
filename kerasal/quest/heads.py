"""Heads that learn side by side: one step reads a batch of features and trains every head by its own loss."""

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from kerasal import losses, metrics, models
from kerasal.losses.perceptual import shared_vgg_features
from kerasal.quest.stacked import StackedHeads
from kerasal.training.checkpoint import assign
from kerasal.training.optimizers import learning_rate, make_optimizer
from kerasal.training.options import TrainingOptions
from kerasal.training.precision import computing_in
from kerasal.training.step import MOST_LEFT_OUT, Learner, are_constant, steps_left_out, take_step


@dataclass(frozen=True)
class Validation:
    """What one head does on the validation split.

    Attributes:
        values: loss, each term of a combination without its coefficient (`kld_loss`), `cc`, `nss`: means.
        collapsed: every map is constant: the network has stopped looking at its input.
    """

    values: dict[str, float]
    collapsed: bool


class Heads:
    """One head for each loss, with the same initial weights and the same dropout, step by step.

    Nothing couples them: each has its own optimizer, and the gradient of a head comes from its own loss
    alone. What they share is read-only: the batch, and one pass through VGG-16 for all perceptual losses.

    Args:
        specs: canonical specs of the losses.
        model_options: of `kerasal.models.build`, but for `activation`.
        options: of the training; `learning_rate` and `loss` play no part.
        center_bias: B of the regularisation R.
        activations: of each head; default the options', or what is usual for the loss.
        start: trainable weights that a head begins with, by its activation; None begins at random.
        seed: of the initial weights and the dropout.
        precision: "float32" or "bfloat16", of the heads and of the pass through VGG-16.
        fixations: whether the data have fixations, so that NSS can be watched.
    """

    def __init__(
        self,
        specs: Sequence[str],
        model_options: dict,
        options: TrainingOptions,
        center_bias: np.ndarray,
        *,
        activations: Sequence[str] | None = None,
        start: Mapping[str, Sequence[np.ndarray]] | None = None,
        seed: int = 0,
        precision: str = "float32",
        fixations: bool = True,
    ):
        self.specs = list(specs)
        self.options = options
        self.precision = precision
        self.losses = [losses.get(spec, center_bias=center_bias) for spec in specs]
        self.activations = activations or [
            options.activation or losses.activation_for(loss) for loss in self.losses
        ]
        self.heads = [
            build_head(options.model, {**model_options, "activation": activation}, seed, precision)
            for activation in self.activations
        ]
        for head, activation in zip(self.heads, self.activations, strict=True):
            if start is not None:
                assign(head.trainable_variables, start[activation])
        self._stacked = StackedHeads(self.heads)
        # The rate changes from trial to trial; the steps that use it are compiled once.
        constant = replace(options, decay="none", warmup=0.0, learning_rate=1.0)
        for head in self.heads:
            head.compile(make_optimizer(constant, 1, precision))
            head.optimizer.build(head.trainable_variables)
        self._initial = [[v.numpy() for v in self._variables(head)] for head in self.heads]
        self._watched = [
            {"cc": metrics.CC()} | ({"nss": metrics.NSS()} if fixations else {}) for _ in self.heads
        ]
        self._perceptual = [i for i, spec in enumerate(specs) if is_perceptual(spec)]
        features = [tf.TensorSpec((None, *i.shape[1:]), tf.float32) for i in self.heads[0].inputs]
        y_true = tf.TensorSpec((None, *options.input_size, 2), tf.float32)
        rates = tf.TensorSpec((len(specs),), tf.float32)
        self._compiled_step = tf.function(self._step, [features, y_true, rates], autograph=False)
        self._compiled_values = tf.function(self._values_of_batch, [features, y_true], autograph=False)

    def reset(self) -> None:
        """All heads and optimizers as they were at the start."""
        for head, values in zip(self.heads, self._initial, strict=True):
            assign(self._variables(head), values)

    def train(
        self,
        batches: Iterable[tuple],
        rates: Sequence[float],
        epochs: int,
        steps: int,
        progress: Callable[[], None],
    ) -> list[dict[str, float]]:
        """Train every head on the batches, each at its own rate, decayed over `epochs` of so many `steps`.

        progress(): called after each step.
        Returns the mean training values of each head, as `Validation.values` without the metrics.
        """
        schedules = [
            learning_rate(replace(self.options, learning_rate=rate, epochs=epochs), steps) for rate in rates
        ]
        sums, images = None, 0
        for features, y_true in batches:
            # A step that is left out does not count for the schedule, in `fit` neither.
            now = [
                schedule(head.optimizer.iterations) if callable(schedule) else schedule
                for schedule, head in zip(schedules, self.heads, strict=True)
            ]
            values = self._compiled_step(
                keras.tree.flatten(features), y_true, tf.stack([tf.cast(rate, tf.float32) for rate in now])
            )
            sums = _added(sums, values, len(y_true))
            images += len(y_true)
            progress()
        return _means(sums, images)

    def validate(self, batches: tf.data.Dataset) -> list[Validation]:
        """What every head does on a split, with its averaged weights where the options average them."""
        sums, images, spread, peak = None, 0, np.zeros(len(self.heads)), np.zeros(len(self.heads))
        for metric in (metric for of_head in self._watched for metric in of_head.values()):
            metric.reset_state()
        for features, y_true in batches:
            values, batch_spread, batch_peak = self._compiled_values(keras.tree.flatten(features), y_true)
            sums = _added(sums, values, len(y_true))
            images += len(y_true)
            # NaN is no collapse: `fmax` passes over it.
            spread, peak = np.fmax(spread, batch_spread.numpy()), np.fmax(peak, batch_peak.numpy())
        collapsed = are_constant(spread, peak)
        return [
            Validation(
                {**values, **{name: float(metric.result()) for name, metric in watched.items()}},
                bool(flat and np.isfinite(values["loss"])),
            )
            for values, watched, flat in zip(_means(sums, images), self._watched, collapsed, strict=True)
        ]

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """A context in which the heads have their averaged weights, where the options average them."""
        swaps = [keras.callbacks.SwapEMAWeights() for _ in self.heads if self.options.ema]
        for swap, head in zip(swaps, self.heads, strict=False):
            swap.set_model(head)
            swap.on_test_begin()
        try:
            yield
        finally:
            for swap in swaps:
                swap.on_test_end()

    def is_stuck(self, index: int) -> bool:
        """Whether the last steps of a head, too many for an accident, were left out."""
        return steps_left_out(self.heads[index].optimizer)[1] >= MOST_LEFT_OUT

    def weights(self, index: int) -> list[np.ndarray]:
        """The trainable weights of one head."""
        return [variable.numpy() for variable in self.heads[index].trainable_variables]

    def _variables(self, head):
        return [*head.variables, *head.optimizer.variables]

    def _step(self, features, y_true, rates):
        for index, head in enumerate(self.heads):
            head.optimizer.learning_rate.assign(rates[index])
        with tf.GradientTape() as tape:
            values = self._values(y_true, self._stacked(features, training=True))
        learners = [
            Learner(of_head["loss"], head.trainable_variables, head.optimizer)
            for of_head, head in zip(values, self.heads, strict=True)
        ]
        take_step(tape, learners)
        return values

    def _values(self, y_true, maps):
        """Each head's loss, and the terms of a combination: means over the batch."""
        features = {}
        if self._perceptual:
            shared = shared_vgg_features(y_true, [maps[i] for i in self._perceptual], self.precision)
            features = dict(zip(self._perceptual, shared, strict=True))
        results = []
        for index, (loss, map_) in enumerate(zip(self.losses, maps, strict=True)):
            seen = {"features": features[index]} if index in features else {}
            if isinstance(loss, losses.LinearCombination):
                terms = loss.term_values(y_true, map_, **seen)
                total = sum(coefficient * terms[name] for coefficient, name, _ in loss.terms)
                values = {"loss": total, **{f"{name}_loss": value for name, value in terms.items()}}
            else:
                values = {"loss": loss.call(y_true, map_, **seen)}
            results.append({name: ops.mean(value) for name, value in values.items()})
        return results

    def _values_of_batch(self, features, y_true):
        maps = self._stacked(features, training=False)
        values = self._values(y_true, maps)
        for watched, map_ in zip(self._watched, maps, strict=True):
            for metric in watched.values():  # which leave out images without ground truth, as in `fit`
                metric.update_state(y_true, map_)
        stacked = tf.stack(maps)  # (heads, B, rows, columns, 1)
        spread = ops.max(stacked, axis=(2, 3, 4)) - ops.min(stacked, axis=(2, 3, 4))
        return values, ops.max(spread, axis=1), ops.max(stacked, axis=(1, 2, 3, 4))


def build_head(model: str, model_options: dict, seed: int, precision: str) -> keras.Model:
    """The head of a network, without its backbone, its initial weights and dropout drawn from the seed."""
    options = {**model_options, "input_size": tuple(model_options["input_size"])}  # JSON has a list
    first = first_head(model, tuple(sorted(options.items())), seed, precision)
    head = keras.models.clone_model(first)
    for variable, value in zip(head.variables, first.variables, strict=True):
        variable.assign(value)
    return head


@functools.lru_cache(maxsize=4)  # building a network takes a second, most of it for its backbone
def first_head(model: str, model_options: tuple, seed: int, precision: str) -> keras.Model:
    """What `build_head` makes copies of.

    Keras takes the seeds of initial values from Python's global generator, from which other threads draw too:
    those of a Dask worker whenever it connects again. So the head is built until one is like the one before.
    """

    def build():
        keras.utils.set_random_seed(seed)
        with computing_in(precision):
            # The weights of a backbone that is thrown away need neither loading nor drawing.
            return models.build(model, **dict(model_options, backbone_weights=None)).head

    head, another = build(), build()
    while any(np.any(a.numpy() != b.numpy()) for a, b in zip(head.variables, another.variables, strict=True)):
        head, another = another, build()
    return another


def is_perceptual(spec: str) -> bool:
    """Whether a loss, or a term of it, compares maps in VGG-16's feature space."""
    return any(term.name in ("df", "gm") for term in losses.expand(spec))


def _added(sums, values, weight):
    """Sums over batches, each weighted by its images, kept as tensors so that no step waits for them."""
    values = [{name: weight * value for name, value in of_head.items()} for of_head in values]
    if sums is None:
        return values
    return [{name: a[name] + b[name] for name in a} for a, b in zip(sums, values, strict=True)]


def _means(sums, images):
    return [{name: float(value) / images for name, value in of_head.items()} for of_head in sums]
