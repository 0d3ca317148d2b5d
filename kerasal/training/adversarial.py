"""SalGAN's training: a network against a discriminator of its maps, batch by batch in turn.

Pan et al. 2017, arXiv 1701.01081, section 3, and their code, which decides where the two differ.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import tensorflow as tf
from keras import ops

from kerasal.training.callbacks import Watcher
from kerasal.training.checkpoint import TrainingState
from kerasal.training.step import Learner, take_step

POOL = 4  # pixels, along both axes, over which maps are averaged before the loss compares them
CONTENT_WEIGHT = 1 / 20  # of that loss, beside the one of deceiving the discriminator


class Adversarial(keras.Model):
    """A network, or the head of one on kept features, that `fit` trains in two phases.

    At first every batch lowers the loss that the model is compiled with, between maps averaged over 4x4
    pixels. Once the discriminator has joined, an odd batch (the first, the third, ...) updates the
    discriminator alone and an even one the generator alone. The discriminator's loss is the mean
    cross-entropy of D(density, stimulus) being recorded and D(map, stimulus) being generated; the generator's
    that of D(map, stimulus) being recorded, plus 1/20 of the loss before. "loss" is that one in both phases.

    Args:
        generator: from stimuli (B, rows, columns, 3), or from features, to maps (B, rows, columns, 1).
        discriminator: from (B, rows, columns, 4), map and stimulus, to the probability (B, 1) that the map
            was recorded.
        make_optimizer: makes the generator's and the discriminator's optimizers of the second phase, without
            a memory of the first.

    Inputs are stimuli, or features followed by the stimuli, in 0..255; targets are `y_true`.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        make_optimizer: Callable[[], keras.optimizers.Optimizer],
    ):
        super().__init__(name="adversarial")
        self.generator = generator
        self.discriminator = discriminator
        self.generator_optimizer, self.discriminator_optimizer = make_optimizer(), make_optimizer()
        self.generator_optimizer.build(generator.trainable_variables)
        self.discriminator_optimizer.build(discriminator.trainable_variables)
        self.joined = False  # whether the discriminator takes part
        self.number = keras.Variable(1, dtype="int32", trainable=False, name="number")  # of the next batch
        self.deception = keras.metrics.Mean(name="generator_loss")
        self.detection = keras.metrics.Mean(name="discriminator_loss")

    @property
    def adversary_variables(self) -> list[keras.Variable]:
        """What a checkpoint needs beside the generator's weights and the first phase's optimizer."""
        optimizers = [*self.generator_optimizer.variables, *self.discriminator_optimizer.variables]
        return [*self.discriminator.variables, *optimizers, self.number]

    @property
    def optimizers(self) -> list[keras.optimizers.Optimizer]:
        """Those that learn in this phase, the generator's first."""
        return [self.generator_optimizer, self.discriminator_optimizer] if self.joined else [self.optimizer]

    def join(self) -> None:
        """Let the discriminator take part from now on."""
        self.joined = True
        self.make_train_function(force=True)

    def call(self, inputs, training=None):
        features = list(inputs[:-1]) if isinstance(inputs, Sequence) else inputs
        return self.generator(features, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return super().compute_loss(x, _averaged(y), _averaged(y_pred), sample_weight, training)

    def train_step(self, data):
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        if not self.joined:
            maps, content = self._learn_content(x, y)
        else:
            maps, content = tf.cond(
                self.number % 2 == 1,
                lambda: self._learn_to_detect(x, y),
                lambda: self._learn_to_deceive(x, y),
            )
            self.number.assign_add(1)
        self.metrics[0].update_state(content, sample_weight=ops.shape(maps)[0])  # Keras's mean of the loss
        return self._shown(self.compute_metrics(x, y, maps))

    def test_step(self, data):
        return self._shown(super().test_step(data), train=False)

    def _learn_content(self, x, y):
        with tf.GradientTape() as tape:
            maps = self(x, training=True)
            content = self.compute_loss(x, y, maps)
        take_step(tape, [Learner(content, self.generator.trainable_variables, self.optimizer)])
        return maps, content

    def _learn_to_detect(self, x, y):
        maps = self(x, training=True)
        with tf.GradientTape() as tape:
            recorded, generated = self._judge(y[..., :1], x), self._judge(maps, x)
            loss = (_cross_entropy(recorded, 1.0) + _cross_entropy(generated, 0.0)) / 2
        take_step(tape, [Learner(loss, self.discriminator.trainable_variables, self.discriminator_optimizer)])
        self.detection.update_state(loss)
        return maps, self.compute_loss(x, y, maps)

    def _learn_to_deceive(self, x, y):
        with tf.GradientTape() as tape:
            maps = self(x, training=True)
            content = self.compute_loss(x, y, maps)
            deception = _cross_entropy(self._judge(maps, x), 1.0)
            loss = deception + CONTENT_WEIGHT * content
        take_step(tape, [Learner(loss, self.generator.trainable_variables, self.generator_optimizer)])
        self.deception.update_state(deception)
        return maps, content

    def _judge(self, maps, inputs):
        stimuli = inputs[-1] if isinstance(inputs, Sequence) else inputs
        return self.discriminator(ops.concatenate([maps, stimuli], axis=-1), training=True)

    def _shown(self, results, train=True):
        """The metrics without those of an adversary that does not take part."""
        hidden = () if train and self.joined else (self.deception.name, self.detection.name)
        return {name: value for name, value in results.items() if name not in hidden}


@dataclass(eq=False)
class LetDiscriminatorJoin(Watcher):
    """Begin the second phase of an `Adversarial` after some epochs, and the search for the best weights anew.

    The second phase may raise the loss that tells the best weights: they are those of its own epochs.
    """

    state: TrainingState
    after: int
    report: Callable[[str], None]

    def on_epoch_begin(self, epoch, logs=None):
        if epoch < self.after or self.model.joined:
            return
        self.model.join()
        if epoch == self.after and self.state.step == 0:
            self.state.best, self.state.waited = float("inf"), 0
        self.report(f"from epoch {epoch + 1} on the discriminator takes part")


def _averaged(maps):
    """Maps (B, H, W, 1), or `y_true`, at 1/4 of their size: means, and any fixation."""
    means = ops.average_pool(maps[..., :1], POOL, data_format="channels_last")
    if maps.shape[-1] == 1:
        return means
    return ops.concatenate([means, ops.max_pool(maps[..., 1:], POOL, data_format="channels_last")], axis=-1)


def _cross_entropy(probability, truth):
    return ops.mean(ops.binary_crossentropy(ops.full_like(probability, truth), probability))
