"""VGG-16's convolutions as a feature extractor."""

from collections.abc import Sequence
from pathlib import Path

import keras

from kerasal.layers import DilatedConv2D
from kerasal.models.base import check_channels_last
from kerasal.weights import load_vgg16

BLOCKS = {1: (64, 2), 2: (128, 2), 3: (256, 3), 4: (512, 3), 5: (512, 3)}  # filters, convolutions
CONVOLUTIONS = tuple(
    f"block{block}_conv{i + 1}" for block, (_, count) in BLOCKS.items() for i in range(count)
)


@keras.saving.register_keras_serializable(package="kerasal")
class SetLater(keras.initializers.GlorotUniform):
    """Zeros for a kernel that is set before it is used: drawing VGG-16's takes longer than reading them.

    It takes the seed that a drawn kernel takes, so that the layers made after it start as they would.
    """

    def __call__(self, shape, dtype=None):
        return keras.ops.zeros(shape, dtype)


def vgg16(
    weights: str | Path | None = "imagenet", outputs: tuple[str, ...] = ("block5_pool",), name: str = "vgg16"
) -> keras.Model:
    """VGG-16 without its classifier, up to the last of `outputs`.

    Args:
        weights: "imagenet" (the shipped copy, or the Keras cache's file), a path to an .h5 file,
            "random" for the initialisers' values, or None for zeros, where the caller sets them.
        outputs: names of layers, `blockN_convM` or `blockN_pool`.

    Returns a model from (B, H, W, 3), BGR with the ImageNet mean removed, to a dictionary of feature
    maps by layer name. Source: Simonyan and Zisserman 2014, configuration D; layer names as in
    keras.applications. InputError: see `kerasal.weights.load_vgg16`; Keras set to channels first.
    """
    check_channels_last()
    inputs = keras.Input((None, None, 3), name="stimulus")
    pools = [keras.layers.MaxPooling2D(2, name=f"block{block}_pool") for block in BLOCKS]
    initializer = keras.initializers.GlorotUniform if weights == "random" else SetLater
    layers = vgg16_blocks(inputs, pools, initializer=initializer)
    model = keras.Model(inputs, {output: layers[output] for output in outputs}, name=name)
    if weights not in (None, "random"):
        load_vgg16(model, weights)
    return model


def vgg16_blocks(
    x: keras.KerasTensor,
    pools: Sequence[keras.layers.Layer | None],
    dilations: Sequence[int] = (1, 1, 1, 1, 1),
    filters: int = 64,
    initializer: type[keras.initializers.Initializer] = keras.initializers.GlorotUniform,
) -> dict[str, keras.KerasTensor]:
    """VGG-16's five blocks of 3x3 convolutions with relu, for networks that change its pools.

    Args:
        x: (B, H, W, 3), BGR with the ImageNet mean removed.
        pools: the layer after each block, named `blockN_pool`; None for none.
        dilations: of each block's convolutions.
        filters: channels of the first block; the others have 2, 4, 8 and 8 times as many.
        initializer: of the kernels.

    Returns the feature maps by layer name, `blockN_convM` or `blockN_pool`.
    """
    layers = {}
    for (block, (width, convolutions)), pool, dilation in zip(BLOCKS.items(), pools, dilations, strict=True):
        for convolution in range(1, convolutions + 1):
            layer = f"block{block}_conv{convolution}"
            convolve = keras.layers.Conv2D if dilation == 1 else DilatedConv2D
            x = layers[layer] = convolve(
                width * filters // 64,
                3,
                padding="same",
                dilation_rate=dilation,
                activation="relu",
                kernel_initializer=initializer(),
                name=layer,
            )(x)
        if pool is not None:
            x = layers[pool.name] = pool(x)
    return layers
