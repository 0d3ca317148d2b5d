"""What the losses share beside Keras's own."""

import inspect

import keras

from kerasal._map_ops import per_image
from kerasal._repr import arguments_of


class Loss(keras.losses.Loss):
    """A Keras loss whose repr tells its parameters; its name and reduction where they are not the usual.

    Each loss writes out an `__init__`, if only for its name: help and repr read the usual one there. It keeps
    its arguments under their names: its configuration.
    """

    needs_fixations: bool = False  # on channel 1 of `y_true`

    def __call__(self, y_true, y_pred, sample_weight=None):
        # Keras would spread weights of another rank than the values' over all images.
        return super().__call__(y_true, y_pred, None if sample_weight is None else per_image(sample_weight))

    def get_config(self):
        arguments = inspect.signature(type(self)).parameters
        own = {name: getattr(self, name) for name in arguments if hasattr(self, name)}
        return {**own, **super().get_config()}

    def __repr__(self):
        told = self._told()
        usual = inspect.signature(type(self)).parameters.get("name")
        if usual is None or self.name != usual.default:
            told.append(f"name={self.name!r}")
        if self.reduction != "sum_over_batch_size":
            told.append(f"reduction={self.reduction!r}")
        return f"{type(self).__name__}({', '.join(told)})"

    def _told(self) -> list[str]:
        return arguments_of(self.get_config(), but=keras.losses.Loss.get_config(self))
