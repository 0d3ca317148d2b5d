"""The backbones that the paper's head can stand on, as data. A new one is a row here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras

from kerasal._json import shown
from kerasal.errors import InputError
from kerasal.layers import StimulusPreprocessing
from kerasal.models.efficientnet_lite2 import efficientnet_lite2
from kerasal.models.vgg16 import vgg16
from kerasal.models.weights_file import load_keras3
from kerasal.weights import resolve_resnet50


@dataclass(frozen=True)
class Backbone:
    """A classifier's convolutions, and what a head takes of them.

    Attributes:
        name: on the command line.
        title: as printed.
        build: from weights ("imagenet", a path, "random", or None where they are set later) and names of
            layers to a model that gives a dictionary of their feature maps.
        levels: the layers that are taken, the finest first, whose grid the head has; each with the root mean
            square of its features over OSIE's 500 training stimuli at 300x400, which they are divided by:
            they differ in size by up to two orders of magnitude, and a head starts with all alike.
        preprocessing: options of `StimulusPreprocessing`.
        weights: the name in `kerasal.weights.REGISTRY` of the weights that ship; None where none do.
        licence: of the weights.
        reference: the paper.
    """

    name: str
    title: str
    build: Callable[..., keras.Model]
    levels: Mapping[str, float]
    weights: str | None
    licence: str
    reference: str
    preprocessing: Mapping[str, Any] = field(default_factory=dict)


def _resnet50(weights, outputs):
    network = keras.applications.ResNet50(include_top=False, weights=None, name="resnet50")
    if weights not in (None, "random"):
        load_keras3(network, resolve_resnet50(weights))
    return keras.Model(
        network.inputs, {output: network.get_layer(output).output for output in outputs}, name="resnet50"
    )


# Rows look alike, each written out in full, as in `kerasal/models/table.py`.
BACKBONES: dict[str, Backbone] = {
    backbone.name: backbone
    for backbone in (
        Backbone(
            name="vgg16",
            title="VGG-16",
            build=vgg16,
            levels={"block3_pool": 627.0, "block4_pool": 123.0, "block5_conv3": 7.0},
            weights="vgg16.imagenet",
            licence="CC BY 4.0",
            reference="Simonyan and Zisserman, Very deep convolutional networks for large-scale image "
            "recognition, ICLR 2015",
        ),
        Backbone(
            name="efficientnet-lite2",
            title="EfficientNet-Lite2",
            build=efficientnet_lite2,
            levels={"block6": 8.1, "block10": 6.8, "block14": 6.9, "block19": 7.3, "block20": 2.5},
            weights="efficientnet-lite2.imagenet",
            licence="Apache-2.0",
            reference="Tan and Le, EfficientNet: rethinking model scaling for convolutional neural networks, "
            "ICML 2019",
            preprocessing={"mean": (127.0, 127.0, 127.0), "divisor": 128.0, "order": "RGB"},
        ),
        Backbone(
            name="resnet50",
            title="ResNet-50",
            build=_resnet50,
            # Behind batch normalisation features are about 1 in size.
            levels={"conv3_block4_out": 1.0, "conv4_block6_out": 1.0, "conv5_block3_out": 1.0},
            weights=None,
            licence="MIT",
            reference="He, Zhang, Ren and Sun, Deep residual learning for image recognition, CVPR 2016",
        ),
    )
}


def find_backbone(name: str) -> Backbone:
    """The row of that name. InputError: an unknown name."""
    if not isinstance(name, str) or name not in BACKBONES:
        raise InputError(f"unknown backbone {shown(name)}: one of {', '.join(BACKBONES)}")
    return BACKBONES[name]


def build_backbone(name: str, input_size: tuple[int, int], weights: str | Path | None) -> keras.Model:
    """A frozen model from stimuli (B, H, W, 3), RGB, 0..255, to a list of scaled feature maps.

    It begins by bringing stimuli to `input_size`. InputError: an unknown name; weights as for the backbone.
    """
    row = find_backbone(name)
    stimulus = keras.Input((None, None, 3), name="stimulus")
    # float32 under every policy: bfloat16 has too few levels for a stimulus.
    preprocessed = StimulusPreprocessing(
        input_size, **row.preprocessing, name="preprocessing", dtype="float32"
    )(stimulus)
    features = row.build(weights, outputs=tuple(row.levels))(preprocessed)
    scaled = [
        keras.layers.Rescaling(1 / rms, name=f"scaled_{level}")(features[level])
        for level, rms in row.levels.items()
    ]
    backbone = keras.Model(stimulus, scaled, name="backbone")
    backbone.trainable = False
    return backbone
