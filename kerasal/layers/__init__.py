"""Layers of saliency networks, in keras.ops alone."""

from kerasal.layers.adaptation import Adaptation
from kerasal.layers.aspp import ASPP
from kerasal.layers.attentive_convlstm import AttentiveConvLSTM
from kerasal.layers.dilated import DilatedConv2D
from kerasal.layers.gaussian_blur import GaussianBlur, gaussian_blur
from kerasal.layers.learned_prior import LearnedGaussianPrior
from kerasal.layers.local_response_normalization import LocalResponseNormalization
from kerasal.layers.maxout import Maxout
from kerasal.layers.pooling import CaffeMaxPooling2D, TheanoMaxPooling2D
from kerasal.layers.prior_map import LearnedPriorMap
from kerasal.layers.resampling import crop_maps, pad_stimuli
from kerasal.layers.resizing import (
    blur_5x5,
    fit_bilinear,
    resize_area,
    resize_bicubic,
    resize_cubic,
    resize_triangle,
)
from kerasal.layers.stimulus import StimulusPreprocessing, resize_stimuli, shrink_then_grow
from kerasal.layers.upsampling import BilinearUpsampling
from kerasal.layers.weight_normalization import WeightNormConv2D

__all__ = [
    "ASPP",
    "Adaptation",
    "AttentiveConvLSTM",
    "BilinearUpsampling",
    "CaffeMaxPooling2D",
    "DilatedConv2D",
    "GaussianBlur",
    "LearnedGaussianPrior",
    "LearnedPriorMap",
    "LocalResponseNormalization",
    "Maxout",
    "StimulusPreprocessing",
    "TheanoMaxPooling2D",
    "WeightNormConv2D",
    "blur_5x5",
    "crop_maps",
    "fit_bilinear",
    "gaussian_blur",
    "pad_stimuli",
    "resize_area",
    "resize_bicubic",
    "resize_cubic",
    "resize_stimuli",
    "resize_triangle",
    "shrink_then_grow",
]


def __dir__() -> list[str]:
    return sorted(__all__)
