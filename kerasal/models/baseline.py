"""The paper's baseline network."""

import math
from pathlib import Path

import keras

from kerasal.layers import ASPP, GaussianBlur
from kerasal.models.backbones import build_backbone, find_backbone
from kerasal.models.base import SaliencyModel

CHANNELS = 128  # of the head's first convolution


@keras.saving.register_keras_serializable(package="kerasal")
class Baseline(SaliencyModel):
    """Frozen VGG-16, three feature maps, one convolution, an ASPP, a smoothed map.

    Features block3_pool (256 channels, 1/8), block4_pool (512, 1/16) and block5_conv3 (512, 1/16) are
    brought to the first one's size and concatenated; 3x3 convolution to 128, relu; four 3x3
    convolutions to 32 with dilation 1, 3, 6 and 12, relu, concatenated; dropout; 1x1 convolution to 1;
    Gaussian 5x5, sigma 1; bilinear resize to the input; relu or sigmoid. 1,622,401 trainable parameters.

    Args:
        input_size: (rows, columns) that stimuli are resized to, at least 32x32.
        activation: "relu", or "sigmoid" for losses of the distribution family (section 3.2.2).
        dropout: rate before the last convolution.
        feature_dropout: rate of whole feature channels dropped before the first convolution.
        initial_density: the value that every pixel of the map starts at. A density map's mean; a head
            that starts far from it can collapse to an all-zero map under a pixel loss.
        backbone_weights: "imagenet", a path, "random" or None (see `kerasal.models.vgg16.vgg16`).
        backbone: a name of `kerasal.models.BACKBONES`; None is the class's own. With another than the paper's
            VGG-16, its levels take the place of the three feature maps.

    Source: the paper, section 3.1 and figure 1. Not from there: the fixed scaling of the features, the
    initial density, `feature_dropout` and other backbones.
    """

    default_backbone = "vgg16"

    def __init__(
        self,
        input_size: tuple[int, int] = (300, 400),
        activation: str = "relu",
        dropout: float = 0.25,
        feature_dropout: float = 0.0,
        initial_density: float = 0.05,
        backbone_weights: str | Path | None = "imagenet",
        backbone: str | None = None,
        name: str = "baseline",
        **kwargs,
    ):
        self.check_input_size(input_size)
        if activation not in ("relu", "sigmoid"):
            raise ValueError(f"activation must be 'relu' or 'sigmoid', got {activation!r}")
        if not 0 < initial_density < 1:
            raise ValueError(f"initial_density must lie between 0 and 1, got {initial_density}")
        backbone = backbone or self.default_backbone
        features = build_backbone(backbone, input_size, backbone_weights)
        levels = find_backbone(backbone).levels
        head = _head(features, levels, input_size, activation, dropout, feature_dropout, initial_density)
        options = {
            "activation": activation,
            "dropout": dropout,
            "feature_dropout": feature_dropout,
            "initial_density": initial_density,
            "backbone": backbone,
        }
        super().__init__(features, head, input_size, options, name=name, **kwargs)
        self.activation = activation


@keras.saving.register_keras_serializable(package="kerasal")
class Light(Baseline):
    """The paper's head on EfficientNet-Lite2: a fifteenth of the arithmetic of `Baseline`.

    Features of blocks 6 (48 channels, 1/8), 10 (88, 1/16), 14 (120), 19 (208) and 20 (352) take the place of
    VGG-16's; all else, and all arguments, are those of `Baseline`. The head has 1,087,873 parameters.
    """

    default_backbone = "efficientnet-lite2"

    def __init__(self, input_size: tuple[int, int] = (304, 400), activation: str = "relu", **kwargs):
        super().__init__(input_size, activation, **{"name": "light", **kwargs})


def _head(backbone, levels, input_size, activation, dropout, feature_dropout, initial_density):
    features = [
        keras.Input(output.shape[1:], name=level)
        for level, output in zip(levels, backbone.outputs, strict=True)
    ]
    finest, *others = features
    size = finest.shape[1:3]
    resized = [keras.layers.Resizing(*size, name=f"resized_{other.name}")(other) for other in others]
    x = keras.layers.Concatenate(name="features")([finest, *resized])
    x = keras.layers.SpatialDropout2D(feature_dropout, name="feature_dropout")(x)
    x = keras.layers.Conv2D(CHANNELS, 3, padding="same", activation="relu", name="reduction")(x)
    x = ASPP(32, (1, 3, 6, 12), name="aspp")(x)
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    start = initial_density if activation == "relu" else math.log(initial_density / (1 - initial_density))
    x = keras.layers.Conv2D(
        1,
        1,
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
        bias_initializer=keras.initializers.Constant(start),
        name="saliency",
        dtype="float32",  # from here on under every policy: the map shows every rounding
    )(x)
    x = GaussianBlur(5, 1.0, name="smoothing", dtype="float32")(x)
    x = keras.layers.Resizing(*input_size, name="resized", dtype="float32")(x)
    map_ = keras.layers.Activation(activation, dtype="float32", name=activation)(x)
    return keras.Model(features, map_, name="head")
