"""Pixel losses: S and P compared pixel by pixel, both in [0, 1]. Paper, section 3.2.1."""

import math

import keras
from keras import ops

from kerasal._map_ops import PIXELS, density, prediction, same_size
from kerasal.errors import InputError
from kerasal.losses._base import Loss

EXP_LIMIT = 10.0  # |S - P| between maps in [0, 1] is at most 1


def mse(y_true, y_pred):
    """The formula of `MSE`: one value per image, (B,)."""
    s, p = same_size(density(y_true), prediction(y_pred))
    return ops.mean(ops.square(s - p), axis=PIXELS)


@keras.saving.register_keras_serializable(package="kerasal")
class MSE(Loss):
    """Mean squared error: mean (S - P)^2. Best value 0. Paper, eq. 1."""

    family = "pixel"
    call = staticmethod(mse)

    def __init__(self, name="mse", **kwargs):
        super().__init__(name=name, **kwargs)


def ead(y_true, y_pred):
    """The formula of `EAD`: one value per image, (B,)."""
    s, p = same_size(density(y_true), prediction(y_pred))
    difference = ops.abs(s - p)
    near = ops.minimum(difference, EXP_LIMIT)
    tangent = math.exp(EXP_LIMIT) * ops.relu(difference - EXP_LIMIT)
    return ops.mean(ops.expm1(near) + tangent, axis=PIXELS)


@keras.saving.register_keras_serializable(package="kerasal")
class EAD(Loss):
    """Exponential absolute difference: mean (exp|S - P| - 1). Best value 0. Paper, eq. 2.

    Beyond a difference of 10, which maps in [0, 1] never have, the exponential goes on as its tangent:
    float32 would overflow at 89.
    """

    family = "pixel"
    call = staticmethod(ead)

    def __init__(self, name="ead", **kwargs):
        super().__init__(name=name, **kwargs)


def ae(y_true, y_pred):
    """The formula of `AE`: one value per image, (B,)."""
    s, p = same_size(density(y_true), prediction(y_pred))
    return ops.mean(ops.abs(s - p), axis=PIXELS)


@keras.saving.register_keras_serializable(package="kerasal")
class AE(Loss):
    """Absolute error: mean |S - P|. Best value 0. Paper, eq. 3."""

    family = "pixel"
    call = staticmethod(ae)

    def __init__(self, name="ae", **kwargs):
        super().__init__(name=name, **kwargs)


def mlnet_mse(y_true, y_pred, alpha=1.1, normalize=True):
    """The formula of `MLNetMSE`: one value per image, (B,)."""
    s, p = same_size(density(y_true), prediction(y_pred))
    if normalize:
        peak = ops.max(p, axis=PIXELS, keepdims=True)
        p = p / ops.where(peak > 1e-12, peak, 1.0)
    return ops.mean(ops.square(s - p) / (alpha - s), axis=PIXELS)


@keras.saving.register_keras_serializable(package="kerasal")
class MLNetMSE(Loss):
    """ML-Net's weighted squared error: mean (S - P / max P)^2 / (alpha - S). Best value 0.

    Args:
        alpha: above 1. At 1.1 an error at the peak of S weighs 10, one where S is 0 weighs 0.91.
        normalize: divide P by its own maximum, as ML-Net does (Cornia et al. 2016); the paper's
            eq. 4 prints P as it is. A P without a positive pixel is left as it is.
    """

    family = "pixel"

    def __init__(self, alpha=1.1, normalize=True, name="mlnet-mse", **kwargs):
        super().__init__(name=name, **kwargs)
        if not 1 < alpha < float("inf"):
            raise InputError(f"mlnet-mse: alpha must be above 1, the peak of S; got {alpha}")
        self.alpha = float(alpha)
        self.normalize = bool(normalize)

    def call(self, y_true, y_pred):
        return mlnet_mse(y_true, y_pred, self.alpha, self.normalize)


def sig_mse(y_true, y_pred, lam=0.55, k=10.0):
    """The formula of `SigmoidMSE`: one value per image, (B,)."""
    s, p = same_size(density(y_true), prediction(y_pred))
    return ops.mean(k * ops.sigmoid(k * (s - lam)) * ops.square(s - p), axis=PIXELS)


@keras.saving.register_keras_serializable(package="kerasal")
class SigmoidMSE(Loss):
    """Sigmoid-weighted MSE: mean w (S - P)^2, w = k / (1 + exp(-k (S - lam))), k = 10. Best value 0.

    Args:
        lam: in [0, 1], the density at which the weight is half of `k`.
        k: positive; both the largest weight and the steepness, as printed.

    Paper, eq. 4.
    """

    family = "pixel"

    def __init__(self, lam=0.55, k=10.0, name="sig-mse", **kwargs):
        super().__init__(name=name, **kwargs)
        if not 0 <= lam <= 1:
            raise InputError(f"sig-mse: lam must be in [0, 1]; got {lam}")
        if not 0 < k < float("inf"):
            raise InputError(f"sig-mse: k must be positive; got {k}")
        self.lam = float(lam)
        self.k = float(k)

    def call(self, y_true, y_pred):
        return sig_mse(y_true, y_pred, self.lam, self.k)
