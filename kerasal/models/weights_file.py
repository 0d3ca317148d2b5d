"""Whole networks from weights files: the originals' own, and those converted to Keras 3."""

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import h5py
import keras
import numpy as np

from kerasal._files import make_folder, write_encoded
from kerasal.errors import InputError, one_line, reading
from kerasal.models.base import SaliencyModel
from kerasal.models.table import HELPERS, NETWORKS
from kerasal.weights import find_weights, is_npz, lasagne_shapes, open_keras1


def load_weights_file(weights: Path | str, **options) -> SaliencyModel:
    """A network with published weights.

    Args:
        weights: the path of an original weights file or of one that `convert_weights` wrote; or a name of
            `kerasal.weights.PUBLISHED` that was downloaded before. Original files are Keras 1's (HDF5,
            although they end in .pkl), Lasagne's arrays (.npz) or Caffe's (.caffemodel).
        options: of the network's class, such as `input_size`, or SAM's `fidelity`: "keras" pools and enlarges
            where Keras 3 does, and gives other maps from the same weights, by up to 0.7 of the maximum.

    Which network it is the file tells. InputError: no such file, or none of a known saliency network's.
    """
    network = _load(find_weights(weights), **options)
    if not isinstance(network, SaliencyModel):
        raise InputError(f"{weights} is a {network.name}'s: it predicts no saliency maps")
    return network


def set_weights(network: keras.Model, weights: Path | str) -> None:
    """Give a network the weights of a file, as `load_weights_file` takes it. InputError: they do not fit."""
    path = find_weights(weights)
    if _is_keras3(path):
        load_keras3(network, path)
    elif path.name.endswith(".weights.h5"):
        raise InputError(f"{path} is not a readable HDF5 file of weights")
    elif hasattr(network, "load_original") and getattr(network, "REFERENCE_LAYERS", True):
        network.load_original(path)
        if names := not_finite(network.variables):
            raise InputError(f"cannot load {path}: {names} has values that are not finite")
    else:
        raise InputError(f"{path} is no .weights.h5 file, and no original of {network.name} is known")


def load_keras3(network: keras.Model, path: Path) -> None:
    """Set all weights of a network from a file that Keras itself reads, such as .weights.h5, or none.

    Keras itself leaves weights as they are, with a warning or without, whose group a damaged file has lost.
    InputError: damaged, of another network, or with weights that are missing or not finite.
    """
    before = network.get_weights()
    # What the file does not set will still be NaN. NumPy has no kind for bfloat16: "V".
    network.set_weights([np.full_like(w, np.nan) if w.dtype.kind in "fV" else w for w in before])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network.load_weights(path)
        if names := not_finite(network.variables):
            raise ValueError(f"{names} is missing, or has values that are not finite")
    except Exception as error:  # damaged bytes make h5py raise whatever it comes to
        network.set_weights(before)
        raise InputError(f"cannot load {path}: {one_line(error)}") from None


def convert_weights(source: Path | str, target: Path | str) -> str:
    """Write an original weights file as a Keras 3 file; returns the name of the network that it belongs to.

    The file's attribute `kerasal_model` holds that name. It appears whole or not at all. InputError: as
    `load_weights_file`, a target that does not end in .weights.h5, or one that is there already.
    """
    target = Path(target)
    if not target.name.endswith(".weights.h5"):
        raise InputError(f"{target} must end in .weights.h5, as Keras 3 wants it")
    if target.exists():
        raise InputError(f"{target} is there already: name another file, or remove it")
    network = _load(find_weights(source))
    make_folder(target.parent)
    write_weights(network, target, kerasal_model=network.name)
    return network.name


def write_weights(network: keras.Model, path: Path, **attributes: str) -> Path:
    """Write a network's weights as a .weights.h5 file, at once or not at all, with attributes of the file.

    HDF5 works in memory: on a disk that fills its library ends the process. InputError: it cannot be written;
    a weight that is not finite.
    """
    if names := not_finite(network.variables):
        raise InputError(f"{path} is not written: {names} has values that are not finite")

    def encode(stream: BinaryIO) -> None:
        network.save_weights(stream)
        with h5py.File(stream, "a") as file:
            file.attrs.update(attributes)

    return write_encoded(path, encode, _WeightsInMemory)


def not_finite(variables: Sequence[keras.Variable]) -> str:
    """The path of the first variable with a value that is not finite, and how many more; "" where all are."""
    names = [
        variable.path
        for variable in variables
        if not np.isfinite(keras.ops.convert_to_numpy(variable).astype("float32")).all()
    ]
    return f"{names[0]} (and {len(names) - 1} more)" if len(names) > 1 else "".join(names)


class _WeightsInMemory(io.BytesIO):
    """A stream that Keras takes for a file: it asks how the name ends."""

    def __str__(self) -> str:
        return "memory.weights.h5"


def _load(path, **options):
    name = _network_of(path)
    if name in NETWORKS:
        options["backbone_weights"] = "random"
    network = _readable()[name].network_class(**options)
    set_weights(network, path)
    return network


def _network_of(path):
    """The name of the network that a file belongs to."""
    if _is_keras3(path):
        with reading(f"{path} is damaged"), h5py.File(path) as file:
            name = str(file.attrs.get("kerasal_model", ""))
        if name not in _readable():
            raise InputError(
                f"{path} does not say which network it belongs to: it was not converted by kerasal, and lies "
                "in no run folder"
            )
        return name
    if path.name.endswith(".caffemodel"):
        return _known(path, 1, "networks", "caffe")
    if is_npz(path):
        return _known(path, len(lasagne_shapes(path)), "arrays", "lasagne")
    with open_keras1(path) as layers:
        return _known(path, len(layers), "layers with weights", "keras-1")


def _known(path, count, what, format):
    numbers = {name: info.original[1] for name, info in _readable().items() if info.original[0] == format}
    for name, number in numbers.items():
        if number == count:
            return name
    known = ", ".join(f"{name} {number}" for name, number in numbers.items())
    raise InputError(f"{path} has {count} {what}; known networks: {known}")


def _readable():
    """The networks whose original files are known, by name."""
    return {name: info for name, info in (NETWORKS | HELPERS).items() if info.original}


def _is_keras3(path):
    return h5py.is_hdf5(path) and path.name.endswith(".weights.h5")
