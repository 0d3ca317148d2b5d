"""From a stimulus to the input of an ImageNet network."""

import keras
from keras import ops

from kerasal.layers.resampling import pad_stimuli

IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)  # Simonyan and Zisserman 2014, over the ILSVRC training set


@keras.saving.register_keras_serializable(package="kerasal")
class StimulusPreprocessing(keras.layers.Layer):
    """Resize RGB stimuli, take the ImageNet mean off, and order the channels as VGG-16 expects them.

    Args:
        size: (rows, columns) of the output.
        padded: keep the stimuli's aspect ratio, within zeros, instead of stretching them. The mean is taken
            off the zeros as well.

    Input (B, H, W, 3), RGB, 0..255, any size; output (B, rows, columns, 3), BGR, mean removed.
    """

    def __init__(self, size: tuple[int, int], padded: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.size = tuple(size)
        self.padded = padded

    def call(self, inputs):
        stimulus = ops.cast(inputs, self.compute_dtype)
        if tuple(inputs.shape[1:3]) != self.size:
            resize = pad_stimuli if self.padded else resize_stimuli
            stimulus = ops.cast(resize(stimulus, self.size), self.compute_dtype)
        mean = ops.convert_to_tensor(IMAGENET_MEAN_BGR, dtype=stimulus.dtype)
        return ops.flip(stimulus, axis=-1) - mean

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.size, 3)

    def get_config(self):
        return {**super().get_config(), "size": self.size, "padded": self.padded}


def resize_stimuli(stimuli: keras.KerasTensor, size: tuple[int, int]) -> keras.KerasTensor:
    """Float stimuli (B, H, W, 3) at `size` (rows, columns): bicubic, antialiased where it shrinks.

    A stimulus of another aspect ratio is stretched. `kerasal.data.pipeline.resize_stimulus` is the same.
    """
    return ops.image.resize(stimuli, size, interpolation="bicubic", antialias=True)
