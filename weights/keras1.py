"""Weights of networks that were trained with Keras 1 on Theano: HDF5 files, whatever they end in."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import h5py
import keras
import numpy as np

from kerasal.errors import InputError, reading
from kerasal.weights.stored import StoredLayer, check_shapes, existing


def load_theano_weights(layers: Sequence[keras.layers.Layer], path: Path | str) -> None:
    """Set layers from a file of Keras 1.1's `save_weights` on Theano, by order and not by name.

    The file's k-th layer that has weights goes to the k-th of `layers`. Convolution kernels are stored as
    (out, in, rows, columns) and rotated by 180 degrees, since Theano convolves where Keras 3 correlates. All
    shapes and values are checked before the first weight is set.

    InputError: a file that is not HDF5 (a pickle is never opened) or is cut off, another number of layers,
    an array of another shape or with values that are not finite, by name.
    """
    with open_keras1(path) as groups:
        if len(groups) != len(layers):
            raise InputError(
                f"{path} has {len(groups)} layers with weights and the network has {len(layers)}: "
                "it belongs to another network"
            )
        stored = [StoredLayer(layer, flipped=True) for layer in layers]
        converted = []
        for layer, (name, datasets) in zip(stored, groups, strict=True):
            where = f"{path}: {name}"
            check_shapes([dataset.shape for dataset in datasets], layer, where)
            converted.append(layer.convert([dataset[()] for dataset in datasets], where))
    for layer, arrays in zip(stored, converted, strict=True):
        layer.set(arrays)


@contextlib.contextmanager
def open_keras1(path: Path | str) -> Iterator[list[tuple[str, list[h5py.Dataset]]]]:
    """The layers that have weights, in order, each with its name and its arrays, not read yet.

    Such a file has an attribute `layer_names`, and for each layer a group with an attribute `weight_names`;
    all of it may lie in a group `model_weights`. InputError: it has not, or is no HDF5 file.
    """
    path = existing(path)
    with open(path, "rb") as file:
        start = file.read(8)
    if start != b"\x89HDF\r\n\x1a\n":
        is_pickle = start[:1] == b"\x80"
        pickled = ", but a Python pickle, which could run any program and is not opened" * is_pickle
        raise InputError(f"{path} is not an HDF5 file of Keras weights{pickled}")
    with reading(f"{path} is damaged"), h5py.File(path, "r") as file:
        nested = "layer_names" not in file.attrs and _is_own(file, "model_weights")
        root = file["model_weights"] if nested else file
        layers = [(name, _datasets(root, name, path)) for name in _names(root, "layer_names", path)]
        yield [(name, datasets) for name, datasets in layers if datasets]


def _datasets(root, layer, path):
    if not _is_own(root, layer) or not isinstance(root[layer], h5py.Group):
        raise InputError(f"{path} has no group {layer}, which its layer_names lists")
    group, datasets = root[layer], []
    for name in _names(group, "weight_names", f"{path}: {layer}"):
        dataset = group[name] if _is_own(group, name) else None
        if not isinstance(dataset, h5py.Dataset):
            raise InputError(f"{path}: {layer} has no array {name}, which its weight_names lists")
        if dataset.dtype.kind != "f" or dataset.is_virtual or dataset.external:
            raise InputError(f"{path}: {layer} {name} holds no floating-point numbers of its own")
        datasets.append(dataset)
    return datasets


def _is_own(group, name):
    """Whether a name leads to something in this very file: links may lead to others."""
    for part in name.strip("/").split("/"):
        if not isinstance(group, h5py.Group) or not isinstance(group.get(part, getlink=True), h5py.HardLink):
            return False
        group = group[part]
    return True


def _names(group, attribute, where):
    if attribute not in group.attrs:
        raise InputError(f"{where} has no attribute {attribute}: these are not weights saved by Keras 1")
    names = np.ravel(group.attrs[attribute]).tolist()
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]
