"""Trained networks that come with kerasal: the head's weights as float16, over the shipped backbone.

python -m kerasal.prediction.shipped RUN TARGET.h5      makes such a file from a run folder

The file holds a dataset for each weight of the head, named by its layer, and as the attribute `network` in
JSON how the network is built: model, model_options.
"""

import json
import sys
from pathlib import Path

import h5py
import numpy as np

from kerasal import models
from kerasal.errors import InputError
from kerasal.models import SaliencyModel
from kerasal.training.precision import DEFAULT_PRECISION, computing_in, resolve_precision
from kerasal.training.run_folder import RunFolder, write_atomically
from kerasal.weights import REGISTRY, sha256

# Their names in the registry; the first is the default of `kerasal predict`.
SHIPPED = tuple(name for name, weights in REGISTRY.items() if weights.scores)


def load_shipped(name: str, precision: str | None = None) -> SaliencyModel:
    """The network of that name of `SHIPPED`, computing in `precision` (see `resolve_precision`).

    InputError: the file is damaged.
    """
    weights = REGISTRY[name]
    if not weights.path.is_file() or sha256(weights.path) != weights.sha256:
        raise InputError(f"{weights.path} is damaged (its SHA-256 is not the registry's): reinstall kerasal")
    return read_network(weights.path, precision or DEFAULT_PRECISION)


def read_network(path: Path | str, precision: str = DEFAULT_PRECISION) -> SaliencyModel:
    """The network of a file that `write_head` wrote. ValueError: a weight is missing or does not fit."""
    with h5py.File(path) as file:
        network = json.loads(file.attrs["network"])
        options = {**network["model_options"], "input_size": tuple(network["model_options"]["input_size"])}
        with computing_in(resolve_precision(precision)[0]):
            model = models.build(network["model"], **options, backbone_weights="imagenet")
        for variable in model.head.trainable_variables:
            if variable.path not in file or file[variable.path].shape != tuple(variable.shape):
                raise ValueError(f"{path} has no {variable.path} of shape {tuple(variable.shape)}")
            variable.assign(file[variable.path][()].astype("float32"))
    return model


def write_head(run: RunFolder, target: Path | str) -> None:
    """Write the head of a run's best weights as float16; the same weights give the same bytes.

    InputError: a run whose backbone is not the shipped one. ValueError: a weight that float16 cannot hold.
    """
    config = run.config
    options = config["options"]
    if options.get("backbone_weights") != "imagenet" or not options.get("freeze_backbone", True):
        raise InputError(f"{run.path} has a backbone of its own: the head alone is no network")
    model_options = {
        key: value for key, value in config["model_options"].items() if key != "backbone_weights"
    }
    model = run.load_model("float32")

    def write(path: Path) -> None:
        with h5py.File(path, "w") as file:
            file.attrs["network"] = json.dumps({"model": config["model"], "model_options": model_options})
            for variable in model.head.trainable_variables:
                array = variable.numpy()
                if np.abs(array).max() > np.finfo("float16").max:
                    raise ValueError(f"{variable.path} does not fit float16")
                file.create_dataset(variable.path, data=array.astype("float16"), track_times=False)

    write_atomically(Path(target), write)


if __name__ == "__main__":
    write_head(RunFolder.open(sys.argv[1]), sys.argv[2])
