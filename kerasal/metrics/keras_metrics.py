"""The metrics for `model.compile(metrics=[...])`: over batches, in float32, named like the array functions.

docs/metrics.md says where they differ.
"""

import keras
import numpy as np
from keras import ops

from kerasal import _map_ops
from kerasal.metrics._inputs import EPSILON


class ImageMean(keras.metrics.Mean):
    """Mean over images of a value per image; a metric below defines `image_values`.

    y_true (B, H, W, 2), density and fixations; y_pred (B, H, W, 1), the predicted map. Computes in float32.
    Every image counts once, so that a smaller last batch weighs less; `sample_weight` (B,) weighs images.
    Images without ground truth, as each class says, are left out; NaN while there was none but those.

    Each metric writes out an `__init__`, if only for its name: help reads the usual one there.
    """

    _direction = "up"  # which way is better: Keras's callbacks with mode "auto" look for it

    def image_values(self, y_true, y_pred):
        """Value of each image, (B,), and whether it has one, (B,) boolean."""
        raise NotImplementedError

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        for true_side, predicted_side in zip(y_true.shape[1:3], y_pred.shape[1:3], strict=False):
            if None not in (true_side, predicted_side) and true_side != predicted_side:
                raise ValueError(
                    f"y_true and y_pred must have one height and width, got {tuple(y_true.shape)} "
                    f"and {tuple(y_pred.shape)}"
                )
        values, has_value = self.image_values(y_true, y_pred)
        weights = ops.cast(has_value, "float32")
        if sample_weight is not None:
            weights = weights * _map_ops.per_image(sample_weight)
        super().update_state(ops.where(has_value, values, 0.0), sample_weight=weights)

    def result(self):
        return ops.where(self.count > 0, super().result(), float("nan"))


@keras.saving.register_keras_serializable(package="kerasal", name="CCMetric")
class CC(ImageMean):
    """Mean of `cc` over images, for `model.compile(metrics=[...])`.

    Images with an all-zero density are left out.
    """

    def __init__(self, name="cc", **kwargs):
        super().__init__(name=name, **kwargs)

    def image_values(self, y_true, y_pred):
        density = _map_ops.density(y_true)
        s, s_deviation = _map_ops.centred(density)
        p, p_deviation = _map_ops.centred(_checked_prediction(y_pred))
        correlation = ops.mean((s / s_deviation) * (p / p_deviation), axis=_map_ops.PIXELS)
        return correlation, _map_ops.has_density(density)


@keras.saving.register_keras_serializable(package="kerasal", name="SIMMetric")
class SIM(ImageMean):
    """Mean of `sim` over images, for `model.compile(metrics=[...])`.

    Images with an all-zero density are left out.
    """

    def __init__(self, name="sim", **kwargs):
        super().__init__(name=name, **kwargs)

    def image_values(self, y_true, y_pred):
        density = _map_ops.density(y_true)
        s, p = _shifted_distribution(density), _shifted_distribution(_checked_prediction(y_pred))
        return ops.sum(ops.minimum(s, p), axis=_map_ops.PIXELS), _map_ops.has_density(density)


@keras.saving.register_keras_serializable(package="kerasal", name="KLDMetric")
class KLD(ImageMean):
    """Mean of `kld` over images, for `model.compile(metrics=[...])`.

    Images with an all-zero density are left out. Negative values count as 0 here, where `kld` refuses them.
    """

    _direction = "down"

    def __init__(self, name="kld", **kwargs):
        super().__init__(name=name, **kwargs)

    def image_values(self, y_true, y_pred):
        density = _map_ops.density(y_true)
        s, p = _map_ops.distribution(density), _map_ops.distribution(_checked_prediction(y_pred))
        divergence = ops.sum(s * ops.log(EPSILON + s / (p + EPSILON)), axis=_map_ops.PIXELS)
        return divergence, _map_ops.has_density(density)


@keras.saving.register_keras_serializable(package="kerasal", name="NSSMetric")
class NSS(ImageMean):
    """Mean of `nss` over images, for `model.compile(metrics=[...])`.

    The divisor of the standard deviation is n - 1 here as well. Images without a fixation are left out.
    """

    def __init__(self, name="nss", **kwargs):
        super().__init__(name=name, **kwargs)

    def image_values(self, y_true, y_pred):
        fixated = _map_ops.fixation_map(y_true, "NSS") > 0
        p, deviation = _map_ops.centred(_checked_prediction(y_pred))  # divisor n
        pixels = _map_ops.pixel_count(p)
        scores = ops.where(fixated, p / deviation, 0.0) * ops.sqrt((pixels - 1.0) / pixels)
        fixations = ops.sum(ops.cast(fixated, "float32"), axis=_map_ops.PIXELS)
        return ops.sum(scores, axis=_map_ops.PIXELS) / ops.maximum(fixations, 1.0), fixations > 0


@keras.saving.register_keras_serializable(package="kerasal", name="AUCJuddMetric")
class AUCJudd(ImageMean):
    """Mean of `auc_judd` over images, for `model.compile(metrics=[...])`.

    Tied pixels count with their expectation. Images without a fixation, or with nothing but fixations, are
    left out. Sorts every map, which takes longer than all the other metrics together.
    """

    def __init__(self, name="auc_judd", **kwargs):
        super().__init__(name=name, **kwargs)

    def image_values(self, y_true, y_pred):
        fixated = ops.cast(_map_ops.fixation_map(y_true, "AUCJudd") > 0, "float32")
        prediction = _checked_prediction(y_pred)
        n = ops.sum(fixated, axis=_map_ops.PIXELS)
        unfixated = _map_ops.pixel_count(fixated) - n
        has_value = ops.logical_and(n > 0, unfixated > 0)
        pairs = ops.where(has_value, n * unfixated, 1.0)
        area = _share_of_pairs_in_order(prediction, fixated, pairs)
        area += _last_step(prediction, fixated) / (2.0 * pairs)
        highest = ops.max(prediction, axis=_map_ops.PIXELS)
        area = ops.where(highest == ops.min(prediction, axis=_map_ops.PIXELS), 0.5, area)
        return ops.where(ops.isfinite(highest), area, float("nan")), has_value


def _checked_prediction(y_pred: keras.KerasTensor) -> keras.KerasTensor:
    """The predicted map; all NaN for an image with NaN or infinity, which sorting or clamping would hide."""
    p = _map_ops.prediction(y_pred)
    is_finite = ops.all(ops.isfinite(p), axis=_map_ops.PIXELS, keepdims=True)
    return ops.where(is_finite, p, float("nan"))


def _shifted_distribution(x):
    return _map_ops.distribution(x - ops.min(x, axis=_map_ops.PIXELS, keepdims=True))


def _share_of_pairs_in_order(prediction, fixated, pairs):
    """Share of the pairs of a fixated and an unfixated pixel with the fixated one above; a tie is a half."""
    shape = ops.shape(prediction)
    images, pixels = shape[0], shape[1] * shape[2] * shape[3]
    values = ops.reshape(prediction, (images, pixels))
    order = ops.argsort(values, axis=1)
    values = ops.take_along_axis(values, order, axis=1)
    fixated = ops.take_along_axis(ops.reshape(fixated, (images, pixels)), order, axis=1)
    # Pixels of one value form a group; groups are numbered upwards through the batch.
    is_new = ops.cast(values[:, 1:] != values[:, :-1], "int32")
    groups = ops.pad(ops.cumsum(is_new, axis=1), [(0, 0), (1, 0)])
    groups = ops.reshape(groups + pixels * ops.expand_dims(ops.arange(images), 1), (-1,))

    def per_group(x):
        totals = ops.segment_sum(ops.reshape(x, (-1,)), groups, num_segments=images * pixels)
        return ops.reshape(totals, (images, pixels))

    fixated_here, unfixated_here = per_group(fixated), per_group(1.0 - fixated)
    unfixated_below = ops.cumsum(unfixated_here, axis=1) - unfixated_here / 2.0
    return ops.sum(fixated_here * unfixated_below / ops.expand_dims(pairs, 1), axis=1)


def _last_step(prediction, fixated):
    """Expected number of unfixated pixels above the last of the fixated pixels."""
    lowest = ops.min(ops.where(fixated > 0, prediction, np.inf), axis=_map_ops.PIXELS, keepdims=True)
    unfixated = 1.0 - fixated
    above = ops.sum(ops.where(prediction > lowest, unfixated, 0.0), axis=_map_ops.PIXELS)
    tied_fixated = ops.sum(ops.where(prediction == lowest, fixated, 0.0), axis=_map_ops.PIXELS)
    tied_unfixated = ops.sum(ops.where(prediction == lowest, unfixated, 0.0), axis=_map_ops.PIXELS)
    return above + tied_unfixated * tied_fixated / (tied_fixated + 1.0)
