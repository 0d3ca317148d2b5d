"""Layers of saliency networks, in keras.ops alone."""

from kerasal.layers.aspp import ASPP
from kerasal.layers.attentive_convlstm import AttentiveConvLSTM
from kerasal.layers.gaussian_blur import GaussianBlur, gaussian_blur
from kerasal.layers.learned_prior import LearnedGaussianPrior
from kerasal.layers.pooling import TheanoMaxPooling2D
from kerasal.layers.resampling import crop_maps, pad_stimuli
from kerasal.layers.stimulus import StimulusPreprocessing, resize_stimuli
from kerasal.layers.upsampling import BilinearUpsampling

__all__ = [
    "ASPP",
    "AttentiveConvLSTM",
    "BilinearUpsampling",
    "GaussianBlur",
    "LearnedGaussianPrior",
    "StimulusPreprocessing",
    "TheanoMaxPooling2D",
    "crop_maps",
    "gaussian_blur",
    "pad_stimuli",
    "resize_stimuli",
]
