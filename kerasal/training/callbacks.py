"""What happens during training: weights saved, a collapse noticed, a Ctrl-C kept."""

import signal
import threading
from collections.abc import Callable

import keras
import numpy as np

from kerasal.models import SaliencyModel
from kerasal.training.run_folder import RunFolder


class KeepInterrupt(keras.callbacks.Callback):
    """Raise a Ctrl-C again after the step, if it came where Python drops exceptions (a finalizer, say).

    A context: the signal's handler before it is put back at the end.
    """

    def __enter__(self):
        self.pending = False
        self.before = None
        if threading.current_thread() is threading.main_thread():
            self.before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_):
        if self.before is not None:
            signal.signal(signal.SIGINT, self.before)

    def _note(self, *_):
        self.pending = True
        raise KeyboardInterrupt

    def on_train_batch_end(self, batch, logs=None):
        if self.pending:
            raise KeyboardInterrupt


class SaveLast(keras.callbacks.Callback):
    """Write last.weights.h5: the weights as trained, with the optimizer's state and its averages."""

    def __init__(self, run: RunFolder, network: SaliencyModel):
        super().__init__()
        self.run = run
        self.network = network

    def on_epoch_end(self, epoch, logs=None):
        self.run.save_weights(self.network, self.run.last_weights)


class SaveBest(keras.callbacks.Callback):
    """Write best.weights.h5 when the validation loss is the lowest yet."""

    def __init__(self, run: RunFolder, network: SaliencyModel):
        super().__init__()
        self.run = run
        self.network = network
        self.best = np.inf
        self.epoch = None

    def on_epoch_end(self, epoch, logs=None):
        if logs["val_loss"] < self.best:
            self.best, self.epoch = logs["val_loss"], epoch
            self.run.save_weights(self.network, self.run.best_weights)


class StopOnCollapse(keras.callbacks.Callback):
    """Stop when every map of a validation batch is constant: such a network has stopped learning.

    A pixel loss finds it easy to predict an all-zero map, where a relu has no gradient to return by.
    """

    def __init__(self, validation, report: Callable[[str], None]):
        super().__init__()
        self.inputs = next(iter(validation))[0]
        self.report = report

    def on_epoch_end(self, epoch, logs=None):
        maps = keras.ops.convert_to_numpy(self.model(self.inputs, training=False))
        if not np.isfinite(maps).all() or np.ptp(maps, axis=(1, 2, 3)).max() > 1e-6 * max(1, maps.max()):
            return
        self.model.stop_training = True
        self.report(
            f"after epoch {epoch + 1} every predicted map is constant ({maps.flat[0]:.3g}): the network "
            "collapsed and training stops here; try a lower learning rate or another activation"
        )
