"""Networks that keep a stimulus's aspect ratio."""

from pathlib import Path

import keras

from kerasal.layers import crop_maps, gaussian_blur, pad_stimuli
from kerasal.models.base import SaliencyModel
from kerasal.weights import layers_by_name, load_theano_weights


class PaddedSaliencyModel(SaliencyModel):
    """A saliency network whose stimuli are resized at their own aspect ratio, within zeros.

    Maps are resized to cover the stimulus and cropped; where the network was published with a last
    smoothing, by `blur_sigma` pixels of the stimulus. `REFERENCE_LAYERS` are those with weights, in the order
    of the reference code's weights file. Source: the reference codes of ML-Net and SAM.
    """

    padded = True
    blur_sigma = 0.0
    REFERENCE_LAYERS: tuple[str, ...] = ()

    def prepare(self, stimuli: keras.KerasTensor, resize=None) -> keras.KerasTensor:
        """Stimuli (B, H, W, 3) within the network's size, (B, rows, columns, 3): see `pad_stimuli`.

        `resize` is not used: these networks need OpenCV's arithmetic.
        """
        return pad_stimuli(stimuli, self.input_size)

    def restore(self, maps: keras.KerasTensor, size: tuple, resize=None) -> keras.KerasTensor:
        """The network's maps (B, h, w, 1) for stimuli of `size`: see `crop_maps`; then smoothed."""
        maps = crop_maps(maps, size)
        if self.blur_sigma:
            # As far as SciPy's gaussian_filter looks.
            maps = gaussian_blur(maps, 2 * int(4 * self.blur_sigma + 0.5) + 1, self.blur_sigma)
        return maps

    def reference_layers(self) -> list[keras.layers.Layer]:
        """The layers with weights in the order of the reference code's weights file."""
        layers = layers_by_name(self.backbone, self.head)
        return [layers[name] for name in self.REFERENCE_LAYERS]

    def load_original(self, path: Path | str) -> None:
        """Take the weights of the reference code's file, HDF5 of Keras 1. InputError: they do not fit."""
        load_theano_weights(self.reference_layers(), path)
