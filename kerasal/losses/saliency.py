"""Saliency losses: the field's metrics, negated so that they are minimised.

Paper, section 3.2.3, which has CC and NSS.
"""

import keras
from keras import ops

from kerasal._map_ops import (
    PIXELS,
    centred,
    density,
    distribution,
    fixation_map,
    pixel_count,
    prediction,
    same_size,
    unless_blank,
)
from kerasal.losses._base import Loss


def cc(y_true, y_pred):
    """The formula of `CC`: one value per image, (B,)."""
    s, p = same_size(density(y_true), prediction(y_pred))
    s, s_deviation = centred(s)
    p, p_deviation = centred(p)
    covariance = ops.mean(s * p, axis=PIXELS)
    return -covariance / ops.squeeze(s_deviation * p_deviation, axis=PIXELS)


@keras.saving.register_keras_serializable(package="kerasal")
class CC(Loss):
    """Correlation: -cov(S, P) / (std S std P), Pearson's coefficient, negated. Best value -1. Paper, eq. 12.

    0 where S or P is constant. A constant P is divided by 1 in place of its deviation, so that its gradient
    is finite and points to S. Eq. 12 prints the coefficient itself, which grows with similarity.
    """

    family = "saliency"
    call = staticmethod(cc)

    def __init__(self, name="cc", **kwargs):
        super().__init__(name=name, **kwargs)


def nss(y_true, y_pred):
    """The formula of `NSS`: one value per image, (B,)."""
    f, p = same_size(fixation_map(y_true, "NSS"), prediction(y_pred))
    p, deviation = centred(p)
    count = pixel_count(p)
    deviation = ops.squeeze(deviation, axis=PIXELS) * ops.sqrt(count / ops.maximum(count - 1.0, 1.0))
    fixations = ops.maximum(ops.sum(f, axis=PIXELS), 1.0)
    return -ops.sum(f * p, axis=PIXELS) / (fixations * deviation)


@keras.saving.register_keras_serializable(package="kerasal")
class NSS(Loss):
    """Normalised scanpath saliency: -1/(sum F) sum F (P - mean P) / std P. No bound.

    In standard deviations of P, divisor H W - 1 as the MIT metric has it. 0 for an image without fixations
    and for a constant P, which is divided by 1 in place of its deviation: its gradient points to the
    fixations. The paper's eq. 11 divides by the number of pixels; this is per fixated pixel, as the metric
    and SAM have it, and negated.
    """

    family = "saliency"
    needs_fixations = True
    call = staticmethod(nss)

    def __init__(self, name="nss", **kwargs):
        super().__init__(name=name, **kwargs)


def sim(y_true, y_pred):
    """The formula of `SIM`: one value per image, (B,)."""
    s, p = same_size(density(y_true), prediction(y_pred))
    p, q = distribution(s), distribution(p)
    # `where` and not `minimum`: where both are equal the slope is 0, on every backend.
    return unless_blank(s, -ops.sum(ops.where(q < p, q, p), axis=PIXELS))


@keras.saving.register_keras_serializable(package="kerasal")
class SIM(Loss):
    """Similarity, or histogram intersection: -sum min(dist(S), dist(P)). Best value -1.

    Not in the paper. Subtracted from the other terms, as in the code of TranSalNet (Lou et al. 2022) and SUM
    (Hosseini et al. 2024); they first take each map's minimum off, as the metric does. Here a zero of P has
    a meaning, as in KLD: else a constant added to P would change nothing, and the pixel that happens to be
    the lowest would be pulled for all others.

    Only pixels with less than their share of S pull up, all others alike give way. 0 for an image without
    density; an all-zero P counts as uniform, with the gradient of an even map.
    """

    family = "saliency"
    call = staticmethod(sim)

    def __init__(self, name="sim", **kwargs):
        super().__init__(name=name, **kwargs)
