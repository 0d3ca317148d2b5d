"""One training from its first step, or the one after a checkpoint, to its last: Keras's fit and callbacks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from kerasal import losses, metrics
from kerasal.data.pipeline import batch_samples, batches
from kerasal.data.reading import stimulus_reader
from kerasal.data.sample import Dataset
from kerasal.errors import InputError
from kerasal.models import SaliencyModel
from kerasal.models.weights_file import not_finite
from kerasal.training.adversarial import Adversarial, LetDiscriminatorJoin
from kerasal.training.callbacks import (
    Diverged,
    KeepState,
    LogScalars,
    SaveBest,
    SaveCheckpoints,
    StayFinite,
    StopOnDivergence,
    SwapAverages,
    WatchMaps,
)
from kerasal.training.checkpoint import Checkpoints, TrainingState, assign
from kerasal.training.distribution import Replicated, distributable, scope
from kerasal.training.features import FeatureCache
from kerasal.training.interrupt import StopRequest
from kerasal.training.optimizers import make_optimizer
from kerasal.training.options import TrainingOptions
from kerasal.training.progress import make_progress
from kerasal.training.run_folder import RunFolder
from kerasal.training.step import Trained, optimizers_of, steps_left_out


@dataclass(eq=False)
class Loop:
    """Trains `network` as the options say; `restore` puts it where a checkpoint was."""

    network: SaliencyModel
    dataset: Dataset
    loss: keras.losses.Loss
    options: TrainingOptions
    precision: str  # that the network was built for
    strategy: tf.distribute.Strategy | None  # the network was built in its scope; None for one device
    run_folder: RunFolder | None  # what is written goes there; None writes nothing
    features: dict[str, FeatureCache] | None  # split -> cache; None reads stimuli
    report: Callable[[str], None]  # as in `kerasal.training.train`
    verbose: int | str  # as there
    callbacks: Sequence[keras.callbacks.Callback] = ()  # called after kerasal's own

    def __post_init__(self):
        network, dataset, options, run = self.network, self.dataset, self.options, self.run_folder
        self.state = TrainingState()
        self.steps = -(-len(dataset["train"]) // options.batch_size)
        self.checkpoints = Checkpoints(run.checkpoints) if run else None
        self.adversarial = options.adversarial_after is not None
        self.trained = self._compiled()
        frozen = [] if network.backbone.trainable_variables else network.backbone.variables
        ids = set(map(id, frozen))
        self.weights = [variable for variable in network.variables if id(variable) not in ids]
        self.validation = self._batches("validation")
        self.save_best = SaveBest(self.state, self.weights, options.patience, run, network)
        self.request = StopRequest()
        # Metrics of several workers are read by all of them at once, not whenever the chief likes to.
        several = self.strategy is not None and self.strategy.extended._in_multi_worker_mode()
        self.save_checkpoints = SaveCheckpoints(
            self.state,
            self._variables,
            self.save_best,
            self.request,
            self.checkpoints,
            None if several else options.checkpoint_minutes,
            self.steps,
        )
        sizes = {"epochs": options.epochs, "steps": self.steps, "batch_size": options.batch_size}
        chief_alone = make_progress(self.verbose, self.state, **sizes) if run or not self.strategy else []
        if run:
            chief_alone.append(LogScalars(run))
        watch_maps = WatchMaps(self.validation, dataset["validation"], run, self.report, network.padded)
        self.averages = SwapAverages(swap_on_epoch=True)
        adversary, joins = [], []
        if self.adversarial:
            adversary = self.trained.adversary_variables
            joins = [LetDiscriminatorJoin(self.state, options.adversarial_after, self.report)]
        self.callbacks = [
            StayFinite(self.state, [*network.variables, *adversary], watch_maps.inputs),
            KeepState(self.state, run),
            *joins,
            StopOnDivergence(self.state, options.batch_size, len(dataset["train"]), self._batch_samples),
            # After this one the callbacks see the averaged weights at an epoch's end, as validation does.
            *([self.averages] if options.ema else []),
            self.save_best,
            watch_maps,
            *chief_alone,
            self.save_checkpoints,
            *self.callbacks,
        ]

    def restore(self, state: TrainingState, arrays: dict[str, list[np.ndarray]]) -> None:
        """Take up a checkpoint."""
        self.state.__dict__.update({**state.__dict__, "finished": False})
        if self.state.step:  # Keras makes the metrics' variables at the first batch
            self.trained.evaluate(self.validation.take(1), verbose=0)
        groups = self._variables()
        for name in groups.keys() - {"metrics"}:
            assign(groups[name], arrays[name])
        self.save_checkpoints.metrics = arrays.get("metrics", [])
        self.save_best.restore(arrays.get("best", []))

    def run(self) -> list[dict[str, float]]:
        """Train to the end and return the history. The network has its best weights then."""
        options = self.options
        callbacks = keras.callbacks.CallbackList(
            self.callbacks, add_history=True, model=self.trained, epochs=options.epochs, steps=self.steps
        )
        with self.request:
            try:
                if self.state.step:
                    first = self.state.epoch
                    self._fit(first, first + 1, callbacks)
                if self.state.epoch < options.epochs and not self.trained.stop_training:
                    self._fit(self.state.epoch, options.epochs, callbacks)
            except Diverged as error:
                raise Diverged(f"{error}{self._leave_last_good_weights()}") from None
            finally:
                for callback in self.callbacks:
                    if stop := getattr(callback, "stop", None):
                        stop()
            return self._finish()

    def _fit(self, first_epoch, end, callbacks):
        step = self.state.step
        self.trained.fit(
            self._batches("train", first_epoch, end, step),
            validation_data=self.validation,
            initial_epoch=first_epoch,
            epochs=end,
            steps_per_epoch=self.steps - step,
            shuffle=False,  # the pipeline shuffles
            callbacks=callbacks,
            verbose=0,
        )

    def _finish(self):
        if not self.save_best.best:
            raise InputError(
                f"the validation loss was never finite with a learning rate of "
                f"{self.options.learning_rate:g}: try a lower one"
            )
        optimizers = {self.trained.optimizer, *optimizers_of(self.trained)}
        if count := sum(steps_left_out(optimizer)[0] for optimizer in optimizers):
            self.report(f"{count} of {self.state.steps} steps were left out: their gradients were not finite")
        self.state.finished, self.state.planned = True, self.options.epochs
        if self.run_folder:
            self.run_folder.save_weights(self.network, self.run_folder.last_weights)
        if self.options.ema:
            self.averages.on_epoch_begin(self.state.epoch)  # as before a next epoch, to go on from
        self.save_checkpoints.save()
        assign(self.weights, self.save_best.best)
        return self.state.history

    def _leave_last_good_weights(self):
        """Write last.weights.h5 from the newest checkpoint; returns what to tell the user."""
        found = self.checkpoints and self.checkpoints.newest(self.report)
        if not found:
            return ""
        state, arrays = found
        assign(self.weights, arrays["weights"])
        if not_finite(self.network.variables):
            return ""  # in a frozen layer, which no checkpoint has
        path = self.run_folder.last_weights
        self.run_folder.save_weights(self.network, path)
        return f"; {path} has the weights after step {state.step} of epoch {state.epoch + 1}"

    def _compiled(self):
        """A model of the same layers, compiled: the network's own files then hold no optimizer."""
        part = self.network.head if self.features else self.network
        # XLA's convolutions are slower than oneDNN's on a CPU.
        jit = self.options.xla
        if jit is None:
            jit = "auto" if tf.config.list_physical_devices("GPU") and not self.strategy else False
        with scope(self.strategy):  # the metrics' variables too must be made in it
            watched = [metrics.CC(), metrics.NSS()] if self.dataset.has_fixations else [metrics.CC()]
            optimizer = make_optimizer(self.options, self.steps, self.precision)
            terms = losses.term_metrics(self.loss)
            if self.strategy:
                trained = Replicated(part.inputs, part.outputs)
                trained.measure(self.loss, watched, [name for _, name, _ in self.loss.terms] if terms else [])
                trained.compile(optimizer=optimizer, jit_compile=jit)
            else:
                if self.adversarial:
                    trained = Adversarial(
                        part,
                        self.network.discriminator(),
                        lambda: make_optimizer(self.options, self.steps, self.precision),
                    )
                else:
                    trained = Trained(part.inputs, part.outputs)
                trained.compile(optimizer, self.loss, metrics=[*watched, *terms], jit_compile=jit)
            optimizer.build(part.trainable_variables)
        trained.stop_training = False
        return trained

    def _batches(self, split, first_epoch=0, end=1, first_step=0):
        options = self.options
        train = {"seed": options.seed, "flip": options.flip, "augmentation": options.augmentation}
        dataset = batches(
            self.dataset[split],
            self.network.output_size,
            options.batch_size,
            input_size=self.network.input_size,
            padded=self.network.padded,
            reader=self._reader(split) if self.features else None,
            epochs=end - first_epoch,
            first_epoch=first_epoch,
            first_step=first_step,
            parts=self.dataset.draws,
            **(train if split == "train" else {}),
        )
        return distributable(dataset, options.batch_size) if self.strategy else dataset

    def _reader(self, split):
        features = self.features[split].reader()
        if not self.adversarial:
            return features
        # The discriminator sees the stimuli.
        stimuli = stimulus_reader(self.dataset[split], self.network.input_size, self.network.padded)
        return lambda index, mirrored: (*features(index, mirrored), *stimuli(index, mirrored))

    def _batch_samples(self, epoch, step):
        options, dataset = self.options, self.dataset
        return batch_samples(dataset["train"], options.batch_size, options.seed, epoch, step, dataset.draws)

    def _variables(self):
        return {
            "weights": self.weights,
            "optimizer": self.trained.optimizer.variables,
            **({"adversary": self.trained.adversary_variables} if self.adversarial else {}),
            "metrics": [variable for metric in self.trained.metrics for variable in metric.variables],
        }
