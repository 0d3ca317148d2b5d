"""Distribution losses: S and P as distributions over the image, or as a probability at each pixel.

Paper, section 3.2.2, which trains them behind a sigmoid. dist(X) is X clamped at 0 and divided by its sum.
An image whose density is all zero says nothing about where people look: KLD and Bhattacharyya give 0 there.
"""

import keras
from keras import ops

from kerasal._map_ops import (
    PIXELS,
    density,
    distribution,
    fixation_map,
    guarded_log,
    pixel_count,
    prediction,
    same_size,
    unless_blank,
)
from kerasal.errors import InputError
from kerasal.losses._base import Loss

SHARE_FLOOR = 1e-7  # a pixel's share of dist(P), in units of the even share 1 / (H W)
SQRT_FLOOR = 1e-12  # the same, for a square root
AFFINITY_FLOOR = 1e-6  # sum sqrt(dist(S) dist(P)) of maps that do not overlap
PROBABILITY_FLOOR = 1e-7  # P and 1 - P in the cross-entropies


def kld(y_true, y_pred, reverse=False):
    """The formula of `KLD`: one value per image, (B,)."""
    s, p = same_size(density(y_true), prediction(y_pred))
    p, q = distribution(s), distribution(p)
    floor = SHARE_FLOOR / pixel_count(q)
    log_p = guarded_log(p, floor) if reverse else ops.log(ops.where(p > 0, p, 1.0))
    log_q = guarded_log(q, floor)
    terms = q * (log_q - log_p) if reverse else p * (log_p - log_q)
    return unless_blank(s, ops.sum(terms, axis=PIXELS))


@keras.saving.register_keras_serializable(package="kerasal")
class KLD(Loss):
    """Kullback-Leibler divergence, in nats: sum dist(S) log(dist(S) / dist(P)). Best value 0.

    Args:
        reverse: the paper's eq. 5 as printed, sum dist(P) log(dist(P) / dist(S)). The default has the roles
            of SAM and of the MIT metric, because S holds exact zeros.

    The guard: where a pixel's share of dist(P) is below 1e-7 of the even share 1 / (H W), its logarithm goes
    on as the tangent there. Above that nothing is added or clipped, so the value has no bias: identical maps
    give 0, and positive maps what the MIT metric gives, sum s log(eps + s / (p + eps)) with eps 2.2e-16. An
    exact zero of P costs log(H W / 1e-7) + 1 nats per unit of density, and its slope is finite and upwards.
    Other guards were left for a reason: an epsilon as large as Keras's 1e-7 biases the value, since shares
    are themselves about 1e-5; MIT's makes slopes of 1e15; a clip leaves a missed pixel no gradient. An
    all-zero P counts as uniform, with the gradient of an even map.
    """

    family = "distribution"

    def __init__(self, reverse=False, name="kld", **kwargs):
        super().__init__(name=name, **kwargs)
        self.reverse = bool(reverse)

    def call(self, y_true, y_pred):
        return kld(y_true, y_pred, self.reverse)


def bhat(y_true, y_pred):
    """The formula of `Bhattacharyya`: one value per image, (B,)."""
    s, p = same_size(density(y_true), prediction(y_pred))
    p, q = distribution(s), distribution(p)
    floor = SQRT_FLOOR / pixel_count(q)
    root = ops.where(q > floor, ops.sqrt(ops.maximum(q, floor)), q / ops.sqrt(floor))
    affinity = ops.sum(ops.sqrt(p) * root, axis=PIXELS)
    return unless_blank(s, -guarded_log(affinity, AFFINITY_FLOOR))


@keras.saving.register_keras_serializable(package="kerasal")
class Bhattacharyya(Loss):
    """Bhattacharyya distance: -log sum sqrt(dist(S) dist(P)). Best value 0.

    The paper's eq. 6 prints sum sqrt(S P), the coefficient, which grows with similarity; this is the distance
    of Jetley et al. 2016. The square root's slope is infinite at 0: below 1e-12 of the even share
    1 / (H W) it is replaced by its chord to 0, which changes the sum by less than 1e-6.
    """

    family = "distribution"
    call = staticmethod(bhat)

    def __init__(self, name="bhat", **kwargs):
        super().__init__(name=name, **kwargs)


def bce(y_true, y_pred):
    """The formula of `BCE`: one value per image, (B,)."""
    s, p = same_size(density(y_true), prediction(y_pred))
    log_p, log_rest = _log_probabilities(p)
    return -ops.mean(s * log_p + (1.0 - s) * log_rest, axis=PIXELS)


@keras.saving.register_keras_serializable(package="kerasal")
class BCE(Loss):
    """Binary cross-entropy: -mean (S log P + (1 - S) log(1 - P)); least for P = S, not 0.

    The paper's eq. 7 prints a sum: the mean has the same minimum and does not depend on the resolution.
    P in [0, 1]; outside, and within 1e-7 of either end, the logarithms go on as their tangents, so that
    a P of 0 or 1 is finite and one outside [0, 1] is driven back.
    """

    family = "distribution"
    call = staticmethod(bce)

    def __init__(self, name="bce", **kwargs):
        super().__init__(name=name, **kwargs)


def w_bce(y_true, y_pred, weight=0.5):
    """The formula of `WeightedBCE`: one value per image, (B,)."""
    s, p = same_size(density(y_true), prediction(y_pred))
    log_p, log_rest = _log_probabilities(p)
    return -ops.mean(weight * s * log_p + (1.0 - weight) * (1.0 - s) * log_rest, axis=PIXELS)


@keras.saving.register_keras_serializable(package="kerasal")
class WeightedBCE(Loss):
    """Weighted binary cross-entropy: -mean (weight S log P + (1 - weight) (1 - S) log(1 - P)).

    Args:
        weight: in [0, 1]; above 0.5 it stresses missed density. At 0.5 the value is half of BCE's.

    Paper, eq. 8, with the mean for the sum and the guards of `BCE`.
    """

    family = "distribution"

    def __init__(self, weight=0.5, name="w-bce", **kwargs):
        super().__init__(name=name, **kwargs)
        if not 0 <= weight <= 1:
            raise InputError(f"w-bce: weight must be in [0, 1]; got {weight}")
        self.weight = float(weight)

    def call(self, y_true, y_pred):
        return w_bce(y_true, y_pred, self.weight)


def focal(y_true, y_pred, gamma=2.0, modulation="paper"):
    """The formula of `FocalLoss`: one value per image, (B,)."""
    s, p = same_size(density(y_true), prediction(y_pred))
    log_p, log_rest = _log_probabilities(p)
    # A power of a negative number is NaN, and the slope of one below the first is infinite at 0.
    unit = ops.clip(p, PROBABILITY_FLOOR, 1.0 - PROBABILITY_FLOOR)
    raised = ops.power(unit, gamma)
    missed = ops.power(1.0 - unit, gamma) if modulation == "lin" else 1.0 - raised
    return -ops.mean(missed * s * log_p + raised * (1.0 - s) * log_rest, axis=PIXELS)


@keras.saving.register_keras_serializable(package="kerasal")
class FocalLoss(Loss):
    """Focal loss: -mean ((1 - P^gamma) S log P + P^gamma (1 - S) log(1 - P)).

    Args:
        gamma: positive.
        modulation: "paper", eq. 9 as printed, or "lin": (1 - P)^gamma in place of 1 - P^gamma, as Lin et al.
            2017.

    With the mean for the sum and the guards of `BCE`.
    """

    family = "distribution"

    def __init__(self, gamma=2.0, modulation="paper", name="focal", **kwargs):
        super().__init__(name=name, **kwargs)
        if not 0 < gamma < float("inf"):
            raise InputError(f"focal: gamma must be positive; got {gamma}")
        if modulation not in ("paper", "lin"):
            raise InputError(f"focal: modulation must be 'paper' or 'lin'; got {modulation!r}")
        self.gamma = float(gamma)
        self.modulation = modulation

    def call(self, y_true, y_pred):
        return focal(y_true, y_pred, self.gamma, self.modulation)


def nll(y_true, y_pred):
    """The formula of `NLL`: one value per image, (B,)."""
    f, p = same_size(fixation_map(y_true, "NLL"), prediction(y_pred))
    q = distribution(p)
    log_q = guarded_log(q, SHARE_FLOOR / pixel_count(q))
    fixations = ops.sum(f, axis=PIXELS)
    return -ops.sum(f * log_q, axis=PIXELS) / ops.maximum(fixations, 1.0)


@keras.saving.register_keras_serializable(package="kerasal")
class NLL(Loss):
    """Negative log-likelihood, in nats per fixated pixel: -1/(sum F) sum F log dist(P).

    An even map gives log(H W). 0 for an image without fixations. Paper, eq. 10, which normalises P nowhere: a
    likelihood needs it. The guard is KLD's.
    """

    family = "distribution"
    needs_fixations = True
    call = staticmethod(nll)

    def __init__(self, name="nll", **kwargs):
        super().__init__(name=name, **kwargs)


def _log_probabilities(p):
    """log P and log(1 - P), guarded."""
    return guarded_log(p, PROBABILITY_FLOOR), guarded_log(1.0 - p, PROBABILITY_FLOOR)
