"""Heads of one shape computed as one: what all share once, the rest in few and large pieces."""

from collections.abc import Sequence

import keras
from keras import ops

from kerasal._convolution import product_a_tap_in_the_gradient


class StackedHeads:
    """The maps of N heads that are copies of one functional model with weights of their own.

    Until the first layer with weights all heads see the same, so it is computed once. That layer is one
    convolution with the kernels of all heads. From there on the heads lie one after the other along the batch
    axis, (N B, rows, columns, channels), and a layer without weights takes them all at once.

    Dropout drops the same for each head, as it would alone: heads of one seed draw alike.
    """

    def __init__(self, heads: Sequence[keras.Model]):
        self.heads = list(heads)
        self.places = list(zip(*(head.layers for head in self.heads), strict=True))

    def __call__(self, features: list, training: bool) -> list:
        """The maps (B, rows, columns, 1) of each head for features as the heads take them."""
        first, count = self.heads[0], len(self.heads)
        if count == 1:
            return [first(features, training=training)]
        shared = dict(zip(map(id, first.inputs), features, strict=True))
        stacked = {}
        for layers in self.places:
            layer = layers[0]
            if isinstance(layer, keras.layers.InputLayer):
                continue
            inputs = [id(tensor) for tensor in keras.tree.flatten(layer.input)]
            output = id(layer.output)
            if all(key in shared for key in inputs):
                given = _one_or_all([shared[key] for key in inputs])
                if not layer.weights:
                    shared[output] = _called(layer, given, training)
                elif type(layer) is keras.layers.Conv2D and layer.use_bias and layer.groups == 1:
                    stacked[output] = _convolved(layers, given)
                else:
                    stacked[output] = ops.concatenate([_called(each, given, training) for each in layers])
                continue
            given = _one_or_all(
                [stacked[key] if key in stacked else ops.concatenate([shared[key]] * count) for key in inputs]
            )
            stacked[output] = _stacked(layers, given, training)
        return ops.split(stacked[id(first.output)], count)


def _stacked(layers, given, training):
    """Layers of the N heads on what lies one after the other."""
    layer, count = layers[0], len(layers)
    if isinstance(layer, keras.layers.Dropout):
        one = ops.ones_like(given[: ops.shape(given)[0] // count])
        return given * ops.concatenate([layer(one, training=training)] * count)
    alike = all(type(each) is type(layer) and _settings(each) == _settings(layer) for each in layers)
    if alike and not layer.weights:
        return _called(layer, given, training)
    parts = zip(*(ops.split(part, count) for part in keras.tree.flatten(given)), strict=True)
    return ops.concatenate(
        [_called(each, _one_or_all(list(part)), training) for each, part in zip(layers, parts, strict=True)]
    )


def _convolved(layers, x):
    """One convolution with the kernels of all layers, for an input that all share."""
    layer, count = layers[0], len(layers)
    x = ops.cast(x, layer.compute_dtype)
    kernel, bias = (
        ops.cast(ops.concatenate([ops.convert_to_tensor(w) for w in weights], axis=-1), layer.compute_dtype)
        for weights in zip(*((each.kernel, each.bias) for each in layers), strict=True)
    )
    if layer.padding == "same" and {*layer.strides, *layer.dilation_rate} == {1}:
        y = ops.custom_gradient(product_a_tap_in_the_gradient)(x, kernel) + bias
    else:
        y = ops.conv(x, kernel, layer.strides, layer.padding, "channels_last", layer.dilation_rate) + bias
    return layer.activation(ops.concatenate(ops.split(y, count, axis=-1)))


def _settings(layer):
    return {**layer.get_config(), "name": None}


def _called(layer, given, training):
    return layer(given, training=training) if layer._call_has_training_arg else layer(given)


def _one_or_all(values):
    return values[0] if len(values) == 1 else values
