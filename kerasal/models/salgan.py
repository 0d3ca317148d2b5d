"""SalGAN: a generator of saliency maps, trained against a discriminator."""

from pathlib import Path

import keras
from keras import ops

from kerasal.layers import StimulusPreprocessing, WeightNormConv2D, blur_5x5, resize_area, resize_cubic
from kerasal.models.base import SaliencyModel, check_channels_last
from kerasal.models.vgg16 import CONVOLUTIONS, vgg16_blocks
from kerasal.weights import StoredLayer, layers_by_name, load_lasagne_weights, load_vgg16

# The decoder from the inside out: convolutions of each block, each of so many times `filters` channels.
DECODER = {5: (3, 8), 4: (3, 8), 3: (3, 4), 2: (2, 2), 1: (2, 1)}


@keras.saving.register_keras_serializable(package="kerasal")
class SalGAN(SaliencyModel):
    """SalGAN's generator as a saliency network: 31,787,009 parameters, 1,735,488 of them frozen.

    VGG-16 up to block5_conv3, and the same upside down: blocks of 3x3 convolutions, relu, with the pixels
    repeated 2x2 in between; 1x1 convolution to 1, sigmoid. Blocks 1 to 3 are the backbone, which stays
    frozen; what is behind them is the head.

    Stimuli are stretched by OpenCV's INTER_AREA and rounded, maps by INTER_CUBIC, then blurred by 5x5 pixels.
    The reference code rounds the map to 8 bits three times on this way; here it stays in floats.

    Args:
        input_size: (rows, columns), multiples of 16, at least 32.
        filters: channels of the first block; the others are multiples.
        backbone_weights: "imagenet", a path, or "random"; for all of VGG-16's blocks.

    Source: Pan et al. 2017, "SalGAN: visual saliency prediction with generative adversarial networks",
    arXiv 1701.01081; reference code imatge-upc/salgan.
    """

    default_backbone = "vgg16"

    side_multiple = 16

    def __init__(
        self,
        input_size: tuple[int, int] = (192, 256),
        filters: int = 64,
        backbone_weights: str | Path | None = "imagenet",
        name: str = "salgan",
        **kwargs,
    ):
        self.check_input_size(input_size)
        stimulus = keras.Input((None, None, 3), name="stimulus")
        # float32 under every policy: bfloat16 has too few levels for a stimulus.
        x = StimulusPreprocessing(input_size, "area", name="preprocessing", dtype="float32")(stimulus)
        pools = [keras.layers.MaxPooling2D(2, name=f"block{block}_pool") for block in (1, 2, 3, 4)]
        layers = vgg16_blocks(x, (*pools, None), filters=filters)
        map_ = _decoder(layers["block5_conv3"], filters)
        backbone = keras.Model(stimulus, [layers["block3_pool"]], name="backbone")
        head = keras.Model([layers["block3_pool"]], map_, name="head")
        if backbone_weights not in (None, "random"):
            encoder = keras.Model(stimulus, layers["block5_conv3"])
            load_vgg16(encoder, backbone_weights)
        backbone.trainable = False
        super().__init__(backbone, head, input_size, {"filters": filters}, name=name, **kwargs)

    def prepare(self, stimuli, resize=None):
        """Stimuli (B, H, W, 3) at the network's size, whole numbers. `resize` is not used."""
        return ops.round(resize_area(stimuli, self.input_size))

    def restore(self, maps, size, resize=None):
        """The network's maps (B, h, w, 1) at `size`, in [0, 1]. `resize` is not used."""
        return blur_5x5(ops.clip(resize_cubic(maps, size), 0.0, 1.0))

    def discriminator(self) -> keras.Model:
        """A new discriminator of this network's maps."""
        return SalGANDiscriminator(self.input_size)

    def load_original(self, path: Path | str) -> None:
        """Take the weights of the reference code's gen_modelWeights*.npz. InputError: they do not fit."""
        found = layers_by_name(self.backbone, self.head)
        decoder = [*_decoder_names(), "saliency"]
        # The encoder's layers were made with flip_filters=False, as its weights came from Caffe.
        load_lasagne_weights(
            [StoredLayer(found[name]) for name in CONVOLUTIONS]
            + [StoredLayer(found[name], flipped=True) for name in decoder],
            path,
        )


def _decoder(x, filters):
    names = iter(_decoder_names())
    for block, (convolutions, times) in DECODER.items():
        if block < 5:
            x = keras.layers.UpSampling2D(2, name=f"upool{block}")(x)
        for _ in range(convolutions):
            width = times * filters
            x = keras.layers.Conv2D(width, 3, padding="same", activation="relu", name=next(names))(x)
    return keras.layers.Conv2D(1, 1, activation="sigmoid", name="saliency", dtype="float32")(x)


def _decoder_names():
    return [f"uconv{block}_{i}" for block, (count, _) in DECODER.items() for i in range(count, 0, -1)]


@keras.saving.register_keras_serializable(package="kerasal")
class SalGANDiscriminator(keras.Model):
    """Tells a recorded saliency map from a generated one: 1,359,296 trainable parameters.

    Input (B, rows, columns, 4): the map in 0..1, then R, G and B of its stimulus in 0..255, without a mean
    taken off: the order and ranges of the reference code, which has its first pool 4x4 where the paper has
    2x2. Output (B, 1): the probability of a recorded map.

    Args:
        input_size: (rows, columns), multiples of 16.

    Source: as `SalGAN`.
    """

    def __init__(
        self, input_size: tuple[int, int] = (192, 256), name: str = "salgan-discriminator", **kwargs
    ):
        check_channels_last()
        if min(input_size) < 16 or input_size[0] % 16 or input_size[1] % 16:
            raise ValueError(f"input_size must be multiples of 16, got {tuple(input_size)}")
        inputs = keras.Input((*input_size, 4), name="map_and_stimulus")
        x = keras.layers.Conv2D(3, 1, activation="relu", name="merge")(inputs)
        x = keras.layers.Conv2D(32, 3, padding="same", activation="relu", name="conv1")(x)
        x = keras.layers.MaxPooling2D(4, name="pool1")(x)
        for layer in ("conv2_1", "conv2_2"):
            x = keras.layers.Conv2D(64, 3, padding="same", activation="relu", name=layer)(x)
        x = keras.layers.MaxPooling2D(2, name="pool2")(x)
        for layer in ("conv3_1", "conv3_2"):
            x = WeightNormConv2D(64, name=layer)(x)
        x = keras.layers.MaxPooling2D(2, name="pool3")(x)
        x = keras.layers.Flatten(name="features")(x)
        x = keras.layers.Dense(100, activation="tanh", name="fc4")(x)
        x = keras.layers.Dense(2, activation="tanh", name="fc5")(x)
        x = keras.layers.Dense(1, activation="sigmoid", name="prob", dtype="float32")(x)
        super().__init__(inputs, x, name=name, **kwargs)
        self.input_size = tuple(input_size)

    def load_original(self, path: Path | str) -> None:
        """Take the weights of the reference code's discrim_modelWeights*.npz. InputError: they do not fit."""
        stored = [
            StoredLayer(
                layer,
                flipped=len(layer.weights[0].shape) == 4,
                features=self.get_layer("pool3").output.shape[1:] if layer.name == "fc4" else None,
            )
            for layer in layers_by_name(self).values()
        ]
        load_lasagne_weights(stored, path)

    def get_config(self):
        return {"input_size": self.input_size, "name": self.name}
