"""Layers of saliency networks, in keras.ops alone."""

from kerasal.layers.aspp import ASPP
from kerasal.layers.gaussian_blur import GaussianBlur
from kerasal.layers.stimulus import StimulusPreprocessing, resize_stimuli

__all__ = ["ASPP", "GaussianBlur", "StimulusPreprocessing", "resize_stimuli"]
