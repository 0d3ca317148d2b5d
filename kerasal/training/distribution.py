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


def sharded(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The dataset with each batch, not each file, divided among the workers."""
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return dataset.with_options(options)


class Replicated(keras.Model):
    """A functional model that `fit` and `evaluate` train and measure on every device of a strategy.

    Keras 3.15's own `fit` takes the mean over the replicas of what each has measured, which is wrong for a
    batch that falls unevenly on them, clips each replica's gradient by itself, and does not run at all under
    MultiWorkerMirroredStrategy, where it reduces scalars along their first axis. Here gradients and metrics
    are those of the whole batch.
    """

    def train_step(self, data):
        x, y = data
        own = tf.shape(y)[0]
        context = tf.distribute.get_replica_context()
        whole = context.all_reduce(tf.distribute.ReduceOp.SUM, own)
        # Of each replica Keras takes the mean over its part of the batch, divided by the replicas' number.
        share = tf.cast(own * context.num_replicas_in_sync, "float32") / tf.cast(whole, "float32")
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred, training=True)
            scaled = self.optimizer.scale_loss(loss * share)
        # Summed here: Keras's optimizer would first clip and accumulate what each replica has for itself.
        gradients = context.all_reduce(
            tf.distribute.ReduceOp.SUM, tape.gradient(scaled, self.trainable_weights)
        )
        optimizer = getattr(self.optimizer, "inner_optimizer", self.optimizer)
        optimizer._all_reduce_sum_gradients = lambda pairs: pairs
        self._loss_tracker.update_state(loss * context.num_replicas_in_sync, sample_weight=own)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        return self.compute_metrics(x, y, y_pred)

    def make_train_function(self, force=False):
        if self.train_function is None or force:
            self.train_function = self._on_every_replica(self.train_step)

    def make_test_function(self, force=False):
        if self.test_function is None or force:
            self.test_function = self._on_every_replica(self.test_step)

    def _on_every_replica(self, step):
        if self.jit_compile:
            step = tf.function(step, jit_compile=True, reduce_retracing=True)

        @tf.function(reduce_retracing=True)
        def on_batch(iterator):
            self.distribute_strategy.run(step, args=(next(iterator),))
            return self.get_metrics_result()

        return on_batch

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Keras's own cannot read a batch that is spread over workers. This worker's part has its shapes.
        if iterator is not None:
            batch = next(next(iter(iterator))[2])
            data_batch = tf.nest.map_structure(
                lambda part: self.distribute_strategy.experimental_local_results(part)[0], batch
            )
        with self.distribute_strategy.scope():
            self._symbolic_build(data_batch=data_batch)
