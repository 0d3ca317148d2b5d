"""The attentive convolutional LSTM of SAM."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from kerasal._convolution import one_product
from kerasal._device import has_gpu
from kerasal.layers._base import Layer

# The order in the reference code's weights files.
PER_GATE = ("W_a", "U_a", "V_a", "W_i", "U_i", "W_f", "U_f", "W_c", "U_c", "W_o", "U_o")


@keras.saving.register_keras_serializable(package="kerasal")
class AttentiveConvLSTM(Layer):
    """A convolutional LSTM that looks at the same feature map several times, each time elsewhere.

    With the features X, the state (H, C), zero at first, and `*` a convolution ('same'), a step is::

        e = V_a * tanh(W_a * H + U_a * X)         one channel; a = softmax of e over all positions
        X~ = a X                                  at every position, for all channels alike
        i, f, o = sigmoid(W_i * X~ + U_i * H), and so on
        C' = f C + i tanh(W_c * X~ + U_c * H)
        H' = o tanh(C')

    W_a acts on the state and U_a on the features, unlike the gates' W and U. All but V_a have a bias.

    Args:
        filters: channels F of the state and the output.
        attention_filters: channels A of the attention's hidden layer; None: `filters`.
        kernel_size: side of the square kernels in pixels, odd.
        steps: how often the features are looked at.

    Input (B, H, W, D), output (B, H, W, F): the last H.

    No convolution is computed twice. Weights that act on one tensor are one weight::

        attention_input (k, k, D, A)           U_a; its convolution is the same in every step
        state (k, k, F, A + 4 F)               W_a, U_i, U_c, U_o, U_f; none in the first step, as H is zero
        input (k, k, D, 4 F)                   W_i, W_c, W_o, W_f; no W_f in the first step, as C is zero
        attention (k, k, A, 1)                 V_a

    and a bias for each but V_a. `per_gate_weights` and `set_per_gate_weights` convert.

    Source: Cornia et al. 2018, section III-B and reference code, whose initialisers these are: W and the
    attention's kernels normal(0, 0.05), U of the gates orthogonal, V_a zero.
    """

    def __init__(
        self,
        filters: int,
        attention_filters: int | None = None,
        kernel_size: int = 3,
        steps: int = 4,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if filters < 1 or (attention_filters is not None and attention_filters < 1):
            raise ValueError(f"filters must be positive, got {filters} and {attention_filters}")
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd and positive, got {kernel_size}")
        if steps < 1:
            raise ValueError(f"steps must be at least 1, got {steps}")
        self.filters = filters
        self.attention_filters = attention_filters
        self.kernel_size = kernel_size
        self.steps = steps

    def build(self, input_shape):
        attention = self.attention_filters or self.filters
        normal = keras.initializers.RandomNormal(stddev=0.05)
        side, channels = self.kernel_size, input_shape[-1]

        def add(name, shape, initializer):
            return self.add_weight(shape=shape, initializer=initializer, name=name)

        self.attention_input_kernel = add("attention_input_kernel", (side, side, channels, attention), normal)
        self.attention_input_bias = add("attention_input_bias", (attention,), "zeros")
        wide = attention + 4 * self.filters
        self.state_kernel = add("state_kernel", (side, side, self.filters, wide), self._initial_state_kernel)
        self.state_bias = add("state_bias", (wide,), "zeros")
        self.input_kernel = add("input_kernel", (side, side, channels, 4 * self.filters), normal)
        self.input_bias = add("input_bias", (4 * self.filters,), "zeros")
        self.attention_kernel = add("attention_kernel", (side, side, attention, 1), "zeros")

    def _initial_state_kernel(self, shape, dtype=None):
        """W_a normal, the U of each gate orthogonal for itself."""
        w_a = keras.initializers.RandomNormal(stddev=0.05)((*shape[:-1], shape[-1] - 4 * self.filters), dtype)
        gate = (*shape[:-1], self.filters)
        # In float32: TensorFlow decomposes no matrix in bfloat16.
        gates = [ops.cast(keras.initializers.Orthogonal()(gate, "float32"), w_a.dtype) for _ in range(4)]
        return ops.concatenate([w_a, *gates], axis=-1)

    def call(self, inputs):
        features = _convolve(inputs, self.attention_input_kernel) + self.attention_input_bias
        attention = self.attention_filters or self.filters
        # The first step: H is zero and its convolution the bias alone; C is zero and needs no forget gate.
        three = 3 * self.filters
        attended = self._attend(inputs, features + self.state_bias[:attention])
        gates = _convolve(attended, self.input_kernel[..., :three]) + (
            self.input_bias[:three] + self.state_bias[attention : attention + three]
        )
        i, c, o = ops.split(gates, 3, axis=-1)
        cell = ops.sigmoid(i) * ops.tanh(c)
        state = ops.sigmoid(o) * ops.tanh(cell)
        for _ in range(1, self.steps):
            from_state = _convolve(state, self.state_kernel) + self.state_bias
            attended = self._attend(inputs, features + from_state[..., :attention])
            gates = _convolve(attended, self.input_kernel) + self.input_bias + from_state[..., attention:]
            i, c, o, f = ops.split(gates, 4, axis=-1)
            cell = ops.sigmoid(f) * cell + ops.sigmoid(i) * ops.tanh(c)
            state = ops.sigmoid(o) * ops.tanh(cell)
        return state

    def _attend(self, inputs, hidden):
        """a X, from W_a * H + U_a * X."""
        e = ops.cast(_convolve(ops.tanh(hidden), self.attention_kernel), "float32")
        # Exponentials over all positions; a sum of thousands does not fit float16.
        e = ops.exp(e - ops.max(e, axis=(1, 2, 3), keepdims=True))
        a = e / ops.sum(e, axis=(1, 2, 3), keepdims=True)
        return inputs * ops.cast(a, inputs.dtype)

    def per_gate_weights(self) -> list[np.ndarray]:
        """The weights convolution by convolution, in the order of the reference code: 21 arrays.

        W_a, U_a, V_a, W_i, U_i, W_f, U_f, W_c, U_c, W_o, U_o: each a kernel (k, k, in, out) followed by its
        bias (out,); V_a has none.
        """
        widths, parts = {"W_a": self.attention_filters or self.filters, "V_a": 1}, {}
        for fused, variables in self._fused():
            ends = np.cumsum([widths.get(part, self.filters) for part in fused])[:-1]
            arrays = [np.split(ops.convert_to_numpy(variable), ends, axis=-1) for variable in variables]
            for part, *both in zip(fused, *arrays, strict=True):
                parts[part] = both
        return [array for part in PER_GATE for array in parts[part]]

    def set_per_gate_weights(self, arrays: Sequence[np.ndarray]) -> None:
        """Set the weights from arrays in the order of `per_gate_weights`.

        ValueError: another number of arrays, or one of another shape; nothing is set then.
        """
        shapes = [array.shape for array in self.per_gate_weights()]
        if [np.shape(array) for array in arrays] != shapes:
            raise ValueError(f"arrays must have shapes {shapes}, got {[np.shape(array) for array in arrays]}")
        arrays = iter(arrays)
        parts = {part: [next(arrays) for _ in range(1 if part == "V_a" else 2)] for part in PER_GATE}
        for fused, variables in self._fused():
            for index, variable in enumerate(variables):
                variable.assign(np.concatenate([parts[part][index] for part in fused], axis=-1))

    def _fused(self):
        """The convolutions of each fused weight, in order along its last axis, with its kernel and bias.

        The forget gate is last: the first step, whose cell state is zero, needs none and takes the others as
        one block.
        """
        return (
            (("U_a",), (self.attention_input_kernel, self.attention_input_bias)),
            (("W_a", "U_i", "U_c", "U_o", "U_f"), (self.state_kernel, self.state_bias)),
            (("W_i", "W_c", "W_o", "W_f"), (self.input_kernel, self.input_bias)),
            (("V_a",), (self.attention_kernel,)),
        )

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.filters)


def _convolve(inputs, kernel):
    """The 'same' convolution of (B, H, W, in) with (k, k, in, out), k odd."""
    if keras.backend.backend() == "tensorflow" and not has_gpu():
        # Reshaped, a variable is a tensor: TensorFlow wants custom gradients to be of tensors.
        return ops.custom_gradient(one_product)(inputs, ops.reshape(kernel, kernel.shape))
    return ops.conv(inputs, kernel, padding="same", data_format="channels_last")
