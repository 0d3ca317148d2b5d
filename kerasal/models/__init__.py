"""Saliency networks: Keras models from RGB stimuli of any size to saliency maps."""

import inspect

from kerasal.errors import InputError
from kerasal.models.base import SaliencyModel, scale_to_peak
from kerasal.models.baseline import Baseline
from kerasal.models.deepconvnet import DeepConvNet
from kerasal.models.mlnet import MLNet
from kerasal.models.padded import PaddedSaliencyModel
from kerasal.models.salgan import SalGAN, SalGANDiscriminator
from kerasal.models.sam import SAMVGG, SAMResNet
from kerasal.models.shallownet import ShallowNet
from kerasal.models.table import NETWORKS, NetworkInfo
from kerasal.models.vgg16 import vgg16
from kerasal.models.weights_file import convert_weights, load_weights_file, set_weights

__all__ = [
    "MODELS",
    "NETWORKS",
    "SAMVGG",
    "Baseline",
    "DeepConvNet",
    "MLNet",
    "NetworkInfo",
    "PaddedSaliencyModel",
    "SAMResNet",
    "SalGAN",
    "SalGANDiscriminator",
    "SaliencyModel",
    "ShallowNet",
    "build",
    "convert_weights",
    "load_weights_file",
    "network_class",
    "option_names",
    "scale_to_peak",
    "set_weights",
    "vgg16",
]

# The names of the command line's --model.
MODELS: dict[str, type[SaliencyModel]] = {
    "baseline": Baseline,
    "sam-vgg": SAMVGG,
    "sam-resnet": SAMResNet,
    "salgan": SalGAN,
    "mlnet": MLNet,
    "deepconvnet": DeepConvNet,
    "shallownet": ShallowNet,
}


def network_class(name: str) -> type[SaliencyModel]:
    """The class of the network of that name. InputError: an unknown name."""
    if name not in MODELS:
        raise InputError(f"unknown model {name!r}: one of {', '.join(MODELS)}")
    return MODELS[name]


def option_names(name: str) -> set[str]:
    """The options that `build` takes for the network of that name. InputError: an unknown name."""
    classes = network_class(name).__mro__
    own = classes[: classes.index(SaliencyModel)]
    return {option for cls in own for option in inspect.signature(cls.__init__).parameters}


def build(name: str, **options) -> SaliencyModel:
    """The network of that name, with the options of its class. InputError: an unknown name or value."""
    try:
        return network_class(name)(**options)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"model {name}: {error}") from error
