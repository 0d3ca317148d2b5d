"""What happens during training: its state kept, the best weights saved, a collapse or explosion noticed."""

import math
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from kerasal._files import make_folder
from kerasal.data.images import pad_image, write_picture
from kerasal.data.sample import Sample
from kerasal.errors import InputError
from kerasal.models import SaliencyModel
from kerasal.models.weights_file import not_finite
from kerasal.training.checkpoint import Checkpoints, TrainingState, assign, values
from kerasal.training.interrupt import Interrupted, StopRequest
from kerasal.training.run_folder import RunFolder
from kerasal.training.step import MOST_LEFT_OUT, are_constant, optimizers_of, steps_left_out

EXPLOSION = 1000.0  # times the loss of the first steps
FIRST_STEPS = 10
PICTURES = 4  # validation stimuli whose maps are shown each epoch


class Diverged(InputError):
    """The loss is no longer a number, or has exploded."""


@dataclass(eq=False)
class Watcher(keras.callbacks.Callback):
    """A callback of Keras's whose arguments are the fields of a dataclass."""

    def __post_init__(self):
        super().__init__()


@dataclass(eq=False)
class KeepState(Watcher):
    """Keep the `TrainingState` up to date, and history.csv with it."""

    state: TrainingState
    run: RunFolder | None

    def on_train_batch_end(self, batch, logs=None):
        self.state.step += 1
        self.state.steps += 1

    def on_epoch_end(self, epoch, logs=None):
        self.state.history.append({"epoch": epoch, **{name: float(logs[name]) for name in sorted(logs)}})
        self.state.epoch, self.state.step = epoch + 1, 0
        if self.run:
            self.run.write_history(self.state.history)


@dataclass(eq=False)
class StayFinite(Watcher):
    """Stop after an epoch whose losses, weights or maps are not finite, before anything of it is kept.

    A relu hides a layer of NaN, and the loss may even fall; so the weights themselves are looked at, those of
    a frozen backbone too.
    """

    state: TrainingState
    variables: list[keras.Variable]  # of the whole network, and of what is trained beside it
    inputs: Any  # of the first validation batch

    def on_epoch_end(self, epoch, logs=None):
        losses = [name for name in logs if name == "loss" or name.endswith("_loss")]
        names = ", ".join(name for name in losses if not math.isfinite(logs[name]))
        what = f"the loss {names} is" if names else ""
        if not what and (names := not_finite(self.variables)):
            what = f"the weights {names} are"
        if not what:
            maps = keras.ops.convert_to_numpy(self.model(self.inputs, training=False))
            what = "" if np.isfinite(maps).all() else "predicted maps are"
        if what:
            raise Diverged(_not_finite(what, self.state))


def _not_finite(what: str, state: TrainingState) -> str:
    return (
        f"{what} not finite after step {state.step} of epoch {state.epoch + 1}: "
        "lower the learning rate, or clip the gradients"
    )


@dataclass(eq=False)
class StopOnDivergence(Watcher):
    """Stop when the loss is no longer finite, or a thousand times that of the first steps.

    In half precision also when `MOST_LEFT_OUT` steps in a row were left out.
    """

    state: TrainingState
    batch_size: int  # of a whole batch
    count: int  # of the training samples
    batch: Callable[[int, int], Sequence[Sample]]  # (epoch, step) -> the samples of that batch

    def on_epoch_begin(self, epoch, logs=None):
        # Of the epoch's losses so far; unknown where training goes on within an epoch.
        self._total = 0.0 if self.state.step == 0 else None

    def on_train_batch_end(self, batch, logs=None):
        step = self.state.step
        seen = min(step * self.batch_size, self.count)
        mean = float(logs["loss"])
        if not math.isfinite(mean):
            raise Diverged(self._line("is not finite", lambda value: not math.isfinite(value), logs))
        if max(steps_left_out(one)[1] for one in optimizers_of(self.model)) >= MOST_LEFT_OUT:
            raise Diverged(
                f"{MOST_LEFT_OUT} updates in a row, to step {step} of epoch {self.state.epoch + 1}, were "
                "left out, for their gradients were not finite: lower the learning rate, or compute with "
                "--precision float32"
            )
        before, self._total = self._total, mean * seen  # Keras reports the epoch's mean so far
        if before is None:
            return
        loss = abs(self._total - before) / (seen - (step - 1) * self.batch_size)
        if self.state.steps <= FIRST_STEPS:
            self.state.loss_scale = max(self.state.loss_scale, loss)
        elif loss > EXPLOSION * (1 + self.state.loss_scale):
            largest = max((abs(float(logs[name])) for name in _terms(logs)), default=0)
            what = f"has exploded to {loss:.3g}"
            raise Diverged(self._line(what, lambda value: abs(value) == largest, logs))

    def _line(self, what, guilty, logs):
        terms = [name.removesuffix("_loss") for name in _terms(logs) if guilty(float(logs[name]))]
        batch = self.batch(self.state.epoch, self.state.step - 1)
        names = ", ".join(
            sample.name if callable(sample.stimulus) else str(sample.stimulus) for sample in batch
        )
        return (
            f"the loss {what} at step {self.state.step} of epoch {self.state.epoch + 1}"
            + (f", in the term{'s' * (len(terms) > 1)} {', '.join(terms)}" if terms else "")
            + f", for the batch {names}: look at these files, lower the learning rate, or clip the gradients"
        )


def _terms(logs):
    return [name for name in logs if name.endswith("_loss") and name != "val_loss"]


class SwapAverages(keras.callbacks.SwapEMAWeights):
    """Keras's callback, which also keeps the weights behind the averages when the last epoch has ended.

    Keras then overwrites them; a run that is to go on needs them.
    """

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(-1, logs)  # to Keras never the last epoch


@dataclass(eq=False)
class SaveBest(Watcher):
    """Keep the weights with the lowest validation loss; stop after `patience` epochs without a lower one."""

    state: TrainingState
    weights: list[keras.Variable]  # to keep
    patience: int  # 0 never stops
    run: RunFolder | None  # writes best.weights.h5 there
    network: SaliencyModel
    best: list[np.ndarray] = field(default_factory=list)

    def on_epoch_end(self, epoch, logs=None):
        self.state.waited += 1
        if logs["val_loss"] < self.state.best:
            self.state.best, self.state.waited = float(logs["val_loss"]), 0
            self.best = values(self.weights)
            if self.run:
                self.run.save_weights(self.network, self.run.best_weights)
        if self.patience and self.state.waited >= self.patience:
            self.model.stop_training = True

    def restore(self, best: list[np.ndarray]) -> None:
        """Take up the best weights of a checkpoint, and write them: the file may come from a later epoch."""
        self.best = best
        if best and self.run:
            now = values(self.weights)
            assign(self.weights, best)
            self.run.save_weights(self.network, self.run.best_weights)
            assign(self.weights, now)


@dataclass(eq=False)
class SaveCheckpoints(Watcher):
    """Save a checkpoint before each epoch, every few minutes within it, and when the user stops."""

    state: TrainingState
    # Group -> variables, as a checkpoint holds them; "metrics" belongs to one epoch.
    variables: Callable[[], dict[str, list[keras.Variable]]]
    best: SaveBest  # gives the best weights yet
    request: StopRequest
    checkpoints: Checkpoints | None  # None saves nothing, and only stops
    minutes: float | None  # between checkpoints within an epoch; None saves none there
    steps: int  # of a whole epoch
    # Values of the metrics' variables to start with, where training goes on within an epoch.
    metrics: list[np.ndarray] = field(default_factory=list)

    def __post_init__(self):
        super().__post_init__()
        self._saved = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        if self.state.step:
            assign(self.variables()["metrics"], self.metrics)
        else:
            self.save()
            self._stop_if_asked()

    def on_train_batch_end(self, batch, logs=None):
        if self.state.step == self.steps or self.minutes is None:
            return  # the epoch's end saves
        if self.request.pending or time.monotonic() - self._saved >= 60 * self.minutes:
            self.save()
            self._stop_if_asked()

    def save(self) -> None:
        """Save a checkpoint now. Diverged: weights that are not finite."""
        if self.checkpoints is None:
            return
        groups = self.variables()
        if not self.state.step:
            groups.pop("metrics")
        arrays = {name: values(group) for name, group in groups.items()}
        if names := not_finite(groups["weights"]):
            raise Diverged(_not_finite(f"the weights {names} are", self.state))
        self.checkpoints.save(self.state, {**arrays, "best": self.best.best})
        self._saved = time.monotonic()

    def _stop_if_asked(self):
        if self.request.pending:
            where = f"after epoch {self.state.epoch}"
            if self.state.step:
                where = f"after step {self.state.step} of epoch {self.state.epoch + 1}"
            run = self.checkpoints and self.checkpoints.folder.parent
            raise Interrupted(
                f"interrupted {where}"
                + (f"; go on with: kerasal train --resume {shlex.quote(str(run))}" if run else "")
            )


@dataclass(eq=False)
class LogScalars(Watcher):
    """Write what was measured to TensorBoard each epoch, named as Keras's own callback names it.

    Keras's callback closes its writers at the end of `fit` for good, and a training that goes on within an
    epoch takes two calls of `fit`.
    """

    run: RunFolder

    def on_epoch_end(self, epoch, logs=None):
        training, validation = by_split(logs)
        training["learning_rate"] = keras.ops.convert_to_numpy(optimizers_of(self.model)[0].learning_rate)
        for part, values_ in (("train", training), ("validation", validation)):
            writer = self.run.summary_writer(part)
            with writer.as_default(epoch):
                for name, value in values_.items():
                    tf.summary.scalar(f"epoch_{name}", value)
            writer.flush()


def by_split(logs: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What Keras reports of an epoch, of training and of validation, both without `val_`."""
    validation = {name.removeprefix("val_"): logs[name] for name in logs if name.startswith("val_")}
    return {name: logs[name] for name in logs if not name.startswith("val_")}, validation


@dataclass(eq=False)
class WatchMaps(Watcher):
    """Look at the maps of the first validation batch after each epoch: keep pictures, notice a collapse.

    A network whose maps are all constant has stopped learning: see `are_constant`.

    The pictures show, for the first few stimuli, the stimulus, its density map and the predicted map, and
    go to maps/ and to TensorBoard.
    """

    validation: tf.data.Dataset
    samples: list[Sample]
    run: RunFolder | None
    report: Callable[[str], None]
    padded: bool  # stimuli are shown as the network sees them, as densities and maps are

    def __post_init__(self):
        super().__post_init__()
        self.inputs, targets = next(iter(self.validation))[:2]
        self.densities = targets[:PICTURES, ..., 0].numpy()

    def on_epoch_end(self, epoch, logs=None):
        maps = keras.ops.convert_to_numpy(self.model(self.inputs, training=False))
        if self.run:
            self._show(epoch, maps[:PICTURES, ..., 0])
        if not are_constant(np.ptp(maps, axis=(1, 2, 3)).max(), maps.max()):
            return
        self.model.stop_training = True
        self.report(
            f"after epoch {epoch + 1} every predicted map is constant ({maps.flat[0]:.3g}): the network "
            "collapsed and training stops here; try a lower learning rate or another activation"
        )

    def _show(self, epoch, maps):
        rows = []
        for sample, density, map_ in zip(self.samples, self.densities, maps, strict=False):
            stimulus = sample.read_stimulus()
            if self.padded:
                stimulus = pad_image(stimulus, density.shape)
            stimulus = Image.fromarray(stimulus).resize(density.shape[::-1])
            grey = [np.repeat(_levels(array)[..., None], 3, axis=-1) for array in (density, map_)]
            rows.append(np.concatenate([np.asarray(stimulus), *grey], axis=1))
        picture = np.concatenate(rows)
        folder = self.run.path / "maps"
        make_folder(folder)
        write_picture(folder / f"epoch-{epoch + 1:03}.jpg", Image.fromarray(picture))
        with self.run.summary_writer("validation").as_default(epoch):
            tf.summary.image("stimulus, density, prediction", picture[None])


def _levels(map_):
    """A map as grey levels: its maximum is 255. What is negative or not finite is black."""
    map_ = np.maximum(np.nan_to_num(map_, nan=0.0, posinf=0.0), 0)
    return (map_ * (255 / max(map_.max(), 1e-12))).astype("uint8")
