"""Trained networks that come with kerasal.

python -m kerasal.prediction.shipped RUN TARGET.h5      makes such a file from a run folder

The file holds a dataset for each weight of the head, named by its layer, as float16. Where the backbone
learned too, biases are float16 and kernels 8 bits: the head's, and what the backbone's differ by from the
shipped ones, which is finer than float16. Its attribute `network` says in JSON how the network is built:
model and model_options.
"""

import json
import sys
from pathlib import Path

import h5py
import keras
import numpy as np

from kerasal import models
from kerasal._files import write_hdf5
from kerasal.errors import InputError
from kerasal.models import SaliencyModel
from kerasal.training.precision import computing_in, resolve_precision
from kerasal.training.run_folder import RunFolder
from kerasal.weights import REGISTRY

STEPS = "steps"  # attribute of a kernel in 8 bits: the step of each filter


def load_shipped(name: str, precision: str = "float32") -> SaliencyModel:
    """The network of a name of `kerasal.weights.SHIPPED`, computing in `precision`: see `resolve_precision`.

    InputError: the file is damaged.
    """
    return read_network(REGISTRY[name].whole(), precision)


def read_network(path: Path | str, precision: str = "float32") -> SaliencyModel:
    """The network of a file that `write_network` wrote. ValueError: a weight is missing or does not fit."""
    with h5py.File(path) as file:
        network = json.loads(file.attrs["network"])
        options = {**network["model_options"], "input_size": tuple(network["model_options"]["input_size"])}
        with computing_in(resolve_precision(precision)[0]):
            model = models.build(network["model"], **options, backbone_weights="imagenet")
        learned = any(variable.path in file for variable in model.backbone.weights)
        for variable in _weights(model, with_backbone=learned):
            if variable.path not in file or file[variable.path].shape != tuple(variable.shape):
                raise ValueError(f"{path} has no {variable.path} of shape {tuple(variable.shape)}")
            dataset = file[variable.path]
            array = dataset[()].astype("float32")
            if STEPS in dataset.attrs:
                array = array * dataset.attrs[STEPS]
                if any(variable is weight for weight in model.backbone.weights):
                    array += variable.numpy()
            variable.assign(array)
    return model


def write_network(run: RunFolder, target: Path | str) -> None:
    """Write what a run trained, with its best weights; the same weights give the same bytes.

    InputError: a run whose backbone did not start as the shipped one, or is that of another run. ValueError:
    a weight that float16 cannot hold.
    """
    config = run.config
    options = config["options"]
    learned = not options.get("freeze_backbone", True)
    if options.get("backbone_weights") != "imagenet" or (options.get("weights") and not learned):
        raise InputError(
            f"{run.path} did not start from a shipped backbone: its weights alone are no network"
        )
    model_options = {
        key: value for key, value in config["model_options"].items() if key != "backbone_weights"
    }
    model = run.load_model("float32")
    shipped = {}
    if learned:
        start = models.build(config["model"], **model_options, backbone_weights="imagenet").backbone
        shipped = {variable.path: variable.numpy() for variable in start.weights}

    def fill(file: h5py.File) -> None:
        file.attrs["network"] = json.dumps({"model": config["model"], "model_options": model_options})
        for variable in _weights(model, with_backbone=learned):
            array = variable.numpy()
            if array.ndim == 4 and learned:
                _write_in_8_bits(file, variable.path, array - shipped.get(variable.path, 0))
                continue
            if np.abs(array).max() > np.finfo("float16").max:
                raise ValueError(f"{variable.path} does not fit float16")
            file.create_dataset(variable.path, data=array.astype("float16"), track_times=False)

    write_hdf5(Path(target), fill)


def _write_in_8_bits(file: h5py.File, path: str, kernel: np.ndarray) -> None:
    """A kernel in whole steps of its filters, from -127 to 127."""
    steps = (np.abs(kernel).max(axis=(0, 1, 2)) / 127).astype("float32")
    steps[steps == 0] = 1.0
    whole = np.round(kernel / steps).astype("int8")
    file.create_dataset(path, data=whole, compression="gzip", track_times=False).attrs[STEPS] = steps


def _weights(model: SaliencyModel, with_backbone: bool) -> list[keras.Variable]:
    return [*model.head.trainable_variables, *(model.backbone.weights if with_backbone else ())]


if __name__ == "__main__":
    write_network(RunFolder.open(sys.argv[1]), sys.argv[2])
