"""Keras's optimizer and learning-rate schedule for the options."""

import keras
from keras import ops

from kerasal.training.options import TrainingOptions
from kerasal.training.step import LeavingOut


def make_optimizer(
    options: TrainingOptions, steps_per_epoch: int, precision: str = "float32"
) -> keras.optimizers.Optimizer:
    """The optimizer for a training of `options.epochs` epochs of so many steps.

    In half precision it leaves out steps whose gradients are not finite: see `LeavingOut`.
    """
    accumulated = options.gradient_accumulation
    make, arguments = {
        "sgd": (keras.optimizers.SGD, {"momentum": options.momentum, "nesterov": options.nesterov}),
        "adam": (keras.optimizers.Adam, {}),
        "adamw": (keras.optimizers.AdamW, {}),
        "rmsprop": (keras.optimizers.RMSprop, {"momentum": options.momentum}),
        # Of Lasagne, which SalGAN used: its sums start at 0.
        "adagrad": (keras.optimizers.Adagrad, {"initial_accumulator_value": 0.0, "epsilon": 1e-6}),
    }[options.optimizer]
    optimizer = make(
        learning_rate=learning_rate(options, steps_per_epoch),
        weight_decay=options.weight_decay,
        global_clipnorm=options.clip_norm or None,
        clipvalue=options.clip_value or None,
        use_ema=bool(options.ema),
        ema_momentum=options.ema or 0.99,
        gradient_accumulation_steps=accumulated if accumulated > 1 else None,
        **arguments,
    )
    if accumulated > 1 and options.ema:
        _average_updates_alone(optimizer)
    # At the end of `fit` Keras would put the averages into the network, whatever the callbacks put there.
    optimizer.finalize_variable_values = lambda _: None
    if precision == "float32":
        return optimizer
    return LeavingOut(optimizer, scaled=precision == "float16")  # bfloat16 has float32's range


def _average_updates_alone(optimizer: keras.optimizers.Optimizer) -> None:
    """Have the averages follow the weights' updates alone: Keras moves them in each accumulated step, too.

    Up to the first update they are the weights.
    """
    average, steps = optimizer._update_model_variables_moving_average, optimizer.gradient_accumulation_steps

    def average_updates(variables):
        due = ops.logical_or(optimizer._iterations < steps, (optimizer._iterations + 1) % steps == 0)
        ops.cond(due, lambda: average(variables), lambda: None)

    optimizer._update_model_variables_moving_average = average_updates


def learning_rate(
    options: TrainingOptions, steps_per_epoch: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """The learning rate, or its schedule over the steps: Keras counts those that only accumulate, too."""
    warmup = round(options.warmup * steps_per_epoch)
    total = max(1, options.epochs * steps_per_epoch - warmup)
    interval = max(1, round(options.decay_epochs * steps_per_epoch))
    schedules = keras.optimizers.schedules
    rate = options.learning_rate
    schedule = {
        "none": lambda: rate,
        "cosine": lambda: schedules.CosineDecay(rate, total),
        "linear": lambda: schedules.PolynomialDecay(rate, total, end_learning_rate=0.0),
        "exponential": lambda: schedules.ExponentialDecay(rate, interval, options.decay_rate),
        "step": lambda: schedules.ExponentialDecay(rate, interval, options.decay_rate, staircase=True),
        "inverse": lambda: schedules.InverseTimeDecay(rate, interval, options.decay_rate),
    }[options.decay]()
    return WarmUp(schedule, warmup) if warmup else schedule


@keras.saving.register_keras_serializable(package="kerasal")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises in a straight line over the first steps, then follows a schedule.

    Args:
        schedule: what comes after, a schedule or a number; it starts at its own beginning.
        steps: the length of the rise; the first step has 1 / steps of the schedule's first rate.
    """

    def __init__(self, schedule: float | keras.optimizers.schedules.LearningRateSchedule, steps: int):
        self.schedule = schedule
        self.steps = steps

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rise = ops.minimum((step + 1) / self.steps, 1.0)
        after = ops.maximum(step - self.steps, 0.0)
        return rise * (self.schedule(after) if callable(self.schedule) else self.schedule)

    def get_config(self):
        return {"schedule": keras.saving.serialize_keras_object(self.schedule), "steps": self.steps}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config["schedule"]), config["steps"])
