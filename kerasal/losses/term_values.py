"""The terms of a combination as metrics, for a training to show."""

import keras

from kerasal.losses._base import Loss
from kerasal.losses.combination import LinearCombination


def term_metrics(loss: keras.losses.Loss) -> list[keras.metrics.Metric]:
    """One metric for each term of a combination, named after it (`kld_loss`).

    They are for `weighted_metrics` of `compile`, since Keras tells no others of sample weights. Each shows
    the term as that loss alone would be reported, without its coefficient. For a single loss the list is
    empty. In a training step the values are those of the loss itself, not computed again.
    """
    if not isinstance(loss, LinearCombination):
        return []
    loss.remember_terms = True
    return [TermValue(term, combination=loss, name=f"{name}_loss") for _, name, term in loss.terms]


@keras.saving.register_keras_serializable(package="kerasal")
class TermValue(keras.metrics.Mean):
    """The value of one loss, averaged over batches as Keras averages the loss: weighted by their sizes.

    Args:
        loss: the loss, with one value per image.
        combination: a LinearCombination with `loss` among its terms, whose values are taken over where
            it was called with the same maps. It is not saved.
    """

    _direction = "down"  # as Keras's callbacks with mode "auto" look for it

    def __init__(self, loss: keras.losses.Loss, combination=None, name=None, **kwargs):
        super().__init__(name=name or f"{loss.name}_loss", **kwargs)
        self.loss = loss
        self._combination = combination

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true = keras.ops.convert_to_tensor(y_true, "float32")
        y_pred = keras.ops.convert_to_tensor(y_pred, "float32")
        if self._combination is None:
            values = self.loss.call(y_true, y_pred)
        else:
            values = self._combination.term_values(y_true, y_pred)[self.loss.name]
        reduction = self.loss.reduction if self.loss.reduction not in (None, "none") else "mean"
        value = _Reduce(reduction=reduction, name="reduce")(values, values, sample_weight)
        super().update_state(value, sample_weight=keras.ops.shape(y_pred)[0])

    def get_config(self):
        return {**super().get_config(), "loss": keras.saving.serialize_keras_object(self.loss)}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "loss": keras.saving.deserialize_keras_object(config["loss"])})


class _Reduce(Loss):
    """Keras's own reduction and sample weighting, for values that are known already."""

    def call(self, y_true, y_pred):
        return y_pred
