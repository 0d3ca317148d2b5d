"""Training a saliency network: `train` makes one from options, `resume` goes on, `fit` takes yours."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerasal import data, losses, models
from kerasal._files import held
from kerasal._progress import Progress
from kerasal.data.images import read_map
from kerasal.data.reading import naming_undecodable
from kerasal.data.sample import Dataset, data_entry, report_merged
from kerasal.errors import InputError
from kerasal.models import SaliencyModel
from kerasal.training.checkpoint import Checkpoints
from kerasal.training.distribution import is_chief, make_strategy, scope
from kerasal.training.features import CACHED, FeatureCache, check_network, open_features
from kerasal.training.initial import found_from_anywhere, initial_network, set_initial_weights
from kerasal.training.loop import Loop
from kerasal.training.options import OF_NETWORK, TrainingOptions
from kerasal.training.options import options as recipe_options
from kerasal.training.precision import computing_in, precision_of, resolve_precision
from kerasal.training.run_folder import NewPath, RunFolder


def train(
    dataset: Dataset,
    options: TrainingOptions,
    run_path: NewPath,
    *,
    limit: int | None = None,
    cache_features: bool = True,
    cache_folder: Path | None = None,
    cache_bound: int | None = None,
    progress: Progress = lambda items, _: items,
    report: Callable[[str], None] = print,
    verbose: int | str = "auto",
) -> RunFolder | None:
    """Train a network on the dataset's training split, watch its validation split, keep the best weights.

    Args:
        run_path: the run folder to make, or what names one that is free, as `new_run_path` does; `report`
            then takes the name.
        limit: what the dataset was limited to, to be written down with it.
        cache_features: compute the frozen backbone's features once instead of in every step.
        cache_folder: where they are kept between runs; None keeps them in memory for this run.
        cache_bound: the largest size of that folder's features in bytes: see `FeatureCache.open`.
        progress: shows how far the computation of features is.
        report: takes a line that the user should read.
        verbose: 0 silent, 1 a bar, 2 plain lines, "auto" a bar on a terminal.

    Returns the run folder; None in a worker that is not the chief. Training that stops before its end can
    go on with `resume`; a run folder that holds nothing to go on from is removed. Interrupted: the user
    stopped it, and everything is saved. InputError: a loss that needs fixations on data without them, an
    unknown loss or model, no training or validation samples, an existing run folder, a full disk; as
    Diverged: a loss that is no number or has exploded, with the last good weights in last.weights.h5.
    """
    strategy = _start(options)
    options = found_from_anywhere(options)
    initial = initial_network(options.weights) if options.weights else None
    network_class = models.network_class(options.model)
    dataset.check_size(options.input_size, network_class.padded)
    map_size = network_class.map_size(options.input_size)
    bias = dataset.center_bias(map_size, network_class.padded)
    dataset["validation"]  # InputError where there is none
    loss = loss_for(options.loss, bias, dataset)
    precision, line = resolve_precision(options.precision)
    if line:
        report(line)
    # A network that goes on keeps the activation that its weights were learned with.
    activation = options.activation or getattr(initial, "activation", None) or losses.activation_for(loss)
    model_options = options.network_options(bias, activation)
    network = _build(options, model_options, precision, strategy)
    if options.weights:
        set_initial_weights(network, options.weights, initial)
    cache_features = cache_features and options.freeze_backbone
    report(report_merged(dataset.samples, map_size))
    run = None
    if is_chief(strategy):
        spec = losses.canonical(loss)
        run = new_run(run_path, spec, options, model_options, precision, cache_features, dataset, limit, bias)
        if callable(run_path):
            report(f"into {run.path}")
    with _at_work(run, dataset):
        cache = {"folder": cache_folder, "bound": cache_bound}
        features = _features(cache_features, network, dataset, options, cache, progress, report)
        Loop(network, dataset, loss, options, precision, strategy, run, features, report, verbose).run()
    return run


def resume(
    run_path: Path | str,
    *,
    epochs: int | None = None,
    data_dir: Path | str | Mapping[str, Path | str] | None = None,
    cache_folder: Path | None = None,
    cache_bound: int | None = None,
    progress: Progress = lambda items, _: items,
    report: Callable[[str], None] = print,
    verbose: int | str = "auto",
) -> RunFolder:
    """Go on with a training that was stopped, from its newest whole checkpoint, to the end it was to have.

    Options and data are those that the run folder names; `data_dir` says where the data lie now, of a mixture
    name -> folder for those that have moved. With `epochs`, also of a finished run, the training is from here
    on one of so many epochs: with a constant rate it ends as if it had been from the start, and a decay goes
    on at the place where that of the longer training is by now. The other arguments and errors are those of
    `train`. InputError: no run folder, another process that trains in it, the data are no longer the same, or
    `epochs` that are not more than those done.
    """
    run = RunFolder.open_unfinished(run_path)
    options = run.options
    if epochs is not None:
        options = replace(options, epochs=epochs)
    strategy = _start(options)
    cache = {"folder": cache_folder, "bound": cache_bound}
    with held(run.path) if is_chief(strategy) else nullcontext():
        return _resumed(run, options, strategy, data_dir, cache, progress, report, verbose)


def _resumed(run, options, strategy, data_dir, cache, progress, report, verbose) -> RunFolder:
    config = run.config
    if config["model"] == "adapted":
        raise InputError(f"{run.path} was made by adapting a network: there is nothing to go on with")
    found = Checkpoints(run.checkpoints).newest(report)
    # Where all are damaged the run begins again, as it said.
    if not found and run.best_weights.is_file() and not any(run.checkpoints.glob("*.damaged")):
        raise InputError(f"{run.path} has no checkpoint: start a new run with --weights {run.path}")
    # Of a run that was killed while it was made longer the options are the longer one's already.
    planned = (found and found[0].finished and found[0].planned) or run.options.epochs
    longer = options.epochs != planned
    if longer and found:
        _check_can_be_longer(run, options.epochs, planned, *found)
    elif found and found[0].finished:
        report(f"{run.path} is finished: {len(found[0].history)} epochs; nothing to go on with")
        return run
    if is_chief(strategy):
        run.check_writable()
    dataset = run.trained_on(data.load(**run.data_arguments(data_dir)))
    loss = loss_for(options.loss, read_map(run.path / "center_bias.npy"), dataset)
    precision = config["precision"]
    network = _build(options, config["model_options"], precision, strategy)
    given = "backbone_weights" in config["model_options"]  # `fit` trained a network that was there
    if options.weights or given:  # of a frozen backbone, which no checkpoint has
        if found and run.best_weights.is_file():
            models.set_weights(network, run.best_weights)
        elif options.weights:
            set_initial_weights(network, options.weights, initial_network(options.weights))
        elif not found or options.freeze_backbone:
            raise InputError(
                f"{run.path} was stopped in its first epoch, and its network was made in a program, which "
                "alone can begin again: no file has the weights that it began with"
            )
    features = _features(config["cache_features"], network, dataset, options, cache, progress, report)
    written = run if is_chief(strategy) else None
    if longer and written:
        run.write_options(options)
    with naming_undecodable(dataset.samples):
        loop = Loop(network, dataset, loss, options, precision, strategy, written, features, report, verbose)
        if found:
            state = found[0]
            report(f"going on after step {state.step} of epoch {state.epoch + 1} of {options.epochs}")
            loop.restore(*found)
        loop.run()
    return run


def _check_can_be_longer(run, epochs, planned, state, arrays):
    """InputError: a run that is not one of `epochs` epochs cut off, or has kept too little to become one."""
    done = state.epoch + bool(state.step)
    if epochs < done or (state.finished and epochs == done):
        raise InputError(f"{run.path} is in its epoch {done}: epochs must be more, got {epochs}")
    if state.finished and done < planned:
        raise InputError(
            f"{run.path} ended by itself after {done} of {planned} epochs, and so would a longer one: start "
            f"a new run with --weights {run.path}"
        )
    if state.finished and "weights" not in arrays:
        raise InputError(
            f"{run.path} has kept no optimizer to go on with: start a new run with --weights {run.path}"
        )


def fit(
    model: SaliencyModel,
    dataset: Dataset,
    loss: str | keras.losses.Loss = "kld+cc+nss",
    *,
    run: Path | str | None = None,
    features: dict[str, FeatureCache] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    recipe: str = "default",
    report: Callable[[str], None] = print,
    verbose: int | str = "auto",
    **changes: Any,
) -> list[dict[str, float]]:
    """Train a network that is there already; afterwards it has its best weights.

    Args:
        model: any `SaliencyModel`, compiled or not; its own input size and precision count.
        dataset: as `kerasal.data.load` gives it, or made by hand: `kerasal.data.Dataset`.
        loss: a spec, or any Keras loss with one value per image.
        run: a run folder to make; None writes nothing.
        features: split -> cache, for "train" and "validation", to train the head on; see `open_features`.
            One pair serves any number of trainings of networks with the same backbone.
        callbacks: Keras callbacks of your own, called after kerasal's.
        recipe, changes: fields of `TrainingOptions`, except those that the model has settled.

    Returns one dictionary an epoch: loss, its terms, metrics, and the same of the validation split with
    `val_` before. Raises what `train` does, and InputError for a model of another kind.
    """
    check_network(model)
    settled = {"model", "input_size", "precision", "strategy", "weights", "freeze_backbone"}
    settled |= {"backbone_weights", *OF_NETWORK}
    if wrong := sorted(settled & set(changes)):
        raise InputError(f"{', '.join(wrong)}: the model is built, so this is settled; build another model")
    dataset.check_size(model.input_size, model.padded)
    bias = dataset.center_bias(model.output_size, model.padded)
    spec = _name(loss)
    loss = loss_for(loss, bias, dataset)
    if model.name not in models.NETWORKS or "activation" in models.option_names(model.name):
        changes["activation"] = getattr(model, "activation", None) or losses.activation_for(loss)
    options = recipe_options(
        recipe,
        loss=spec,
        model=model.name,
        input_size=model.input_size,
        freeze_backbone=not model.backbone.trainable_variables,
        **changes,
    )
    if features is not None:
        if options.augmentation:
            raise InputError("crop, scale and color change the stimuli: leave out features")
        _check_features(model, dataset, features, options.flip)
    _start(options)
    precision, folder = precision_of(model.head), None
    if run is not None:
        model_options = {k: v for k, v in model.get_config().items() if k not in ("name", "trainable")}
        cached = features is not None
        folder = new_run(run, spec, options, model_options, precision, cached, dataset, None, bias)
    with _at_work(folder, dataset):
        return Loop(
            model, dataset, loss, options, precision, None, folder, features, report, verbose, callbacks
        ).run()


def new_run(
    path, spec, options, model_options, precision, cache_features, dataset, limit, bias, model=None
) -> RunFolder:
    """The folder of a run that begins, of the network `options.model` unless it has another name."""
    config = {
        "loss": spec,
        "model": model or options.model,
        "model_options": model_options,
        "precision": precision,
        "options": options.as_dict(),
        "cache_features": cache_features,
        "data": {**data_entry(dataset), "limit": limit},
    }
    return RunFolder.create(path, config, bias)


@contextmanager
def _at_work(run: RunFolder | None, dataset: Dataset) -> Iterator[None]:
    """A block that trains into a run folder, if there is one; one with nothing to go on from is removed."""
    with held(run.path) if run else nullcontext(), naming_undecodable(dataset.samples):
        try:
            yield
        finally:
            if run and not run.can_go_on:
                shutil.rmtree(run.path, ignore_errors=True)


def _check_features(model, dataset, features, flip):
    if model.backbone.trainable_variables:
        raise InputError("the backbone learns, so its features cannot be kept: leave out features")
    for split in CACHED:
        cache = features.get(split)
        if cache is None:
            raise InputError(f"features must be of the splits {' and '.join(CACHED)}: {split} is missing")
        if cache.count != len(dataset[split]):
            raise InputError(
                f"features of {cache.count} stimuli for a {split} split of {len(dataset[split])}"
            )
    if flip and not features["train"].mirrored:
        raise InputError(
            "flips need the mirrored stimuli's features too: flip=False, or open_features(flip=True)"
        )


def _name(loss):
    """A loss's spec, or the name of one that the spec language cannot say."""
    try:
        return losses.canonical(loss)
    except InputError:
        if isinstance(loss, keras.losses.Loss):
            return loss.name
        raise


def _start(options):
    """What must come before TensorFlow computes anything. Returns the strategy, or None."""
    if options.deterministic:
        tf.config.experimental.enable_op_determinism()
    strategy = make_strategy(options.strategy)
    devices = strategy.num_replicas_in_sync if strategy else 1
    if options.batch_size % devices:
        raise InputError(f"batch_size must be a multiple of the {devices} devices, got {options.batch_size}")
    keras.utils.set_random_seed(options.seed)
    return strategy


def loss_for(spec: str, bias: np.ndarray, dataset: Dataset) -> keras.losses.Loss:
    """The loss of a spec on data with that centre bias. InputError: they have no fixations for it."""
    loss = losses.get(spec, center_bias=bias)
    if getattr(loss, "needs_fixations", False) and not dataset.has_fixations:
        raise InputError(
            f"the loss {_name(loss)} needs fixations and {dataset.name} has density maps alone: "
            "leave out nss and nll, or add the fixations"
        )
    return loss


def _build(options, model_options, precision, strategy):
    with scope(strategy), computing_in(precision):
        weights = "random" if options.weights else options.backbone_weights
        network = models.build(options.model, **{"backbone_weights": weights, **model_options})
        network.backbone.trainable = not options.freeze_backbone
        return network


def _features(wanted, network, dataset, options, cache, progress, report):
    if not wanted or network.backbone.trainable_variables:
        return None  # features of a backbone that learns would soon be wrong
    if options.augmentation:
        report("crop, scale and color show a new stimulus each time: features are not cached")
        return None
    return open_features(network, dataset, flip=options.flip, progress=progress, **cache)
