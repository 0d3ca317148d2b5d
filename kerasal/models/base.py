"""What every saliency network shares: stimuli in, saliency maps of the stimuli's size out."""

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasal._device import has_gpu
from kerasal._json import shown
from kerasal._repr import arguments_of
from kerasal._stimuli import as_array, as_stimuli, check_levels
from kerasal.errors import InputError
from kerasal.layers import resize_stimuli, shrink_then_grow

LARGEST_SIDE = 4096  # of a network's input, in pixels
CPU_BATCH = 4  # larger ones are no faster there and cost memory
GPU_BATCHES = (64, 32, 16, 8, 4, 2, 1)
GPU_BUDGET = 2 * 2**30  # bytes
WIDEST = 64 * 4  # bytes of a pixel in the largest map of any network here, that of VGG-16's first block

Resize = Callable[[keras.KerasTensor, tuple[int, int]], keras.KerasTensor]  # images, (rows, columns)


def resize_maps(maps: keras.KerasTensor, size: tuple[int, int]) -> keras.KerasTensor:
    """Maps (B, h, w, 1) resized bilinearly to `size` (rows, columns), antialiased where that shrinks."""
    return shrink_then_grow(maps, size, "bilinear")


def check_channels_last() -> None:
    """InputError: Keras is set to images whose channels come first, which no network here takes."""
    if keras.config.image_data_format() != "channels_last":
        raise InputError(
            "kerasal's networks take images with channels last, and Keras is set to channels_first: set "
            'image_data_format to "channels_last" in ~/.keras/keras.json, or by '
            "keras.config.set_image_data_format"
        )


def check_input_size(size: tuple[int, int]) -> None:
    """InputError: no size (rows, columns) of a network's input, or one that no memory holds.

    Networks ask before they make their first layer, so Keras's order of the axes is checked here, too.
    """
    check_channels_last()
    whole = (
        isinstance(size, list | tuple) and len(size) == 2 and all(isinstance(side, Integral) for side in size)
    )
    if not whole or min(size) < 1:
        raise InputError(f"input_size must be two whole numbers, rows and columns, got {shown(size)}")
    if max(size) > LARGEST_SIDE:
        raise InputError(
            f"input_size {size[0]}x{size[1]} is too large: at most {LARGEST_SIDE} pixels a side, and the "
            "memory of a step grows with their product"
        )


@keras.saving.register_keras_serializable(package="kerasal")
class SaliencyModel(keras.Model):
    """A network from RGB stimuli (B, H, W, 3), 0..255, any size, to maps at the network's own size.

    A subclass builds its graph and hands it over. Its own `__init__` writes out every option and default,
    which help then shows, so that networks begin alike.

    Args:
        backbone: model from stimuli to feature maps, pre-processing included; frozen where the network
            freezes it, and then its output can be cached.
        head: model from the feature maps to the map (B, rows, columns, 1), float32, whose aim is a density
            in [0, 1]. What lies below 0 `restore` must lift.
        input_size: (rows, columns) that stimuli are brought to.
        options: what its own `__init__` was given, but for the input size, the backbone's weights and the
            name: with these they are its configuration. None: backbone and head are, or it has its own.
    """

    default_backbone: str | None = None  # a name of `kerasal.models.BACKBONES`; None: it has none of those
    padded = False  # whether stimuli keep their aspect ratio, within zeros; targets must be made alike
    smallest_side = 32  # pixels that either side of an input must have, ...
    side_multiple = 1  # ... and what it must be a multiple of
    fixed_size = True  # whether every stimulus is brought to `input_size`; else that is the one of training

    def __init__(
        self,
        backbone: keras.Model,
        head: keras.Model,
        input_size: tuple[int, int],
        options: Mapping[str, Any] | None = None,
        **kwargs,
    ):
        inputs = keras.Input((None, None, 3), name="stimulus")
        super().__init__(inputs=inputs, outputs=head(backbone(inputs)), **kwargs)
        self.backbone = backbone
        self.head = head
        self.input_size = (input_size[0], input_size[1])
        self._options = options

    def get_config(self):
        if self._options is None:
            parts = {"backbone": self.backbone, "head": self.head}
            own = {name: keras.saving.serialize_keras_object(part) for name, part in parts.items()}
        else:
            own = {**self._options, "backbone_weights": "random"}  # a saved model brings its weights itself
        learn = [layer.trainable for layer in all_layers(self)]
        return {"input_size": self.input_size, **own, "name": self.name, "trainable": learn}

    def __repr__(self):
        without = self._options is None and type(self).get_config is SaliencyModel.get_config
        config = {} if without else self.get_config()
        # The backbone has its weights by now, whatever it began with.
        told = arguments_of(config, but=("backbone_weights", "trainable"))
        return f"{type(self).__name__}({', '.join(told)})"

    @classmethod
    def check_input_size(cls, size: tuple[int, int]) -> None:
        """InputError: stimuli of that size (rows, columns) are none that such a network can see."""
        check_input_size(size)
        multiple, smallest = cls.side_multiple, cls.smallest_side
        if min(size) < smallest or any(side % multiple for side in size):
            multiples = f"multiples of {multiple}, " if multiple > 1 else ""
            got = "x".join(map(str, size))
            raise InputError(f"input_size must be {multiples}at least {smallest}x{smallest}, got {got}")

    @classmethod
    def map_size(cls, input_size: tuple[int, int]) -> tuple[int, int]:
        """(rows, columns) of the map of a network with that input size."""
        return input_size[0], input_size[1]

    @property
    def output_size(self) -> tuple[int, int]:
        """(rows, columns) of the network's map, and of `y_true` in training."""
        return tuple(self.output.shape[1:3])

    @property
    def inference_batch(self) -> int:
        """How many stimuli to compute at once where nothing learns: 4 on a CPU.

        On a GPU as many as take 2 GiB at most, up to 64, a stimulus counted as three of the largest maps: a
        convolution's input, its output, and the workspace that it may ask for.
        """
        if not has_gpu():
            return CPU_BATCH
        rows, columns = self.input_size
        each = 3 * WIDEST * rows * columns
        return next((batch for batch in GPU_BATCHES if batch * each <= GPU_BUDGET), 1)

    def saliency(self, stimuli: keras.KerasTensor) -> keras.KerasTensor:
        """Saliency maps at the stimuli's own size.

        stimuli (B, H, W, 3), RGB, 0..255, uint8 or float; result (B, H, W, 1), float32, in [0, 1] with
        the maximum of each map at 1 (a map without any saliency stays 0).
        InputError: floats outside of 0..255 or in [0, 1], unless this runs in a graph, which has no values.
        """
        stimuli = ops.convert_to_tensor(stimuli)
        _check_floats(stimuli)
        size = ops.shape(stimuli)[1:3]
        maps = self(self.prepare(ops.cast(stimuli, "float32")), training=False)
        return scale_to_peak(self.restore(maps, size))

    def prepare(self, stimuli: keras.KerasTensor, resize: Resize = resize_stimuli) -> keras.KerasTensor:
        """Float stimuli (B, H, W, 3) brought to the network's size (B, rows, columns, 3): stretched.

        A network that pads instead overrides this and `restore`. Both run inside exported graphs too, where
        H and W are not known yet, and where `resize(images, size)` is one that every runtime has.
        """
        return resize(stimuli, self.input_size)

    def restore(
        self, maps: keras.KerasTensor, size: tuple[int, int], resize: Resize = resize_maps
    ) -> keras.KerasTensor:
        """The network's maps (B, h, w, 1) for stimuli of `size` (rows, columns), (B, rows, columns, 1)."""
        return resize(maps, size)

    def saliency_maps(self, stimuli: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Saliency maps (H, W), float32, in [0, 1], of stimuli (H, W, 3), uint8 RGB, of any sizes.

        A list of arrays or tensors, or one (N, H, W, 3); other numbers than uint8 as `kerasal.predict` takes
        them. InputError: one image without a list around it; another shape, such as that of a grey image:
        repeat its channel; floats in [0, 1].
        """
        stimuli = as_stimuli(stimuli)
        if not stimuli:
            return []
        # Each resized by itself, as the graph resizes it, so that stimuli of many sizes fit one batch.
        batches = (ops.cast(ops.convert_to_tensor(stimulus[None]), "float32") for stimulus in stimuli)
        small = np.concatenate([ops.convert_to_numpy(self.prepare(batch)) for batch in batches])
        maps = self.predict_on_batch(small)
        return [
            ops.convert_to_numpy(scale_to_peak(self.restore(map_[None], stimulus.shape[:2])))[0, ..., 0]
            for map_, stimulus in zip(maps, stimuli, strict=True)
        ]

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        learn = config.pop("trainable", ())
        for name in ("backbone", "head"):
            if isinstance(config.get(name), dict):  # else the name of a backbone, or none
                config[name] = keras.saving.deserialize_keras_object(config[name])
        network = cls(**config)
        # A layer's own setting goes down to those within it, which come after it.
        for layer, trainable in zip(all_layers(network), learn, strict=False):
            layer.trainable = trainable
        return network


def all_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """The model and every layer within it; each comes before those within it."""
    return list(model._flatten_layers())


def _check_floats(stimuli: keras.KerasTensor) -> None:
    """InputError: floats that are no image's, where they are known."""
    if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(stimuli.dtype)):
        return
    try:
        array = as_array(stimuli)
    except InputError:  # within a graph
        return
    check_levels(array)


def scale_to_peak(maps: keras.KerasTensor) -> keras.KerasTensor:
    """Maps (B, h, w, 1), each divided by its maximum; a map without any saliency stays 0."""
    peak = ops.max(maps, axis=(1, 2, 3), keepdims=True)
    return maps / ops.where(peak > 0, peak, 1.0)
