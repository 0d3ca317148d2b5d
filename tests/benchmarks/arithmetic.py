"""What a network's convolutions compute and move, for the benchmarks that hold a time against a limit.

Two operations count for each multiplication of a convolution. The bytes are those of its inputs and outputs:
what has to go through memory if nothing stays on the chip. Both count once forward and, in a step of
training, once more for the kernel's gradient where the layer learns and once more for its input's where
something learns before it.
"""

import itertools

import keras
import numpy as np
from keras import ops, tree

from kerasal.layers import ASPP, AttentiveConvLSTM
from kerasal.models import SaliencyModel


class Counts:
    """The arithmetic and the bytes of a network's convolutions, for one stimulus.

    Args:
        network: its `trainable` attributes say what learns.
        itemsize: bytes of a number.
    """

    def __init__(self, network: SaliencyModel, itemsize: int = 4):
        self.itemsize = itemsize
        self.sizes: dict[str, tuple[int, int]] = {}  # of each convolution: the values that go in and come out
        self.after_learning = learned_before(network)
        layers = [*convolutions(network.backbone), *convolutions(network.head)]
        for layer in layers:
            self._record(layer)
        network(ops.zeros((1, *network.input_size, 3)))
        for layer in layers:
            del layer.call

    def _record(self, layer):
        call = layer.call

        def recorded(inputs, *args, **kwargs):
            outputs = call(inputs, *args, **kwargs)
            self.sizes[layer.name] = tuple(int(np.prod(x.shape[1:])) for x in (inputs, outputs))
            return outputs

        layer.call = recorded

    def of(self, *parts: keras.Model, learning: bool = False) -> dict[str, float]:
        """`operations` and `bytes` of the network's backbone, its head, or both."""
        operations = count = 0.0
        for layer in itertools.chain(*map(convolutions, parts)):
            going_in, coming_out = self.sizes[layer.name]
            passes = 1 + learning * (layer.trainable and bool(layer.trainable_weights))
            passes += learning * (layer.name in self.after_learning)
            operations += passes * arithmetic(layer, coming_out)
            count += passes * self.itemsize * (going_in + coming_out)
        return {"operations": operations, "bytes": count}


def arithmetic(layer: keras.layers.Layer, coming_out: int) -> float:
    """Two operations a multiplication, of one pass for one stimulus."""
    if isinstance(layer, AttentiveConvLSTM):
        pixels, k, f = coming_out // layer.filters, layer.kernel_size**2, layer.filters
        # U_a of the features, the first step's three gates, the others' W_a and four gates of two inputs:
        # what the fused cell leaves out does not count.
        return 2 * k * f * pixels * (f * (1 + 3 + (layer.steps - 1) * 9) + layer.steps)
    return 2 * float(np.prod(layer.kernel.shape[:-1])) * coming_out


def convolutions(part: keras.layers.Layer) -> list[keras.layers.Layer]:
    """The layers that convolve: the part itself, or those within it."""
    if isinstance(part, AttentiveConvLSTM) or getattr(part, "kernel", None) is not None:
        return [part]
    within = part.branches if isinstance(part, ASPP) else getattr(part, "layers", [])
    return [convolution for layer in within for convolution in convolutions(layer)]


def learned_before(network: SaliencyModel) -> set[str]:
    """The names of the convolutions through whose input a gradient has to go."""
    names = [layer.name for layer in convolutions(network.backbone)] if network.backbone.trainable else []
    found = set(names[1:])
    learned = {id(tensor): bool(names) for tensor in network.head.inputs}
    for layer in network.head.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        before = any(learned.get(id(tensor), False) for tensor in tree.flatten(layer.input))
        if before:
            found |= {convolution.name for convolution in convolutions(layer)}
        for tensor in tree.flatten(layer.output):
            learned[id(tensor)] = before or bool(layer.trainable_weights)
    return found
