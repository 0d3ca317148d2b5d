"""The losses as functions of (y_true, y_pred): one value per image, (B,), no reduction.

Each is the formula that the class of the same name calls; a class's docstring describes it.
"""

import keras

from kerasal.losses.center_bias import gaussian_center_bias, r
from kerasal.losses.distribution import bce, bhat, focal, kld, nll, w_bce
from kerasal.losses.perceptual import df, gm
from kerasal.losses.pixel import ae, ead, mlnet_mse, mse, sig_mse
from kerasal.losses.saliency import cc, nss, sim

__all__ = [
    "ae",
    "bce",
    "bhat",
    "cc",
    "df",
    "ead",
    "focal",
    "gaussian_center_bias",
    "gm",
    "kld",
    "mlnet_mse",
    "mse",
    "nll",
    "nss",
    "r",
    "sig_mse",
    "sim",
    "w_bce",
]

for _name in __all__:  # so that a model that was compiled with one loads again
    keras.saving.register_keras_serializable("kerasal", _name)(globals()[_name])
