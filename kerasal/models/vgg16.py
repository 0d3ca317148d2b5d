"""VGG-16's convolutions as a feature extractor."""

from pathlib import Path

import keras

from kerasal.weights import load_vgg16, resolve_vgg16

BLOCKS = {1: (64, 2), 2: (128, 2), 3: (256, 3), 4: (512, 3), 5: (512, 3)}  # filters, convolutions


def vgg16(
    weights: str | Path | None = "imagenet", outputs: tuple[str, ...] = ("block5_pool",), name: str = "vgg16"
) -> keras.Model:
    """VGG-16 without its classifier, up to the last of `outputs`.

    Args:
        weights: "imagenet" (the shipped copy, or the Keras cache's file), a path to an .h5 file, or
            "random" or None for the initialisers' values.
        outputs: names of layers, `blockN_convM` or `blockN_pool`.

    Returns a model from (B, H, W, 3), BGR with the ImageNet mean removed, to a dictionary of feature
    maps by layer name. Source: Simonyan and Zisserman 2014, configuration D; layer names as in
    keras.applications. InputError: see `kerasal.weights.load_vgg16`.
    """
    inputs = x = keras.Input((None, None, 3), name="stimulus")
    layers = {}
    for block, (filters, convolutions) in BLOCKS.items():
        for convolution in range(1, convolutions + 1):
            layer = f"block{block}_conv{convolution}"
            x = layers[layer] = keras.layers.Conv2D(
                filters, 3, padding="same", activation="relu", name=layer
            )(x)
        layer = f"block{block}_pool"
        x = layers[layer] = keras.layers.MaxPooling2D(2, name=layer)(x)
    model = keras.Model(inputs, {output: layers[output] for output in outputs}, name=name)
    if weights not in (None, "random"):
        load_vgg16(model, resolve_vgg16(weights))
    return model
