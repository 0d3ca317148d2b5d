"""ML-Net, the deep multi-level network."""

from pathlib import Path

import keras

from kerasal.layers import LearnedPriorMap, StimulusPreprocessing, TheanoMaxPooling2D
from kerasal.models.padded import PaddedSaliencyModel
from kerasal.models.vgg16 import CONVOLUTIONS, vgg16_blocks
from kerasal.weights import load_vgg16

FEATURES = ("block3_pool", "block4_pool", "block5_conv3")
PRIOR_FACTOR = 10  # pixels of the map for each weight of the prior


@keras.saving.register_keras_serializable(package="kerasal")
class MLNet(PaddedSaliencyModel):
    """ML-Net: 15,452,145 parameters, all of them trained.

    VGG-16 whose fourth pool has stride 1, without the fifth; block3_pool, block4_pool and block5_conv3, all
    at 1/8 of the input, concatenated; dropout; 3x3 convolution to 64, relu; 1x1 to 1, relu; times 1 + a
    learnt prior, relu. Pooling windows and the prior's enlargement lie where Theano has them.

    Stimuli keep their aspect ratio within zeros; the map, at 1/8 of the input, is resized to cover the
    stimulus, cropped, and not smoothed.

    Args:
        input_size: (rows, columns), multiples of 80: of 8 pixels for one of the map, times 10 for the prior.
        dropout: rate before the first convolution behind VGG-16.
        backbone_filters: channels of VGG-16's first block; the others are multiples.
        backbone_weights: "imagenet", a path, or "random".

    Source: Cornia, Baraldi, Serra and Cucchiara 2016, "A deep multi-level network for saliency prediction",
    ICPR; reference code marcellacornia/mlnet. Not from there: the last convolution's kernel starts without
    negative values, for with them about every second start is a map of zeros, which never learns.
    """

    default_backbone = "vgg16"
    REFERENCE_LAYERS = (*CONVOLUTIONS, "encoding", "saliency", "prior")

    smallest_side = 8 * PRIOR_FACTOR
    side_multiple = 8 * PRIOR_FACTOR

    def __init__(
        self,
        input_size: tuple[int, int] = (480, 640),
        dropout: float = 0.5,
        backbone_filters: int = 64,
        backbone_weights: str | Path | None = "imagenet",
        name: str = "mlnet",
        **kwargs,
    ):
        self.check_input_size(input_size)
        stimulus = keras.Input((None, None, 3), name="stimulus")
        x = StimulusPreprocessing(input_size, "padded", name="preprocessing", dtype="float32")(stimulus)
        pools = [TheanoMaxPooling2D(2, 1 if b == 4 else 2, name=f"block{b}_pool") for b in (1, 2, 3, 4)]
        layers = vgg16_blocks(x, (*pools, None), filters=backbone_filters)
        backbone = keras.Model(stimulus, [layers[layer] for layer in FEATURES], name="backbone")
        if backbone_weights not in (None, "random"):
            load_vgg16(backbone, backbone_weights)
        features = [keras.Input(layers[layer].shape[1:], name=layer) for layer in FEATURES]
        x = keras.layers.Concatenate(name="features")(features)
        x = keras.layers.Dropout(dropout, name="dropout")(x)
        x = keras.layers.Conv2D(
            64, 3, padding="same", activation="relu", kernel_initializer="glorot_normal", name="encoding"
        )(x)
        x = keras.layers.Conv2D(
            1, 1, activation="relu", kernel_initializer=_not_negative, name="saliency", dtype="float32"
        )(x)
        x = LearnedPriorMap(PRIOR_FACTOR, name="prior", dtype="float32")(x)
        map_ = keras.layers.ReLU(name="map", dtype="float32")(x)
        head = keras.Model(features, map_, name="head")
        options = {"dropout": dropout, "backbone_filters": backbone_filters}
        super().__init__(backbone, head, input_size, options, name=name, **kwargs)

    @classmethod
    def map_size(cls, input_size):
        return (input_size[0] // 8, input_size[1] // 8)


@keras.saving.register_keras_serializable(package="kerasal")
def _not_negative(shape, dtype=None):
    return keras.ops.abs(keras.initializers.GlorotNormal()(shape, dtype=dtype))
