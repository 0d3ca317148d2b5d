"""SAM-VGG and SAM-ResNet, the saliency attentive models."""

from pathlib import Path

import keras

from kerasal.layers import (
    AttentiveConvLSTM,
    BilinearUpsampling,
    DilatedConv2D,
    LearnedGaussianPrior,
    StimulusPreprocessing,
    TheanoMaxPooling2D,
)
from kerasal.models.padded import PaddedSaliencyModel
from kerasal.models.resnet50 import RESNET50_LAYERS, dilated_resnet50, load_resnet50
from kerasal.models.vgg16 import CONVOLUTIONS, vgg16_blocks
from kerasal.weights import load_vgg16

FIDELITIES = ("original", "keras")
# The last layers of the reference code's weights files.
HEAD_LAYERS = ("attentive_convlstm", "prior1", "prior1_conv", "prior2", "prior2_conv", "saliency")


class SAM(PaddedSaliencyModel):
    """What SAM-VGG and SAM-ResNet share: a dilated backbone at 1/8 of the input, and all that comes after it.

    An attentive ConvLSTM looks at the features four times; 16 learnt Gaussian maps join its output; 5x5
    convolution with dilation 4, relu; 16 other Gaussian maps join; another such convolution; 1x1 convolution
    to 1, relu; bilinear enlargement by 16, so that the map is twice the input.

    Stimuli keep their aspect ratio within zeros; maps are smoothed by 7 pixels in the end. With "original"
    fidelity, pooling windows and the enlargement lie where Theano has them, as the published weights need;
    with "keras" where Keras 3 has them.

    Args:
        input_size: (rows, columns), multiples of 8, at least 32.
        fidelity: "original" or "keras".
        filters: channels of the ConvLSTM and of all that follows.
        backbone_filters: channels of the backbone's first block; the others are multiples.
        gaussians: maps of each of the two priors.
        steps: of the ConvLSTM.
        initial_density: the output's first bias. The original's is 0.
        backbone_weights: "imagenet", a path, or "random".
    """

    blur_sigma = 7.0
    default_name: str
    side_multiple = 8

    def __init__(
        self,
        input_size: tuple[int, int] = (240, 320),
        fidelity: str = "original",
        filters: int = 512,
        backbone_filters: int = 64,
        gaussians: int = 16,
        steps: int = 4,
        initial_density: float = 0.0,
        backbone_weights: str | Path | None = "imagenet",
        name: str | None = None,
        **kwargs,
    ):
        self.check_input_size(input_size)
        if fidelity not in FIDELITIES:
            raise ValueError(f"fidelity must be one of {', '.join(FIDELITIES)}, got {fidelity!r}")
        if not 0 <= initial_density < 1:
            raise ValueError(f"initial_density must lie in [0, 1), got {initial_density}")
        stimulus = keras.Input((None, None, 3), name="stimulus")
        # float32 under every policy: bfloat16 has too few levels for a stimulus.
        x = StimulusPreprocessing(input_size, "padded", name="preprocessing", dtype="float32")(stimulus)
        features = self._features(x, fidelity == "original", backbone_filters)
        backbone = keras.Model(stimulus, [features], name="backbone")
        if backbone_weights not in (None, "random"):
            self._load_backbone(backbone, backbone_weights)
        features = x = keras.Input(features.shape[1:], name="features")
        x = self._neck(x, filters)
        x = AttentiveConvLSTM(filters, steps=steps, name="attentive_convlstm")(x)
        for prior in ("prior1", "prior2"):
            x = LearnedGaussianPrior(gaussians, name=prior)(x)
            x = DilatedConv2D(
                filters, 5, padding="same", dilation_rate=4, activation="relu", name=f"{prior}_conv"
            )(x)
        bias = keras.initializers.Constant(initial_density)
        # In float32 from here on under every policy: the map shows every rounding.
        x = keras.layers.Conv2D(
            1, 1, activation="relu", bias_initializer=bias, name="saliency", dtype="float32"
        )(x)
        map_ = BilinearUpsampling(16, theano=fidelity == "original", dtype="float32", name="map")(x)
        head = keras.Model([features], map_, name="head")
        options = {
            "fidelity": fidelity,
            "filters": filters,
            "backbone_filters": backbone_filters,
            "gaussians": gaussians,
            "steps": steps,
            "initial_density": initial_density,
        }
        super().__init__(backbone, head, input_size, options, name=name or self.default_name, **kwargs)

    @classmethod
    def map_size(cls, input_size):
        return (2 * input_size[0], 2 * input_size[1])

    def _neck(self, x, filters):
        return x


@keras.saving.register_keras_serializable(package="kerasal")
class SAMVGG(SAM):
    """SAM on a dilated VGG-16: 51,835,841 parameters at its published size.

    VGG-16's convolutions; pools 1 to 3 halve, pool 4 has stride 1, block 5 is dilated by 2, no pool 5:
    features of 512 channels, 30x40 for the input 240x320. The other arguments are those of `SAM`.

    Source: Cornia, Baraldi, Serra and Cucchiara 2018, "Predicting human eye fixations via an LSTM-based
    saliency attentive model", IEEE Transactions on Image Processing 27; reference code marcellacornia/sam.
    """

    default_backbone = "vgg16"
    default_name = "sam-vgg"
    REFERENCE_LAYERS = (*CONVOLUTIONS, *HEAD_LAYERS)
    _load_backbone = staticmethod(load_vgg16)

    def _features(self, x, original, filters):
        third, fourth = (TheanoMaxPooling2D(2, s, name=f"block{b}_pool") for b, s in ((3, 2), (4, 1)))
        if not original:
            third = keras.layers.MaxPooling2D(2, 2, "same", name="block3_pool")
            fourth = keras.layers.MaxPooling2D(2, 1, "same", name="block4_pool")
        halving = [keras.layers.MaxPooling2D(2, name=f"block{block}_pool") for block in (1, 2)]
        pools = (*halving, third, fourth, None)
        return vgg16_blocks(x, pools, dilations=(1, 1, 1, 1, 2), filters=filters)["block5_conv3"]


@keras.saving.register_keras_serializable(package="kerasal")
class SAMResNet(SAM):
    """SAM on a dilated ResNet-50: 70,146,561 parameters at its published size, 53,120 of them not trained.

    ResNet-50 version 1; stages 4 and 5 do not halve and are dilated by 2 and 4: features of 2048 channels,
    30x40 for the input 240x320; 3x3 convolution to `filters`, relu. The other arguments are those of `SAM`;
    "imagenet" is the file that `keras.applications.ResNet50` has downloaded.

    Source: as `SAMVGG`.
    """

    default_backbone = "resnet50"
    default_name = "sam-resnet"
    REFERENCE_LAYERS = (*RESNET50_LAYERS, "reduction", *HEAD_LAYERS)
    _load_backbone = staticmethod(load_resnet50)

    def _features(self, x, original, filters):
        pool = TheanoMaxPooling2D(3, 2) if original else keras.layers.MaxPooling2D(3, 2, "same")
        return dilated_resnet50(x, pool, filters=filters)

    def _neck(self, x, filters):
        return keras.layers.Conv2D(filters, 3, padding="same", activation="relu", name="reduction")(x)
