"""DeepConvNet, also called SalNet."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from keras import ops

from kerasal._stimuli import as_stimuli
from kerasal.layers import (
    CaffeMaxPooling2D,
    LocalResponseNormalization,
    StimulusPreprocessing,
    blur_5x5,
    fit_bilinear,
    resize_cubic,
)
from kerasal.models.base import SaliencyModel
from kerasal.weights import StoredLayer, layers_by_name, load_caffe_weights

MEAN_BGR = (100.0, 110.0, 118.0)
SCALE = 2 / 255
# What the network learnt to put out for a density S in 0..255: (S - 31) * 2 / 255 ...
MAP_MEAN = 31.0
# ... and what its prediction takes an output x for: 128 x + 127.
OUT_SCALE, OUT_OFFSET = 128.0, 127.0
HEAD = {"conv4": (512, 5), "conv5": (512, 5), "conv6": (256, 7), "conv7": (128, 11), "conv8": (32, 11)}
SMALLEST = 4  # pixels of a side that leave one behind the two pools


@keras.saving.register_keras_serializable(package="kerasal")
class DeepConvNet(SaliencyModel):
    """Nine convolutions and a transposed one, for stimuli of any shape: 25,806,209 parameters.

    7x7 to 96, relu, local response normalisation, 3x3 max pool; 5x5 to 256, relu, pool; 3x3 to 512; 5x5 to
    512 twice; 7x7 to 256; 11x11 to 128 and to 32, each with relu; 13x13 to 1; enlargement by 4, a transposed
    convolution of 8x8. Pools are Caffe's; the first convolution has stride 1.

    A stimulus is shrunk bilinearly until no side is longer than the longer one of `input_size`, at its own
    aspect ratio, and never enlarged. The map is resized by OpenCV's INTER_CUBIC and blurred by 5x5 pixels.
    The network puts out x = 2 (255 S - 31) / 255 for a density S, linear; its map here is S, which can leave
    0..1 during training. `restore` takes x for (128 x + 127) / 255, as the reference code does.

    Args:
        input_size: (rows, columns) of the stimuli in training, multiples of 4.
        backbone_weights: "random", or the .caffemodel of VGG_CNN_M, from which the authors took the kernels
            of the first three convolutions.

    Source: Pan et al. 2016, "Shallow and deep convolutional networks for saliency prediction"; reference
    code imatge-upc/saliency-2016-cvpr, deep/; initial values from its training prototxt.
    """

    fixed_size = False
    side_multiple = 4

    def __init__(
        self,
        input_size: tuple[int, int] = (240, 320),
        backbone_weights: str | Path | None = "random",
        name: str = "deepconvnet",
        **kwargs,
    ):
        self.check_input_size(input_size)
        if str(backbone_weights) == "imagenet":
            raise ValueError("backbone_weights must be 'random' or VGG_CNN_M's .caffemodel, not 'imagenet'")
        stimulus = keras.Input((None, None, 3), name="stimulus")
        x = StimulusPreprocessing(None, mean=MEAN_BGR, name="preprocessing", dtype="float32")(stimulus)
        x = keras.layers.Rescaling(SCALE, name="scaled", dtype="float32")(x)
        x = _convolution("conv1", 96, 7, 3)(x)
        x = LocalResponseNormalization(5, 1e-4, 0.75, name="norm1")(x)
        x = CaffeMaxPooling2D(3, 2, name="pool1")(x)
        x = _convolution("conv2", 256, 5, 96)(x)
        x = CaffeMaxPooling2D(3, 2, name="pool2")(x)
        x = _convolution("conv3", 512, 3, 256)(x)
        backbone = keras.Model(stimulus, [x], name="backbone")
        if backbone_weights not in (None, "random"):
            layers = [backbone.get_layer(f"conv{number}") for number in (1, 2, 3)]
            load_caffe_weights([StoredLayer(layer, kernel_alone=True) for layer in layers], backbone_weights)
        features = x = keras.Input((None, None, 512), name="features")
        channels = 512
        for layer, (filters, side) in HEAD.items():
            x = _convolution(layer, filters, side, channels)(x)
            channels = filters
        # In float32 from here on under every policy: the map shows every rounding.
        x = _convolution("conv9", 1, 13, channels, activation=None, gain=1, dtype="float32")(x)
        x = keras.layers.Conv2DTranspose(
            1,
            8,
            strides=4,
            padding="same",
            use_bias=False,
            kernel_initializer=keras.initializers.RandomNormal(1 / 64, 1e-6),
            name="deconv1",
            dtype="float32",
        )(x)
        map_ = keras.layers.Rescaling(0.5, MAP_MEAN / 255, name="map", dtype="float32")(x)
        head = keras.Model([features], map_, name="head")
        super().__init__(backbone, head, input_size, {}, name=name, **kwargs)

    @property
    def output_size(self):
        return self.input_size

    def prepare(self, stimuli, resize=None):
        """Stimuli (B, H, W, 3) at a size of their own shape, sides from 4 pixels. `resize` is not used."""
        return fit_bilinear(stimuli, max(self.input_size), SMALLEST)

    def restore(self, maps, size, resize=None):
        """The network's maps (B, h, w, 1) at `size`, in [0, 1]. `resize` is not used."""
        outputs = 2 * (maps - MAP_MEAN / 255)
        maps = ops.clip((OUT_SCALE * outputs + OUT_OFFSET) / 255, 0.0, 1.0)
        return ops.clip(blur_5x5(resize_cubic(maps, size)), 0.0, 1.0)

    def saliency_maps(self, stimuli: Sequence[np.ndarray]) -> list[np.ndarray]:
        # One at a time: each has a size of its own.
        return [super(DeepConvNet, self).saliency_maps([stimulus])[0] for stimulus in as_stimuli(stimuli)]

    def load_original(self, path: Path | str) -> None:
        """Take the weights of deep_net_model.caffemodel, by layers' names. InputError: they do not fit."""
        layers = layers_by_name(self.backbone, self.head).values()
        load_caffe_weights([StoredLayer(layer) for layer in layers], path)


def _convolution(name, filters, side, channels, activation="relu", gain=2, dtype=None):
    deviation = (gain / (side * side * channels)) ** 0.5
    return keras.layers.Conv2D(
        filters,
        side,
        padding="same",
        activation=activation,
        kernel_initializer=keras.initializers.RandomNormal(stddev=deviation),
        name=name,
        dtype=dtype,
    )
