"""What the layers share beside Keras's own."""

import inspect

import keras


class Layer(keras.layers.Layer):
    """A Keras layer that keeps the arguments of its `__init__` under their names: its configuration."""

    def get_config(self):
        arguments = inspect.signature(type(self)).parameters
        own = {name: getattr(self, name) for name in arguments if hasattr(self, name)}
        return {**own, **super().get_config()}
