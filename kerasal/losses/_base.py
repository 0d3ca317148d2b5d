"""What the losses share beside Keras's own."""

import inspect

import keras

from kerasal._repr import arguments_of


class Loss(keras.losses.Loss):
    """A Keras loss whose repr tells its parameters; its name and reduction where they are not the usual.

    Each loss writes out an `__init__`, if only for its name: help and repr read the usual one there. It keeps
    its arguments under their names: its configuration.
    """

    needs_fixations: bool = False  # on channel 1 of `y_true`

    def get_config(self):
        arguments = inspect.signature(type(self)).parameters
        own = {name: getattr(self, name) for name in arguments if hasattr(self, name)}
        return {**own, **super().get_config()}

    def __repr__(self):
        told = self._told()
        if self.name != inspect.signature(type(self)).parameters["name"].default:
            told.append(f"name={self.name!r}")
        if self.reduction != "sum_over_batch_size":
            told.append(f"reduction={self.reduction!r}")
        return f"{type(self).__name__}({', '.join(told)})"

    def _told(self) -> list[str]:
        return arguments_of(self.get_config(), but=keras.losses.Loss.get_config(self))
