"""What the layers share beside Keras's own."""

import inspect

import keras


class Layer(keras.layers.Layer):
    """A Keras layer that keeps the arguments of its `__init__` under their names: its configuration.

    Its output has the shape of its input, unless it says otherwise.
    """

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        arguments = inspect.signature(type(self)).parameters
        own = {name: getattr(self, name) for name in arguments if hasattr(self, name)}
        return {**own, **super().get_config()}
