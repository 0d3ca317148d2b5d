"""Networks that keep a stimulus's aspect ratio."""

import keras

from kerasal.layers import crop_maps, gaussian_blur, pad_stimuli
from kerasal.models.base import SaliencyModel


class PaddedSaliencyModel(SaliencyModel):
    """A saliency network whose stimuli are resized at their own aspect ratio, within zeros.

    Maps are resized to cover the stimulus and cropped; where the network was published with a last
    smoothing, by `blur_sigma` pixels of the stimulus. Source: the reference codes of ML-Net and SAM.
    """

    padded = True
    blur_sigma = 0.0

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
