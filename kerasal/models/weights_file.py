"""Whole networks from weights files: the originals' own, and those converted to Keras 3."""

import os
from pathlib import Path

import h5py

from kerasal.errors import InputError
from kerasal.models.base import SaliencyModel
from kerasal.models.sam import SAMVGG, SAMResNet
from kerasal.weights import find_weights, load_theano_weights, open_keras1

REFERENCE_NETWORKS = {"sam-vgg": SAMVGG, "sam-resnet": SAMResNet}


def load_weights_file(weights: Path | str, fidelity: str = "original", **options) -> SaliencyModel:
    """A network with published weights.

    Args:
        weights: the path of an original weights file (HDF5, although it ends in .pkl) or of one that
            `convert_weights` wrote; or a name of `kerasal.weights.PUBLISHED` that was downloaded before.
        fidelity: "original" computes the maps that the original computes with these weights. "keras" pools
            and enlarges where Keras 3 does: other maps from the same weights, by up to 0.7 of the maximum.
        options: of the network's class, such as `input_size`.

    Which network it is the file tells. InputError: no such file, or none of a known network's.
    """
    path = find_weights(weights)
    name = _network_of(path)
    network = REFERENCE_NETWORKS[name](fidelity=fidelity, backbone_weights="random", **options)
    set_weights(network, path)
    return network


def set_weights(network: SaliencyModel, weights: Path | str) -> None:
    """Give a network the weights of a file, as `load_weights_file` takes it. InputError: they do not fit."""
    path = find_weights(weights)
    if _is_keras3(path):
        try:
            network.load_weights(path)
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"cannot load {path}: {' '.join(str(error).split())}") from None
    elif hasattr(network, "reference_layers"):
        load_theano_weights(network.reference_layers(), path)
    else:
        raise InputError(f"{path} is no .weights.h5 file, and no original of {network.name} is known")


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
    network = load_weights_file(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial.weights.h5")
    try:
        network.save_weights(partial)
        with h5py.File(partial, "a") as file:
            file.attrs["kerasal_model"] = network.name
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    return network.name


def _network_of(path):
    """The name of the network that a file belongs to."""
    if _is_keras3(path):
        with h5py.File(path) as file:
            name = str(file.attrs.get("kerasal_model", ""))
        if name not in REFERENCE_NETWORKS:
            raise InputError(
                f"{path} does not say which network it belongs to: it was not converted by kerasal"
            )
        return name
    with open_keras1(path) as layers:
        counts = {len(network.REFERENCE_LAYERS): name for name, network in REFERENCE_NETWORKS.items()}
        if len(layers) not in counts:
            known = ", ".join(f"{name} {count}" for count, name in counts.items())
            raise InputError(f"{path} has {len(layers)} layers with weights; known networks: {known}")
        return counts[len(layers)]


def _is_keras3(path):
    return h5py.is_hdf5(path) and path.name.endswith(".weights.h5")
