"""EfficientNet-Lite2's convolutions as a feature extractor."""

from pathlib import Path

import keras

from kerasal.models.vgg16 import SetLater
from kerasal.weights import layers_by_name, load_keras_layers, resolve_efficientnet_lite2

STEM = 32  # filters of the first convolution
# Stages: blocks, kernel, stride of the first block, expansion, filters. EfficientNet-B0's, 1.1 times as wide
# (in whole eighths) and, but for the first and the last, 1.2 times as deep.
STAGES = (
    (1, 3, 1, 1, 16),
    (3, 3, 2, 6, 24),
    (3, 5, 2, 6, 48),
    (4, 3, 2, 6, 88),
    (4, 5, 1, 6, 120),
    (5, 5, 2, 6, 208),
    (1, 3, 1, 6, 352),
)
DILATED_FROM = 15  # the block that would halve the grid a fifth time


def efficientnet_lite2(
    weights: str | Path | None = "imagenet",
    outputs: tuple[str, ...] = ("block20",),
    name: str = "efficientnet_lite2",
) -> keras.Model:
    """EfficientNet-Lite2 without its classifier, its last two stages at 1/16 of the stimulus.

    21 blocks: 1x1 convolution that widens, depthwise convolution, 1x1 convolution that narrows, and the
    block's input added where it has the same shape. Each convolution has a bias, into which the batch
    normalisation is folded, and relu6 behind the first two; no squeeze and excitation. The stride of block 15
    is 1 and blocks 16 to 20 are dilated by 2 instead.

    Args:
        weights: "imagenet" (the shipped copy), a path to an .h5 file of the same layout, "random" for the
            initialisers' values, or None for zeros, where the caller sets them.
        outputs: names of layers, `blockN`.

    Returns a model from (B, H, W, 3), RGB, (value - 127) / 128, to a dictionary of feature maps by layer
    name. Source: Tan and Le 2019 (arXiv 1905.11946) for the network, and the Lite variants of
    github.com/tensorflow/tpu, models/official/efficientnet/lite; input and batch normalisation as there.
    InputError: see `kerasal.weights.load_keras_layers`.
    """
    inputs = keras.Input((None, None, 3), name="stimulus")
    initializer = keras.initializers.GlorotUniform if weights == "random" else SetLater
    x = _convolution(inputs, "stem", STEM, 3, 2, "relu6", initializer)
    blocks, number = {}, 0
    for count, kernel, stride, expansion, filters in STAGES:
        for first in (True, *(count - 1) * (False,)):
            x = _block(x, number, kernel, stride if first else 1, expansion, filters, initializer)
            blocks[f"block{number}"] = x
            number += 1
    model = keras.Model(inputs, {output: blocks[output] for output in outputs}, name=name)
    if weights not in (None, "random"):
        load_keras_layers(layers_by_name(model), resolve_efficientnet_lite2(weights), "EfficientNet-Lite2")
    return model


def _block(x, number, kernel, stride, expansion, filters, initializer):
    """One inverted residual block (Sandler et al. 2018)."""
    entered, width = x, x.shape[-1] * expansion
    if expansion > 1:
        x = _convolution(x, f"block{number}_expand", width, 1, 1, "relu6", initializer)
    x = keras.layers.DepthwiseConv2D(
        kernel,
        strides=1 if number >= DILATED_FROM else stride,
        padding="same",
        dilation_rate=2 if number > DILATED_FROM else 1,
        activation="relu6",
        depthwise_initializer=initializer(),
        name=f"block{number}_depthwise",
    )(x)
    x = _convolution(x, f"block{number}_project", filters, 1, 1, None, initializer)
    if stride > 1 or entered.shape[-1] != filters:
        return x
    return keras.layers.Add(name=f"block{number}")([x, entered])


def _convolution(x, name, filters, kernel, stride, activation, initializer):
    layer = keras.layers.Conv2D(
        filters,
        kernel,
        strides=stride,
        padding="same",
        activation=activation,
        kernel_initializer=initializer(),
        name=name,
    )
    return layer(x)
