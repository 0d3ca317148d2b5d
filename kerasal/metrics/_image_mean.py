"""What the Keras metrics share: one value per image, and its mean over the images of all batches."""

import keras
from keras import ops

from kerasal._maps import PIXELS, prediction


class ImageMean(keras.metrics.Mean):
    """Mean over images of a value per image; a metric below defines `image_values`.

    y_true (B, H, W, 2), density and fixations; y_pred (B, H, W, 1), the predicted map. Computes in float32.
    Every image counts once, so that a smaller last batch weighs less; `sample_weight` (B,) weighs images.
    Images without ground truth, as each class says, are left out; NaN while there was none but those.
    """

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
            weights = weights * _per_image(sample_weight)
        super().update_state(ops.where(has_value, values, 0.0), sample_weight=weights)

    def result(self):
        return ops.where(self.count > 0, super().result(), float("nan"))


def is_constant(x: keras.KerasTensor) -> keras.KerasTensor:
    """Whether each map of (B, H, W, 1) has one value only, (B,)."""
    return ops.max(x, axis=PIXELS) == ops.min(x, axis=PIXELS)


def checked_prediction(y_pred: keras.KerasTensor) -> keras.KerasTensor:
    """The predicted map; all NaN for an image with NaN or infinity, which sorting or clamping would hide."""
    p = prediction(y_pred)
    is_finite = ops.all(ops.isfinite(p), axis=PIXELS, keepdims=True)
    return ops.where(is_finite, p, float("nan"))


def _per_image(sample_weight):
    sample_weight = ops.cast(ops.convert_to_tensor(sample_weight), "float32")
    if any(side != 1 for side in sample_weight.shape[1:]):
        raise ValueError(f"sample_weight must hold one weight per image, got {tuple(sample_weight.shape)}")
    return ops.reshape(sample_weight, (-1,)) if len(sample_weight.shape) > 1 else sample_weight
