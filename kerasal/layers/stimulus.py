"""From a stimulus to the input of an ImageNet network."""

import keras
from keras import ops

from kerasal.layers._base import Layer
from kerasal.layers.resampling import pad_stimuli
from kerasal.layers.resizing import resize_area

IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)  # Simonyan and Zisserman 2014, over the ILSVRC training set


def resize_stimuli(stimuli: keras.KerasTensor, size: tuple[int, int]) -> keras.KerasTensor:
    """Float stimuli (B, H, W, 3) at `size` (rows, columns): bicubic, antialiased where it shrinks.

    A stimulus of another aspect ratio is stretched. `kerasal.data.reading.resize_stimulus` is the same.
    """
    return shrink_then_grow(stimuli, size, "bicubic")


def shrink_then_grow(
    images: keras.KerasTensor, size: tuple[int, int], interpolation: str
) -> keras.KerasTensor:
    """Keras's resize with antialiasing: images (B, H, W, C) at `size` (rows, columns).

    Where one side shrinks and the other grows, the one shrinks first: backends go along the rows first, and
    a long image of a few rows would grow by hundreds of rows as long.
    """
    options = {"interpolation": interpolation, "antialias": True, "data_format": "channels_last"}
    lengths = images.shape[1:3]
    if None not in lengths and all(isinstance(wanted, int) for wanted in size):
        smaller = tuple(map(min, lengths, size))
        if smaller not in (lengths, tuple(size)):
            images = ops.image.resize(images, smaller, **options)
    return ops.image.resize(images, size, **options)


RESIZES = {"bicubic": resize_stimuli, "padded": pad_stimuli, "area": resize_area}


@keras.saving.register_keras_serializable(package="kerasal")
class StimulusPreprocessing(Layer):
    """Resize RGB stimuli, and bring colours to what an ImageNet network was trained with; at first VGG-16.

    Args:
        size: (rows, columns) of the output; None leaves stimuli at their own.
        resize: "bicubic" or "area" stretch the stimuli; "padded" keeps their aspect ratio, within zeros. The
            mean is taken off the zeros as well.
        mean: what is taken off each channel, in the output's order.
        divisor: what the difference is divided by.
        order: of the output's channels, "BGR" or "RGB".

    Input (B, H, W, 3), RGB, 0..255, any size; output (B, rows, columns, 3).
    """

    def __init__(
        self,
        size: tuple[int, int] | None,
        resize: str = "bicubic",
        mean: tuple[float, float, float] = IMAGENET_MEAN_BGR,
        divisor: float = 1.0,
        order: str = "BGR",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if resize not in RESIZES:
            raise ValueError(f"resize must be one of {', '.join(RESIZES)}, got {resize!r}")
        if order not in ("BGR", "RGB"):
            raise ValueError(f"order must be 'BGR' or 'RGB', got {order!r}")
        self.size = size and tuple(size)
        self.resize = resize
        self.mean = tuple(mean)
        self.divisor = divisor
        self.order = order

    def call(self, inputs):
        stimulus = ops.cast(inputs, self.compute_dtype)
        if self.size and tuple(inputs.shape[1:3]) != self.size:
            stimulus = ops.cast(RESIZES[self.resize](stimulus, self.size), self.compute_dtype)
        mean = ops.convert_to_tensor(self.mean, dtype=stimulus.dtype)
        if self.order == "BGR":
            stimulus = ops.flip(stimulus, axis=-1)
        return (stimulus - mean) / self.divisor

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *(self.size or input_shape[1:3]), 3)
