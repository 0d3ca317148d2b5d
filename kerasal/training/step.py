"""The one step of training: `fit`, the heads of a quest, SalGAN's two phases and several devices take it.

Beside it what all of them watch for: steps that are left out, maps that are constant.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from keras import ops

MOST_LEFT_OUT = 100  # steps in a row; so many are no accident
CONSTANT = 1e-6  # maps whose range is at most this share of their maximum, or of 1, are constant


@dataclass(frozen=True)
class Learner:
    """Variables that learn from a loss of their own: `loss` is a scalar within the tape."""

    loss: tf.Tensor
    variables: Sequence[keras.Variable]
    optimizer: keras.optimizers.Optimizer


def take_step(
    tape: tf.GradientTape,
    learners: Sequence[Learner],
    reduce: Callable[[list[tf.Tensor]], list[tf.Tensor]] = lambda gradients: gradients,
) -> None:
    """Differentiate each learner's loss, scaled as its optimizer asks, and apply the gradients.

    All are differentiated at once. Learners share no variables, so a gradient is that of its own loss alone.

    Args:
        reduce: what becomes of a learner's gradients before they are applied, such as a sum over devices.
    """
    scales = [learner.optimizer.scale_loss(tf.ones_like(learner.loss)) for learner in learners]
    gradients = tape.gradient(
        [learner.loss for learner in learners],
        [learner.variables for learner in learners],
        output_gradients=scales,
    )
    for learner, own in zip(learners, gradients, strict=True):
        learner.optimizer.apply(reduce(own), learner.variables)


class Trained(keras.Model):
    """A functional model whose `fit` takes this file's step."""

    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x, y, y_pred, sample_weight, training=True)
        take_step(tape, [Learner(loss, self.trainable_variables, self.optimizer)])
        self.metrics[0].update_state(loss, sample_weight=ops.shape(y_pred)[0])  # Keras's mean of the loss
        return self.compute_metrics(x, y, y_pred, sample_weight)


class LeavingOut(keras.optimizers.LossScaleOptimizer):
    """An optimizer that leaves out, and counts, the steps whose gradients are not finite.

    Args:
        optimizer: takes the other steps.
        scaled: float16 needs its loss scaled, so that small gradients do not vanish: by a factor that is
            halved with each step left out and doubled now and then. Else the loss stays as it is.

    Attributes:
        left_out: how many steps were left out.
        in_a_row: how many since the last that was not.
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer, scaled: bool, name: str = "leaving_out"):
        super().__init__(optimizer, name=name, **({} if scaled else {"initial_scale": 1.0}))
        self.scaled = scaled

    def build(self, variables):
        counter = {"shape": (), "dtype": "int32", "initializer": "zeros", "aggregation": "none"}
        self.left_out = self.add_variable(name="left_out", **counter)
        self.in_a_row = self.add_variable(name="in_a_row", **counter)
        super().build(variables)
        if (inner := self.inner_optimizer).use_ema:
            # Keras starts the averages at 0, and has them follow the weights from the first update on.
            for average, variable in zip(inner._model_variables_moving_average, variables, strict=True):
                average.assign(variable)

    # Keras calls these two where a variable may be assigned, with a strategy of several devices, too.

    def _stateful_handle_finite_grads(self, grads, trainable_variables):
        super()._stateful_handle_finite_grads(grads, trainable_variables)
        self.in_a_row.assign(0)
        self._keep_scale()

    def _stateful_handle_non_finite_grads(self):
        super()._stateful_handle_non_finite_grads()
        self.left_out.assign_add(1)
        self.in_a_row.assign_add(1)
        self._keep_scale()

    def _keep_scale(self):
        if not self.scaled:
            self.dynamic_scale.assign(1.0)


def optimizers_of(model: keras.Model) -> list[keras.optimizers.Optimizer]:
    """Those that a model learns with now, the network's own first: `Adversarial` has several."""
    return getattr(model, "optimizers", None) or [model.optimizer]


def steps_left_out(optimizer: keras.optimizers.Optimizer) -> tuple[int, int]:
    """How many steps an optimizer has left out, and how many of them last, in a row; 0 in float32."""
    if not isinstance(optimizer, LeavingOut):
        return 0, 0
    return int(ops.convert_to_numpy(optimizer.left_out)), int(ops.convert_to_numpy(optimizer.in_a_row))


def are_constant(spread: np.ndarray, peak: np.ndarray) -> np.ndarray:
    """Whether maps have stopped showing anything: a collapse.

    A pixel loss finds it easy to predict an all-zero map, where a relu has no gradient to return by.

    spread: the largest range (maximum less minimum) of any map; peak: the largest value. NaN is no collapse.
    """
    return spread <= CONSTANT * np.maximum(1, peak)
