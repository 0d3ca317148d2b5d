"""Fitting a trained network to another data set by ten numbers, from few images."""

import math
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from scipy.optimize import minimize

from kerasal import losses, models
from kerasal._progress import Progress
from kerasal.data.pipeline import batches
from kerasal.data.sample import Dataset
from kerasal.errors import InputError
from kerasal.models import Adapted, SaliencyModel
from kerasal.models.base import resize_maps
from kerasal.training.features import FeatureCache
from kerasal.training.fit import loss_for, new_run
from kerasal.training.initial import where_it_lies
from kerasal.training.options import TrainingOptions
from kerasal.training.run_folder import NewPath, RunFolder

SCALES = (0.75, 1.0, 4 / 3)  # of the network's input
MULTIPLE = 8  # sides of the input are whole multiples of it, and of the network's own
STEPS = 60  # of L-BFGS; it converges before
BATCH = 10
HELD = 2**31  # bytes of maps and targets that are kept between steps; more are read anew in each


def adapt(
    base: SaliencyModel,
    dataset: Dataset,
    run_path: NewPath,
    *,
    loss: str = "kld+cc+nss",
    limit: int | None = None,
    weights: str | None = None,
    progress: Progress = lambda items, _: items,
    report: Callable[[str], None] = print,
) -> RunFolder:
    """Fit a network to the dataset's training split by the numbers of `kerasal.models.Adapted`.

    Nine numbers are fitted by L-BFGS, to the mean loss over all training images, for each size of the input:
    about 0.75, 1 and 4/3 times the network's own, where its weights fit. That with the lowest loss stays, of
    maps brought to the network's own size: at others a loss has other values. Of a mixture with weights each
    set counts as much as an epoch draws of it. The validation split plays no part: so few numbers need none.

    Args:
        base: a network of `kerasal.models.NETWORKS` with its weights, whose maps have one size; it is left
            as it is.
        weights: what `base` was found by, to be written down with what that had learned from.
        run_path, loss, limit, progress, report: as for `kerasal.training.train`.

    Returns the run folder, whose network is predicted with, evaluated and exported like any other.
    InputError: a network of another kind, no training images, a loss that the data do not allow, an existing
    run folder.
    """
    if not callable(run_path):
        RunFolder.check_free(Path(run_path))
    able = [name for name in models.NETWORKS if models.network_class(name).fixed_size]
    if base.name not in able:
        raise InputError(f"{base.name} cannot be adapted: it is none of {', '.join(able)}")
    without = ("name", "trainable", "backbone_weights")
    options = {key: value for key, value in base.get_config().items() if key not in without}
    dataset.check_size(scaled(base, max(SCALES)), base.padded)
    best = None
    for size in dict.fromkeys(scaled(base, scale) for scale in SCALES):
        network = Adapted(base.name, {**options, "input_size": size})
        if [weight.shape for weight in network.base.weights] != [weight.shape for weight in base.weights]:
            continue  # as ML-Net's prior, which is of one size
        network.base.set_weights(base.get_weights())
        value = _fit(network, dataset, loss, base.output_size, progress)
        report(f"at {size[0]}x{size[1]}: loss {value:.4f}")
        if best is None or value < best[0]:
            best = value, network
    network = best[1]
    size = network.input_size
    spec, weights = losses.canonical(loss), weights and where_it_lies(weights)
    training = TrainingOptions(loss=spec, model=base.name, input_size=size, weights=weights)
    own = {"base_model": base.name, "base_options": {**options, "input_size": list(size)}}
    bias = dataset.center_bias(network.output_size, network.padded)
    run = new_run(run_path, spec, training, own, "float32", True, dataset, limit, bias, network.name)
    run.save_weights(network, run.best_weights)
    return run


def scaled(base: SaliencyModel, scale: float) -> tuple[int, int]:
    """A size of the input, (rows, columns), about so many times the network's own, that it takes."""
    multiple = math.lcm(MULTIPLE, base.side_multiple)
    return tuple(
        max(multiple * round(scale * side / multiple), base.smallest_side) for side in base.input_size
    )


def _fit(network, dataset, spec, size, progress):
    """Give the network's head its numbers; returns the mean loss that they reach, of maps at `size`."""
    samples, own_size = dataset["train"], network.output_size
    loss, loss_at_size = (
        loss_for(spec, dataset.center_bias(one, network.padded), dataset) for one in (own_size, size)
    )
    cache = FeatureCache.open(network, samples, progress=progress)
    draws = dataset.draws or [(len(samples), len(samples))]
    shares = np.repeat([drawn / count for count, drawn in draws], [count for count, _ in draws])
    shares = tf.data.Dataset.from_tensor_slices(shares.astype("float32")).batch(BATCH)

    def read(size):
        data = batches(samples, size, BATCH, reader=cache.reader(), padded=network.padded)
        return tf.data.Dataset.zip((data, shares))

    data = read(own_size)
    if len(samples) * math.prod(own_size) * 3 * 4 <= HELD:
        data = list(data)
    variables = network.head.trainable_variables
    sizes = [int(np.prod(variable.shape)) for variable in variables]

    @tf.function
    def value_and_gradient(maps, y_true, share):
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(share * loss.call(y_true, network.head(maps)))
        return value, tape.gradient(value, variables)

    def objective(numbers):
        _assign(variables, sizes, numbers)
        total, slope = 0.0, np.zeros(len(numbers))
        for (maps, y_true), share in data:
            value, gradient = value_and_gradient(maps, y_true, share)
            total += float(value)
            slope += np.concatenate([part.numpy() for part in gradient])
        return total / len(samples), slope / len(samples)

    start = np.zeros(sum(sizes))
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    _assign(variables, sizes, found.x)
    total = 0.0
    for (maps, y_true), share in read(size):
        values = loss_at_size.call(y_true, resize_maps(network.head(maps), size))
        total += float(tf.reduce_sum(share * values))
    return total / len(samples)


def _assign(variables: list[keras.Variable], sizes: list[int], numbers: np.ndarray) -> None:
    for variable, part in zip(variables, np.split(numbers, np.cumsum(sizes)[:-1]), strict=True):
        variable.assign(part.astype("float32"))
