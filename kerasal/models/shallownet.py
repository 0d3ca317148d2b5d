"""ShallowNet, also called JuntingNet."""

from pathlib import Path

import keras
from keras import ops

from kerasal.errors import InputError
from kerasal.layers import Maxout, resize_triangle
from kerasal.models.base import SaliencyModel, check_input_size, resize_maps, scale_to_peak
from kerasal.weights import StoredLayer, layers_by_name, load_lasagne_weights

INPUT_SIZE = (96, 96)
MAP_SIZE = (48, 48)


@keras.saving.register_keras_serializable(package="kerasal")
class ShallowNet(SaliencyModel):
    """Three convolutions and two dense layers, trained from scratch: 34,864,384 parameters.

    Stimuli 96x96 in 0..1; convolutions without padding, 5x5 to 32, 3x3 to 64, 3x3 to 64, relu, each with a
    2x2 max pool; dense to 4608, relu; maxout over pairs; dense to the 48x48 pixels of the map.

    Stimuli are stretched by Pillow's bilinear resize; maps are resized bilinearly, then scaled to 0..1 from
    their minimum to their maximum: get_saliency.py of the reference code. (Its demo.py crops the stimulus to
    a square and blurs the map by 3 pixels.) The network's own output lies in -1..1; its map is (output + 1) /
    2, which can leave 0..1 during training, and which `restore` scales.

    Args:
        input_size: (96, 96), for the dense layers know no other.
        backbone_weights: "random": nothing was pre-trained.

    Source: Pan et al. 2016, "Shallow and deep convolutional networks for saliency prediction"; reference
    code imatge-upc/saliency-2016-cvpr, shallow/.
    """

    smallest_side = side_multiple = INPUT_SIZE[0]

    def __init__(
        self,
        input_size: tuple[int, int] = INPUT_SIZE,
        backbone_weights: str | None = "random",
        name: str = "shallownet",
        **kwargs,
    ):
        self.check_input_size(input_size)
        if backbone_weights not in (None, "random"):
            raise ValueError(f"backbone_weights must be 'random', got {backbone_weights!r}")
        stimulus = keras.Input((None, None, 3), name="stimulus")
        x = keras.layers.Resizing(*INPUT_SIZE, antialias=True, name="preprocessing", dtype="float32")(
            stimulus
        )
        x = keras.layers.Rescaling(1 / 255, name="scaled", dtype="float32")(x)
        for number, (filters, side) in enumerate(((32, 5), (64, 3), (64, 3)), start=1):
            x = keras.layers.Conv2D(filters, side, activation="relu", name=f"conv{number}")(x)
            x = keras.layers.MaxPooling2D(2, name=f"pool{number}")(x)
        backbone = keras.Model(stimulus, [x], name="backbone")
        features = keras.Input(x.shape[1:], name="features")
        x = keras.layers.Flatten(name="flat")(features)
        x = keras.layers.Dense(4608, activation="relu", name="hidden4")(x)
        x = Maxout(2, name="maxout")(x)
        x = keras.layers.Dense(MAP_SIZE[0] * MAP_SIZE[1], name="output", dtype="float32")(x)
        x = keras.layers.Reshape((*MAP_SIZE, 1), name="pixels", dtype="float32")(x)
        map_ = keras.layers.Rescaling(0.5, 0.5, name="map", dtype="float32")(x)
        head = keras.Model([features], map_, name="head")
        super().__init__(backbone, head, INPUT_SIZE, {}, name=name, **kwargs)

    @classmethod
    def check_input_size(cls, size):
        check_input_size(size)
        if tuple(size) != INPUT_SIZE:
            raise InputError(f"input_size must be 96x96, got {'x'.join(map(str, size))}")

    @classmethod
    def map_size(cls, input_size):
        return MAP_SIZE

    def prepare(self, stimuli, resize=None):
        """Stimuli (B, H, W, 3) at 96x96, whole numbers, as Pillow's bilinear resize has it; no `resize`."""
        return ops.round(resize_triangle(stimuli, self.input_size))

    def restore(self, maps, size, resize=resize_maps):
        """The network's maps (B, 48, 48, 1) at `size`, from 0 to 1. A constant map becomes 0."""
        maps = resize(maps, size)
        return scale_to_peak(maps - ops.min(maps, axis=(1, 2, 3), keepdims=True))

    def load_original(self, path: Path | str) -> None:
        """Take weights that were saved from the reference code's pickle as .npz: docs/models.md says how.

        InputError: they do not fit.
        """
        found = layers_by_name(self.backbone, self.head)
        shape = tuple(self.backbone.outputs[0].shape[1:])
        stored = [StoredLayer(found[f"conv{number}"], flipped=True) for number in (1, 2, 3)]
        stored += [StoredLayer(found["hidden4"], features=shape), StoredLayer(found["output"])]
        load_lasagne_weights(stored, path)
