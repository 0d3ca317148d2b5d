"""Saliency networks: Keras models from RGB stimuli of any size to saliency maps."""

import inspect
from collections.abc import Mapping
from typing import Any

from kerasal._json import shown
from kerasal.errors import InputError, one_line
from kerasal.models.adapted import Adapted
from kerasal.models.backbones import BACKBONES, Backbone, find_backbone
from kerasal.models.base import SaliencyModel, check_input_size, scale_to_peak
from kerasal.models.baseline import Baseline, Light
from kerasal.models.deepconvnet import DeepConvNet
from kerasal.models.mlnet import MLNet
from kerasal.models.padded import PaddedSaliencyModel
from kerasal.models.salgan import SalGAN, SalGANDiscriminator
from kerasal.models.sam import SAMVGG, SAMResNet
from kerasal.models.shallownet import ShallowNet
from kerasal.models.table import NETWORKS, NetworkInfo
from kerasal.models.vgg16 import vgg16
from kerasal.models.weights_file import convert_weights, load_keras3, load_weights_file, set_weights

__all__ = [
    "BACKBONES",
    "NETWORKS",
    "SAMVGG",
    "Adapted",
    "Backbone",
    "Baseline",
    "DeepConvNet",
    "Light",
    "MLNet",
    "NetworkInfo",
    "PaddedSaliencyModel",
    "SAMResNet",
    "SalGAN",
    "SalGANDiscriminator",
    "SaliencyModel",
    "ShallowNet",
    "build",
    "check_input_size",
    "convert_weights",
    "load_keras3",
    "load_weights_file",
    "network_class",
    "option_names",
    "scale_to_peak",
    "set_weights",
    "shipped_backbone",
    "vgg16",
]


def __dir__() -> list[str]:
    return sorted(__all__)


def network_class(name: str) -> type[SaliencyModel]:
    """The class of the network of that name. InputError: an unknown name."""
    if name == "adapted":  # made of one of the others, and never trained by itself
        return Adapted
    if not isinstance(name, str) or name not in NETWORKS:
        raise InputError(f"unknown model {shown(name)}: one of {', '.join(NETWORKS)}")
    return NETWORKS[name].network_class


for _name in NETWORKS:
    network_class(_name)  # imported, it is registered with Keras: saved models load


def option_names(name: str) -> set[str]:
    """The options that `build` takes for the network of that name. InputError: an unknown name."""
    classes = network_class(name).__mro__
    own = classes[: classes.index(SaliencyModel)]
    makers = [vars(cls)["__init__"] for cls in own if "__init__" in vars(cls)]
    return {option for maker in makers for option in inspect.signature(maker).parameters}


def shipped_backbone(name: str, options: Mapping[str, Any]) -> str | None:
    """The name in `kerasal.weights.REGISTRY` of what a network with such options takes for "imagenet".

    None where no such weights ship. InputError: an unknown name.
    """
    if base := options.get("base_model"):
        return shipped_backbone(base, options["base_options"])
    backbone = options.get("backbone") or network_class(name).default_backbone
    return backbone and find_backbone(backbone).weights


def build(name: str, **options: Any) -> SaliencyModel:
    """The network of that name, with the options of its class. InputError: an unknown name or option."""
    network = network_class(name)
    if unknown := sorted(set(options) - option_names(name)):
        raise InputError(f"model {name} has no option {unknown[0]}")
    if "input_size" in options:
        check_input_size(options["input_size"])
    try:
        return network(**options)
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError(f"model {name}: {one_line(error)}") from error
