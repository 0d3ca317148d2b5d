"""Training a saliency network: options and a dataset in, a run folder out."""

import shutil
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from kerasal import losses, metrics, models
from kerasal.data.pipeline import batches
from kerasal.data.sample import Dataset, center_bias, fingerprint, report_merged
from kerasal.errors import InputError
from kerasal.training.callbacks import KeepInterrupt, SaveBest, SaveLast, StopOnCollapse
from kerasal.training.features import FeatureCache, Progress
from kerasal.training.options import TrainingOptions
from kerasal.training.run_folder import RunFolder


def train(
    dataset: Dataset,
    options: TrainingOptions,
    run_path: Path | str,
    *,
    cache_features: bool = True,
    cache_folder: Path | None = None,
    progress: Progress = lambda items, _: items,
    report: Callable[[str], None] = print,
    verbose: int | str = "auto",
) -> RunFolder:
    """Train a network on the dataset's training split, watch its validation split, keep the best weights.

    Args:
        run_path: the run folder to make.
        cache_features: compute the frozen backbone's features once instead of in every step.
        cache_folder: where they are kept between runs; None keeps them in memory for this run.
        progress: shows how far the computation of features is.
        report: takes a line that the user should read.
        verbose: Keras's: 0 silent, 1 a bar, 2 a line an epoch, "auto".

    If training fails or is interrupted before the first epoch's end, the run folder is removed; after
    it, the best weights yet stay. InputError: a loss that needs fixations on data without them, an
    unknown loss or model, an existing run folder, a full disk.
    """
    network_class = models.network_class(options.model)
    map_size = network_class.map_size(options.input_size)
    bias = center_bias(dataset["train"], map_size, network_class.padded)
    loss = losses.get(options.loss, center_bias=bias)
    if loss.needs_fixations and not dataset.has_fixations:
        raise InputError(
            f"the loss {losses.canonical(loss)} needs fixations and {dataset.name} has density maps alone: "
            "leave out nss and nll, or add the fixations"
        )
    keras.utils.set_random_seed(options.seed)
    model_options = {
        "input_size": options.input_size,
        "activation": options.activation or losses.activation_for(loss),
        "dropout": options.dropout,
        "feature_dropout": options.feature_dropout,
        "initial_density": float(np.clip(bias.mean(), 1e-3, 0.5)),
    }
    known = models.option_names(options.model)
    model_options = {name: value for name, value in model_options.items() if name in known}
    network = models.build(
        options.model,
        backbone_weights="random" if options.weights else options.backbone_weights,
        **model_options,
    )
    if options.weights:
        models.set_weights(network, options.weights)
    network.backbone.trainable = not options.freeze_backbone
    # A backbone that learns has other features after each step.
    cache_features = cache_features and options.freeze_backbone
    report(report_merged(dataset.samples, map_size))
    run = RunFolder.create(run_path)
    try:
        run.write_array("center_bias.npy", bias)
        run.write_config(
            {
                "loss": losses.canonical(loss),
                "model": options.model,
                "model_options": model_options,
                "options": options.as_dict(),
                "cache_features": cache_features,
                "data": {
                    "arguments": dataset.arguments,
                    "description": dataset.description,
                    "licence": dataset.licence,
                    "fingerprint": fingerprint(dataset.samples),
                    **{split: len(samples) for split, samples in dataset.splits.items()},
                },
            }
        )
        _fit(run, network, loss, dataset, options, cache_features, cache_folder, progress, report, verbose)
    finally:
        if not run.best_weights.is_file():
            shutil.rmtree(run.path, ignore_errors=True)
    return run


def _fit(run, network, loss, dataset, options, cache_features, cache_folder, progress, report, verbose):
    size, form = network.output_size, {"input_size": network.input_size, "padded": network.padded}
    trained, readers = network, {"train": None, "validation": None}
    if cache_features:
        trained = network.head  # its weights are the network's own
        readers = {
            split: FeatureCache.open(
                network,
                dataset[split],
                mirrored=options.flip and split == "train",
                folder=cache_folder,
                progress=progress,
            ).reader()
            for split in readers
        }
    training = batches(
        dataset["train"],
        size,
        options.batch_size,
        **form,
        reader=readers["train"],
        epochs=options.epochs,
        seed=options.seed,
        flip=options.flip,
    )
    validation = batches(
        dataset["validation"], size, options.batch_size, **form, reader=readers["validation"]
    )
    steps = -(-len(dataset["train"]) // options.batch_size)
    optimizer = make_optimizer(options, steps * options.epochs)
    watched = [metrics.CC(), metrics.NSS()] if dataset.has_fixations else [metrics.CC()]
    # XLA's convolutions are slower than oneDNN's on a CPU.
    jit = "auto" if tf.config.list_physical_devices("GPU") else False
    trained.compile(
        optimizer=optimizer, loss=loss, metrics=[*watched, *losses.term_metrics(loss)], jit_compile=jit
    )
    callbacks = [
        keras.callbacks.TerminateOnNaN(),
        SaveLast(run, network),
        # From here on the callbacks see the averaged weights, as validation does.
        *([keras.callbacks.SwapEMAWeights(swap_on_epoch=True)] if options.ema else []),
        SaveBest(run, network),
        StopOnCollapse(validation, report),
        keras.callbacks.CSVLogger(run.path / "history.csv"),
        keras.callbacks.TensorBoard(run.path / "tensorboard", write_graph=False),
    ]
    if options.patience:
        callbacks.append(keras.callbacks.EarlyStopping(patience=options.patience, verbose=0))
    with KeepInterrupt() as keep_interrupt:
        trained.fit(
            training,
            validation_data=validation,
            epochs=options.epochs,
            steps_per_epoch=steps,
            shuffle=False,  # the pipeline shuffles
            callbacks=[keep_interrupt, *callbacks],
            verbose=verbose,
        )
    if not run.best_weights.is_file():
        raise InputError(
            f"the validation loss was never finite with a learning rate of {options.learning_rate:g}: "
            "try a lower one"
        )


def make_optimizer(options: TrainingOptions, steps: int) -> keras.optimizers.Optimizer:
    """Keras's optimizer for the options; `steps` is the length of the learning rate's decay."""
    rate = options.learning_rate
    if options.decay == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, decay_steps=steps)
    make = {
        "sgd": keras.optimizers.SGD,
        "adam": keras.optimizers.Adam,
        "adamw": keras.optimizers.AdamW,
        "rmsprop": keras.optimizers.RMSprop,
    }[options.optimizer]
    return make(
        learning_rate=rate,
        weight_decay=options.weight_decay,
        use_ema=bool(options.ema),
        ema_momentum=options.ema or 0.99,
    )
