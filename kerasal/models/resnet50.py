"""ResNet-50 with dilated last stages, as a feature extractor."""

import re
from pathlib import Path

import keras

from kerasal.layers import DilatedConv2D
from kerasal.weights import load_keras_layers, resolve_resnet50

# Stage: blocks, stride of the first block, dilation of the 3x3 convolutions.
STAGES = {2: (3, 1, 1), 3: (4, 2, 1), 4: (6, 1, 2), 5: (3, 1, 4)}


def dilated_resnet50(x: keras.KerasTensor, pool: keras.layers.Layer, filters: int = 64) -> keras.KerasTensor:
    """ResNet-50's features at 1/8 of the input: (B, H / 8, W / 8, 32 filters).

    Args:
        x: (B, H, W, 3), BGR with the ImageNet mean removed.
        pool: the 3x3 max pooling with stride 2 behind the first convolution.
        filters: channels of the first convolution.

    Version 1: strides in a block's first 1x1 convolution, biases in all convolutions. Stages 4 and 5 keep
    the resolution; their 3x3 convolutions are dilated by 2 and 4. Source: He et al. 2016; layer names and
    dilations from the reference code of Cornia et al. 2018.
    """
    x = keras.layers.ZeroPadding2D(3, name="conv1_pad")(x)
    x = _convolution(x, "conv1", "bn_conv1", filters, 7, strides=2, padding="valid")
    x = keras.layers.ReLU(name="conv1_relu")(x)
    x = pool(x)
    for stage, (blocks, stride, dilation) in STAGES.items():
        width = filters * 2 ** (stage - 2)
        for block in "abcdef"[:blocks]:
            x = _block(x, f"{stage}{block}", width, stride if block == "a" else 1, dilation)
    return x


def _block(x, name, width, stride, dilation):
    """Three convolutions and a shortcut, which is a convolution too in a stage's first block."""
    shortcut = x
    x = _convolution(x, f"res{name}_branch2a", f"bn{name}_branch2a", width, 1, strides=stride)
    x = keras.layers.ReLU(name=f"res{name}_relu_a")(x)
    x = _convolution(x, f"res{name}_branch2b", f"bn{name}_branch2b", width, 3, dilation_rate=dilation)
    x = keras.layers.ReLU(name=f"res{name}_relu_b")(x)
    x = _convolution(x, f"res{name}_branch2c", f"bn{name}_branch2c", 4 * width, 1)
    if name.endswith("a"):
        shortcut = _convolution(
            shortcut, f"res{name}_branch1", f"bn{name}_branch1", 4 * width, 1, strides=stride
        )
    x = keras.layers.Add(name=f"res{name}_sum")([x, shortcut])
    return keras.layers.ReLU(name=f"res{name}_relu")(x)


def _convolution(x, name, norm, width, size, padding="same", **kwargs):
    convolve = DilatedConv2D if kwargs.get("dilation_rate", 1) > 1 else keras.layers.Conv2D
    x = convolve(width, size, padding=padding, name=name, **kwargs)(x)
    return keras.layers.BatchNormalization(epsilon=1e-5, name=norm)(x)  # Keras 1.1's epsilon


def _layer_names():
    """The layers with weights in the order of Keras 1, which goes by depth: both branches side by side."""
    names = ["conv1", "bn_conv1"]
    for stage, (blocks, _, _) in STAGES.items():
        for block in "abcdef"[:blocks]:
            last = ("branch2c", "branch1") if block == "a" else ("branch2c",)
            for parts in (("branch2a",), ("branch2b",), last):
                names += [f"{kind}{stage}{block}_{part}" for kind in ("res", "bn") for part in parts]
    return tuple(names)


RESNET50_LAYERS = _layer_names()


def load_resnet50(model: keras.Model, weights: str | Path) -> None:
    """Set the ResNet-50 layers of `model` from a file of `keras.applications.ResNet50`.

    `weights` is a path, or "imagenet" for the file that Keras has downloaded before. InputError: see
    `kerasal.weights.load_keras_layers` and `kerasal.weights.resolve_resnet50`.
    """
    layers = {_application_name(name): model.get_layer(name) for name in RESNET50_LAYERS}
    path, foreign = resolve_resnet50(weights), "conv4_block7_1_conv"  # of ResNet-101 and ResNet-152
    load_keras_layers(layers, path, "ResNet-50", foreign)


def _application_name(name):
    """Keras's name of a layer: conv2_block1_0_conv for res2a_branch1, conv2_block1_3_bn for bn2a_branch2c."""
    if name in ("conv1", "bn_conv1"):
        return "conv1_conv" if name == "conv1" else "conv1_bn"
    kind, stage, block, branch = re.fullmatch(r"(res|bn)(\d)([a-f])_branch(\w+)", name).groups()
    place = {"1": 0, "2a": 1, "2b": 2, "2c": 3}[branch]
    return f"conv{stage}_block{'abcdef'.index(block) + 1}_{place}_{'conv' if kind == 'res' else 'bn'}"
