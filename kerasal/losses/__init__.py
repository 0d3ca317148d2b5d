"""Losses of saliency models: keras.losses.Loss classes, and the language that names them.

All of them: `y_true` (B, H, W, 1 or 2) with the density map S in channel 0, in [0, 1], and the binary
fixation map F in channel 1 (`needs_fixations` says which losses ask for it); `y_pred` (B, H, W, 1), the
saliency map P, non-negative. One value per image, which Keras weighs and reduces. Computed in float32 under
every dtype policy. Smaller is better. The sums and means of a formula go over the pixels of one image.
Numbers of equations are those of Bruckert et al., "Deep Saliency Models: the Quest for the Loss Function"
(2019), which has all but SIM; docs/losses.md tells where a formula departs from them. `LOSSES` has them all
as data.
"""

# ruff: noqa: I001, RUF022 - imports and names in the order of docs/losses.md

from kerasal.losses import functional
from kerasal.losses.pixel import MSE, EAD, AE, MLNetMSE, SigmoidMSE
from kerasal.losses.distribution import KLD, Bhattacharyya, BCE, WeightedBCE, FocalLoss, NLL
from kerasal.losses.saliency import NSS, CC, SIM
from kerasal.losses.perceptual import DeepFeatures, GramMatrices
from kerasal.losses.center_bias import CenterBias
from kerasal.losses.combination import LinearCombination, LC1, LC2, activation_for
from kerasal.losses.table import LOSSES, LossInfo
from kerasal.losses.spec import SpecError, canonical, expand, get, parse
from kerasal.losses.term_values import term_metrics

__all__ = [
    "MSE",
    "EAD",
    "AE",
    "MLNetMSE",
    "SigmoidMSE",
    "KLD",
    "Bhattacharyya",
    "BCE",
    "WeightedBCE",
    "FocalLoss",
    "NLL",
    "NSS",
    "CC",
    "SIM",
    "DeepFeatures",
    "GramMatrices",
    "CenterBias",
    "LinearCombination",
    "LC1",
    "LC2",
    "LOSSES",
    "LossInfo",
    "get",
    "parse",
    "expand",
    "canonical",
    "SpecError",
    "activation_for",
    "term_metrics",
    "functional",
]


def __dir__() -> list[str]:
    return sorted(__all__)
