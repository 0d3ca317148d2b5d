"""Trained networks that come with kerasal, as float16.

python -m kerasal.prediction.shipped RUN TARGET.h5      makes such a file from a run folder

The file holds a dataset for each weight that was trained, named by its layer: the head's and, where VGG-16
learned too, the backbone's, which else is the shipped one. Its attribute `network` says in JSON how the
network is built: model, model_options.
"""

import json
import sys
from pathlib import Path

import h5py
import keras
import numpy as np

from kerasal import models
from kerasal.errors import InputError
from kerasal.models import SaliencyModel
from kerasal.training.precision import computing_in, resolve_precision
from kerasal.training.run_folder import RunFolder, write_atomically
from kerasal.weights import REGISTRY, sha256

# Their names in the registry; the first is the default of `kerasal predict`.
SHIPPED = tuple(name for name, weights in REGISTRY.items() if weights.scores)


def load_shipped(name: str, precision: str = "float32") -> SaliencyModel:
    """The network of that name of `SHIPPED`, computing in `precision` (see `resolve_precision`).

    InputError: the file is damaged.
    """
    weights = REGISTRY[name]
    if not weights.path.is_file() or sha256(weights.path) != weights.sha256:
        raise InputError(f"{weights.path} is damaged (its SHA-256 is not the registry's): reinstall kerasal")
    return read_network(weights.path, precision)


def read_network(path: Path | str, precision: str = "float32") -> SaliencyModel:
    """The network of a file that `write_network` wrote. ValueError: a weight is missing or does not fit."""
    with h5py.File(path) as file:
        network = json.loads(file.attrs["network"])
        options = {**network["model_options"], "input_size": tuple(network["model_options"]["input_size"])}
        has_backbone = any(name.startswith("block") for name in file)
        with computing_in(resolve_precision(precision)[0]):
            model = models.build(
                network["model"], **options, backbone_weights=None if has_backbone else "imagenet"
            )
        for variable in _weights(model, has_backbone):
            if variable.path not in file or file[variable.path].shape != tuple(variable.shape):
                raise ValueError(f"{path} has no {variable.path} of shape {tuple(variable.shape)}")
            variable.assign(file[variable.path][()].astype("float32"))
    return model


def write_network(run: RunFolder, target: Path | str) -> None:
    """Write what a run trained, with its best weights, as float16; the same weights give the same bytes.

    ValueError: a weight that float16 cannot hold.
    """
    config = run.config
    options = config["options"]
    is_shipped = options.get("backbone_weights") == "imagenet" and options.get("freeze_backbone", True)
    model_options = {
        key: value for key, value in config["model_options"].items() if key != "backbone_weights"
    }
    model = run.load_model("float32")

    def write(path: Path) -> None:
        with h5py.File(path, "w") as file:
            file.attrs["network"] = json.dumps({"model": config["model"], "model_options": model_options})
            for variable in _weights(model, with_backbone=not is_shipped):
                array = variable.numpy()
                if np.abs(array).max() > np.finfo("float16").max:
                    raise ValueError(f"{variable.path} does not fit float16")
                file.create_dataset(variable.path, data=array.astype("float16"), track_times=False)

    write_atomically(Path(target), write)


def _weights(model: SaliencyModel, with_backbone: bool) -> list[keras.Variable]:
    return [*model.head.trainable_variables, *(model.backbone.weights if with_backbone else ())]


if __name__ == "__main__":
    write_network(RunFolder.open(sys.argv[1]), sys.argv[2])
