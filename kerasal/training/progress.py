"""Progress that people can read: a bar on a terminal, plain lines elsewhere. Both write to stderr."""

import sys
import time
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from kerasal.training.callbacks import Watcher, by_split
from kerasal.training.checkpoint import TrainingState

LINE_SECONDS = 30.0  # between plain lines within an epoch
BAR_SECONDS = 0.2


def make_progress(verbose: int | str, state: TrainingState, **sizes: int) -> list[keras.callbacks.Callback]:
    """The callback for `verbose`: 0 silent, 1 a bar, 2 plain lines, "auto" a bar on a terminal."""
    if verbose == "auto":
        verbose = 1 if sys.stderr.isatty() else 2
    return [] if not verbose else [(Bar if verbose == 1 else Lines)(state, **sizes)]


@dataclass(eq=False)
class Lines(Watcher):
    """A line for the first step, one every half a minute, and one for each epoch with its validation."""

    state: TrainingState
    _: KW_ONLY
    epochs: int  # of the whole training
    steps: int  # of an epoch
    batch_size: int  # of a whole batch
    write: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True)

    def __post_init__(self):
        super().__post_init__()
        self._first = True
        self._step_seconds = self._epoch_seconds = None
        self._shown = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        self._start = self._step_start = time.monotonic()
        self._done = 0  # steps since then; the first one of all is left out: it holds the compilation

    def on_train_batch_end(self, batch, logs=None):
        now = time.monotonic()
        if self._first:
            self._first = False
            self.write(f"first step: {_numbers(logs)}")
            self._step_start = now
        else:
            self._done += 1
            self._step_seconds = (now - self._step_start) / self._done
        if self.state.step < self.steps:
            self._show_step(now, logs)

    def on_epoch_end(self, epoch, logs=None):
        seconds = time.monotonic() - self._start
        # Where an epoch holds the compilation or began in its middle, the next one tells the time.
        if self._done == self.steps or self._epoch_seconds is None:
            self._epoch_seconds = seconds
        last = epoch + 1 == self.epochs or self.model.stop_training
        left = "" if last else f", {duration(self._epoch_seconds * (self.epochs - epoch - 1))} left"
        training, validation = by_split(logs)
        self.write(
            f"epoch {epoch + 1}/{self.epochs}: {_numbers(training)} | validation: {_numbers(validation)} | "
            f"{self._speed()}{duration(seconds)}{left}"
        )

    def _speed(self):
        return f"{self.batch_size / self._step_seconds:.1f} images/s, " if self._step_seconds else ""

    def _pace(self):
        """Images per second and the time to the end; "" while nothing is known."""
        if self._step_seconds is None:
            return ""
        steps = self.steps - self.state.step + self.steps * (self.epochs - self.state.epoch - 1)
        validation = 0.0
        if self._epoch_seconds is not None:
            validation = max(0.0, self._epoch_seconds - self.steps * self._step_seconds)
        seconds = steps * self._step_seconds + validation * (self.epochs - self.state.epoch)
        return f"{self._speed()}{duration(seconds)} left"

    def _show_step(self, now, logs):
        if now - self._shown >= LINE_SECONDS:
            self._shown = now
            self.write(f"{self._where()}: {_numbers(logs)} | {self._pace()}")

    def _where(self):
        return f"epoch {self.state.epoch + 1}/{self.epochs}, step {self.state.step}/{self.steps}"


class Bar(Lines):
    """The same lines, with a moving bar for the steps below them."""

    def __init__(self, state: TrainingState, **sizes):
        console = Console(stderr=True)
        super().__init__(
            state, **sizes, write=lambda line: console.print(line, highlight=False, soft_wrap=True)
        )
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(20),
            TextColumn("{task.fields[text]}"),
            console=console,
            transient=True,  # the lines tell all that is worth keeping
        )
        self._task = self._bar.add_task("", total=self.steps, text="")

    def on_train_begin(self, logs=None):
        self._bar.start()

    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch, logs)
        self._show_bar()

    def on_test_begin(self, logs=None):
        where = f"epoch {self.state.epoch + 1}/{self.epochs}, validation"
        self._bar.update(self._task, completed=self.steps, description=where, text="")

    def _show_step(self, now, logs):
        if now - self._shown >= BAR_SECONDS:
            self._shown = now
            self._show_bar(f"{self._pace()}  {_numbers(logs)}")

    def _show_bar(self, text=""):
        self._bar.update(self._task, completed=self.state.step, description=self._where(), text=text)

    def stop(self):
        """Take the bar away, also where training ended by an error, which Keras tells no callback."""
        self._bar.stop()


def _numbers(logs):
    """The loss, its terms in brackets, then the metrics."""
    terms = [name for name in logs if name.endswith("_loss")]
    text = f"loss {float(logs['loss']):.4g}"
    if terms:
        shown = [f"{name.removesuffix('_loss')} {float(logs[name]):.4g}" for name in terms]
        text += f" ({', '.join(shown)})"
    for name in logs:
        if name != "loss" and name not in terms:
            text += f", {name} {float(logs[name]):.3f}"
    return text


def duration(seconds: float) -> str:
    """Seconds as people say them: 8 s, 3:20 min, 2:05 h."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60}:{seconds % 60:02} min"
    return f"{seconds // 3600}:{seconds % 3600 // 60:02} h"
