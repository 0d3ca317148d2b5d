"""The centre-bias regularisation R. Paper, section 3.2.5."""

from pathlib import Path

import keras
import numpy as np
from keras import ops

from kerasal._map_ops import PIXELS, prediction
from kerasal.errors import InputError, one_line
from kerasal.losses._base import Loss

# The mean map of OSIE's densities (300x400, sigma 12 px, peak 1 each): deviations 0.20 H and 0.22 W by their
# moments, peak 0.17, or 0.13 in the best Gaussian fit. Clarke and Tatler 2014 give 0.21 H and 0.23 W at 4:3.
GAUSSIAN_PEAK = 0.15
GAUSSIAN_DEVIATIONS = (0.21, 0.23)  # of the height, of the width


def r(y_true, y_pred, center_bias, alpha=0.1):
    """The formula of `CenterBias`: one value per image, (B,). B is (H, W); `y_true` plays no part."""
    p = prediction(y_pred)
    if p.shape[1:3] != center_bias.shape and None not in p.shape[1:3]:
        raise InputError(
            f"the centre bias must have the size of the predicted map, {tuple(p.shape[1:3])}; "
            f"got {tuple(center_bias.shape)}"
        )
    b = ops.cast(ops.convert_to_tensor(center_bias), "float32")[None, :, :, None]
    return alpha * ops.mean(ops.square(p - b), axis=PIXELS)


def gaussian_center_bias(height: int, width: int) -> np.ndarray:
    """An analytic stand-in for the mean training map: a centred Gaussian, (height, width) float32, peak 0.15.

    Its deviations are 0.21 of the height and 0.23 of the width (Clarke and Tatler 2014).
    """
    return ops.convert_to_numpy(_gaussian(height, width))


@keras.saving.register_keras_serializable(package="kerasal")
class CenterBias(Loss):
    """Centre-bias regularisation: alpha mean (P - B)^2. Best value 0. Paper, eq. 16.

    Args:
        center_bias: B, the mean of the training densities at the size of the predicted map: an array
            (H, W), the path of a .npy file that holds one, or "gaussian" for `gaussian_center_bias` at the
            map's own size. What a file holds is saved with the loss, its path is not.
        alpha: the strength, at least 0.

    The paper prints R for one pixel; this is its mean, like the other pixel losses.
    InputError: a file or an array that is no map, or (when called) one of another size than P.
    """

    family = "regularization"

    def __init__(self, center_bias="gaussian", alpha=0.1, name="r", **kwargs):
        super().__init__(name=name, **kwargs)
        if not 0 <= alpha < float("inf"):
            raise InputError(f"r: alpha must be at least 0 and finite; got {alpha}")
        self.center_bias = _map_or_gaussian(center_bias)
        self.alpha = float(alpha)

    def call(self, y_true, y_pred):
        b = self.center_bias
        if isinstance(b, str):
            _, height, width, _ = ops.shape(y_pred)
            b = _gaussian(height, width)
        return r(y_true, y_pred, b, self.alpha)

    def get_config(self):
        b = self.center_bias if isinstance(self.center_bias, str) else self.center_bias.tolist()
        return {**super().get_config(), "center_bias": b}


def _map_or_gaussian(center_bias):
    """ "gaussian", or the map as a float32 array."""
    if isinstance(center_bias, str) and center_bias == "gaussian":
        return center_bias
    if isinstance(center_bias, (str, Path)):
        try:
            center_bias = np.load(center_bias, allow_pickle=False)
        except Exception as error:  # a damaged header makes NumPy raise whatever it comes to
            what = one_line(error)
            raise InputError(f"no centre bias in {center_bias}: expected a .npy file ({what})") from None
    try:
        b = np.asarray(center_bias, dtype="float32")
    except (TypeError, ValueError):
        raise InputError(
            f"center_bias must be a map, a .npy file or 'gaussian'; got {center_bias!r}"
        ) from None
    if b.ndim != 2 or b.size == 0 or not np.isfinite(b).all():
        raise InputError(f"center_bias must be a finite map (height, width); got shape {b.shape}")
    return b


def _gaussian(height, width):
    """`gaussian_center_bias` as a tensor. The sizes may be tensors: of a map of unknown size in a graph."""
    rows, columns = (
        ops.exp(-0.5 * ops.square(_positions(size) / deviation))
        for size, deviation in zip((height, width), GAUSSIAN_DEVIATIONS, strict=True)
    )
    return GAUSSIAN_PEAK * rows[:, None] * columns


def _positions(size):
    """The centres of `size` pixels from the middle, as shares of the whole: -0.5 to 0.5."""
    return (ops.arange(size, dtype="float32") + 0.5) / ops.cast(size, "float32") - 0.5
