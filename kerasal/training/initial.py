"""The weights that a training begins with, where it goes on from a network that has learned."""

from dataclasses import replace
from pathlib import Path

from kerasal import models
from kerasal.errors import InputError
from kerasal.models import SaliencyModel
from kerasal.training.options import TrainingOptions


def initial_network(weights: str) -> SaliencyModel | None:
    """The network that `weights` names, as `kerasal.prediction.find` takes it, with its weights.

    None for a weights file that lies in no run folder: the network that is to have the weights reads it.
    InputError: nothing of that name, or damaged weights.
    """
    # Here, because a predictor is what training has made, and imports it.
    from kerasal.prediction.predictors import find, is_weights_alone

    if is_weights_alone(weights):
        return None
    network = find(weights).load().predictor
    if not isinstance(network, SaliencyModel):
        raise InputError(f"{weights} is no network: it has no weights to begin with")
    return network


def set_initial_weights(network: SaliencyModel, weights: str, initial: SaliencyModel | None) -> None:
    """Give a network the weights of `initial`, the `initial_network` of `weights`, or those of the file.

    All of them, the backbone's too. InputError: they are those of another network.
    """
    if initial is None:
        models.set_weights(network, weights)
        return
    values = initial.get_weights()
    if type(initial) is not type(network):
        raise InputError(
            f"{weights} is a {initial.name} and the network to train a {network.name}: name its kind with "
            "--model"
        )
    if [array.shape for array in values] != [tuple(weight.shape) for weight in network.weights]:
        raise InputError(f"the weights of {weights} do not fit {network.name} at this input size")
    network.set_weights(values)


def found_from_anywhere(options: TrainingOptions) -> TrainingOptions:
    """The options, with the files of their weights by absolute paths."""
    weights = options.weights and where_it_lies(options.weights)
    backbone = options.backbone_weights
    if backbone not in ("imagenet", "random"):
        backbone = where_it_lies(backbone)
    return replace(options, weights=weights, backbone_weights=backbone)


def where_it_lies(weights: str) -> str:
    """A name as it is, and a path as an absolute one: a run may go on from another folder."""
    path = Path(weights)
    return str(path.absolute()) if path.exists() else weights
