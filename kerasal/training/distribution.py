"""Training on several GPUs of one machine, or on several machines: tf.distribute under Keras.

One step takes one batch of `batch_size` stimuli in all, wherever its parts are computed, and gives the
gradient and the metrics that one device would have given.
"""

import contextlib
import functools
import json
import os

import keras
import tensorflow as tf

from kerasal.errors import InputError
from kerasal.training.step import Learner, take_step


@functools.cache
def make_strategy(name: str) -> tf.distribute.Strategy | None:
    """The strategy that the option names, or None for one device.

    "mirrored" takes all GPUs of this machine, or all its logical CPUs where there is no GPU. "multi-worker"
    takes the machines that the environment variable TF_CONFIG names, and must come before TensorFlow has
    computed anything. InputError: TF_CONFIG is missing or wrong.
    """
    if name == "none":
        return None
    if name == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    try:
        cluster = json.loads(os.environ["TF_CONFIG"])
        workers = cluster["cluster"]["worker"]
        if not 0 <= int(cluster["task"]["index"]) < len(workers) or cluster["task"]["type"] != "worker":
            raise ValueError
    except (KeyError, TypeError, ValueError):
        example = (
            '{"cluster": {"worker": ["host0:3000", "host1:3000"]}, "task": {"type": "worker", "index": 0}}'
        )
        raise InputError(
            f"the multi-worker strategy needs TF_CONFIG in the environment of each worker, such as {example}"
        ) from None
    return tf.distribute.MultiWorkerMirroredStrategy()


def is_chief(strategy: tf.distribute.Strategy | None) -> bool:
    """Whether this process writes the files: the only one, or worker 0."""
    resolver = strategy and strategy.cluster_resolver
    return not resolver or resolver.task_id in (0, None)


def scope(strategy: tf.distribute.Strategy | None) -> contextlib.AbstractContextManager:
    """The context in which a network and its optimizer are made."""
    return strategy.scope() if strategy else contextlib.nullcontext()


def distributable(dataset: tf.data.Dataset, batch_size: int) -> tf.data.Dataset:
    """Batches (x, y) of at most `batch_size` as (x, y, weight) of just so many, for a strategy to divide.

    A short last batch is filled up with stimuli of its own whose weight is 0. Each batch, not each file, is
    divided among the workers.
    """

    def fill(x, y):
        count = tf.shape(y)[0]
        rows = tf.range(batch_size) % count
        weight = tf.cast(tf.range(batch_size) < count, "float32")
        return (*tf.nest.map_structure(lambda part: tf.gather(part, rows), (x, y)), weight)

    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return dataset.map(fill).with_options(options)


class Replicated(keras.Model):
    """A functional model that `fit` and `evaluate` train and measure on every device of a strategy.

    Keras 3.15's own `fit` takes the mean over the replicas of what each has measured and clips each replica's
    gradient by itself; a short last batch, which falls unevenly on them, gets wrong weights. And it does not
    run at all under MultiWorkerMirroredStrategy, where it reduces scalars along their first axis. Here
    gradients and metrics are those of the whole batch. Data are those of `distributable`, the loss one of
    kerasal's, whose `call` gives a value per image; it is measured by metrics made in the strategy's scope.
    """

    def measure(
        self, loss: keras.losses.Loss, measures: list[keras.metrics.Metric], terms: list[str]
    ) -> None:
        """Name the loss, the metrics, and the terms of the loss that are metrics too."""
        self._loss = loss
        self._measures = measures
        self._means = {name: keras.metrics.Mean(name=f"{name}_loss") for name in terms}
        self._mean_loss = keras.metrics.Mean(name="loss")

    @property
    def metrics(self):
        return [self._mean_loss, *self._measures, *self._means.values()]

    def train_step(self, data):
        x, y, weight = data
        context = tf.distribute.get_replica_context()
        total = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.reduce_sum(weight))
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            values = self._loss.call(y, y_pred)
            loss = tf.reduce_sum(values * weight) / total
            if self.losses:  # of regularisers: the same on each replica
                loss += tf.add_n(self.losses) / context.num_replicas_in_sync
        # Summed here: Keras's optimizer would first clip what each replica has for itself.
        optimizer = getattr(self.optimizer, "inner_optimizer", self.optimizer)
        optimizer._all_reduce_sum_gradients = lambda pairs: pairs
        take_step(
            tape,
            [Learner(loss, self.trainable_weights, self.optimizer)],
            lambda gradients: context.all_reduce(tf.distribute.ReduceOp.SUM, gradients),
        )
        self._update_metrics(y, y_pred, values, weight)

    def test_step(self, data):
        x, y, weight = data
        y_pred = self(x, training=False)
        self._update_metrics(y, y_pred, self._loss.call(y, y_pred), weight)

    def _update_metrics(self, y, y_pred, values, weight):
        if self.losses:  # which a loss on one device has, too
            values += tf.add_n(self.losses)
        self._mean_loss.update_state(values, sample_weight=weight)
        for measure in self._measures:
            measure.update_state(y, y_pred, sample_weight=weight)
        for name, mean in self._means.items():
            mean.update_state(self._loss.term_values(y, y_pred)[name], sample_weight=weight)

    def make_train_function(self, force=False):
        if self.train_function is None or force:
            self.train_function = self._on_every_replica(self.train_step)

    def make_test_function(self, force=False):
        if self.test_function is None or force:
            self.test_function = self._on_every_replica(self.test_step)

    def _on_every_replica(self, step):
        @tf.function(reduce_retracing=True)
        def on_batch(iterator):
            self.distribute_strategy.run(step, args=(next(iterator),))
            return self.get_metrics_result()

        return on_batch

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Keras's own fails on a batch that is spread over workers, and all is built already.
        pass
