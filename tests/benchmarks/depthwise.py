"""Depthwise convolutions of EfficientNet-Lite2 in several forms, against this machine's GEMM rate.

    python tests/benchmarks/depthwise.py [BATCH] [REPEATS]

Each distinct depthwise layer of the network at 304x400, forward and forward with backward, milliseconds an
image, the best of REPEATS (default 5):

- keras:   `keras.layers.DepthwiseConv2D`
- xla:     the same, compiled with XLA
- shifts:  one shifted product after the other, added up, compiled with XLA so that they become one loop
- patches: `tf.image.extract_patches` and an einsum

Then the whole network, how much of its time is depthwise, and what that part reaches of the rate of a product
of two 2048x2048 matrices.
"""

import sys
import time

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from ratios import tell_ratio

from kerasal.models.efficientnet_lite2 import efficientnet_lite2

SIZE = (304, 400)


def shifted(x, kernel, dilation):
    """The convolution with 'same' padding and stride 1 as a sum of shifted products."""
    side = kernel.shape[0]
    reach = dilation * (side // 2)
    rows, columns = x.shape[1:3]
    padded = ops.pad(x, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
    return sum(
        padded[:, dilation * i : dilation * i + rows, dilation * j : dilation * j + columns]
        * kernel[i, j, :, 0]
        for i in range(side)
        for j in range(side)
    )


def patched(x, kernel, strides, dilation):
    """The convolution as a product of its patches."""
    side, _, channels, _ = kernel.shape
    # Not Keras's, which is a convolution with (side * side * channels)^2 weights, nearly all of them zero.
    sizes, steps, rates = ((1, number, number, 1) for number in (side, strides, dilation))
    patches = tf.image.extract_patches(x, sizes, steps, rates, "SAME")
    patches = ops.reshape(patches, (*patches.shape[:3], side * side, channels))
    return ops.einsum("bhwkc,kc->bhwc", patches, ops.reshape(kernel, (side * side, channels)))


def best(function, *arguments, repeats) -> float:
    """Seconds of the fastest of so many calls, after one that compiles."""
    function(*arguments)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = function(*arguments)
        tf.nest.map_structure(lambda tensor: tensor.numpy().ravel()[:1], result)
        times.append(time.perf_counter() - start)
    return min(times)


def both(form, xla):
    """The form's forward step, and its forward and backward step."""

    def forward(x, kernel):
        return form(x, kernel)

    def backward(x, kernel):
        with tf.GradientTape() as tape:
            tape.watch((x, kernel))
            value = tf.reduce_sum(form(x, kernel))
        return tape.gradient(value, (x, kernel))

    return [tf.function(function, jit_compile=xla) for function in (forward, backward)]


def main() -> None:
    batch = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    a = tf.random.normal((2048, 2048))
    rate = 2 * 2048**3 / best(tf.function(lambda a: tf.matmul(a, a)), a, repeats=2 * repeats) / 1e9
    print(f"GEMM {rate:.0f} GFLOP/s; batches of {batch}; milliseconds an image, forward / with backward")
    network = efficientnet_lite2(None)
    shapes = {}
    features = keras.Model(
        network.inputs,
        {
            layer.name: layer.input
            for layer in network.layers
            if isinstance(layer, keras.layers.DepthwiseConv2D)
        },
    )
    for name, shape in features.compute_output_shape((batch, *SIZE, 3)).items():
        layer = network.get_layer(name)
        key = (shape, layer.kernel_size[0], layer.strides[0], layer.dilation_rate[0])
        shapes.setdefault(key, []).append(name)
    total = best_forms = arithmetic = 0.0  # milliseconds an image, forward
    backward = others_backward = 0.0
    for (shape, side, strides, dilation), names in shapes.items():
        x, kernel = tf.random.normal(shape), tf.random.normal((side, side, shape[-1], 1))

        def plain(x, kernel, strides=strides, dilation=dilation):
            return ops.depthwise_conv(x, kernel, strides, "same", dilation_rate=dilation)

        forms = {"keras": (plain, False), "xla": (plain, True)}
        if strides == 1:
            forms["shifts"] = (lambda x, kernel, dilation=dilation: shifted(x, kernel, dilation), True)
        if strides == 1 or dilation == 1:
            forms["patches"] = (
                lambda x, kernel, strides=strides, dilation=dilation: patched(x, kernel, strides, dilation),
                False,
            )
        truth = plain(x, kernel).numpy()
        arithmetic += 2 * side**2 * truth[0].size * len(names)
        times = {}
        for label, (form, xla) in forms.items():
            np.testing.assert_allclose(form(x, kernel).numpy(), truth, atol=1e-2 * truth.std())
            times[label] = [1e3 * best(f, x, kernel, repeats=repeats) / batch for f in both(form, xla)]
        total += times["keras"][0] * len(names)
        best_forms += min(forward for forward, _ in times.values()) * len(names)
        backward += times["keras"][1] * len(names)
        others_backward += min(times[label][1] for label in times if label != "keras") * len(names)
        cells = [f"{label} {forward:5.1f} / {whole:5.1f}" for label, (forward, whole) in times.items()]
        what = f"{shape[1]}x{shape[2]}x{shape[3]}, {side}x{side}, stride {strides}, dilation {dilation}"
        print(f"{len(names)} of {what:45} " + "   ".join(cells), flush=True)
    x = tf.random.normal((batch, *SIZE, 3))
    whole = 1e3 * best(tf.function(lambda x: network(x, training=False)), x, repeats=repeats) / batch
    print(f"the whole network {whole:.0f} ms an image, its depthwise convolutions {total:.0f}")
    ours = "TensorFlow's depthwise convolutions"
    tell_ratio(arithmetic / (1e6 * total) / rate, f"{ours}, their arithmetic a second", "GEMM")
    tell_ratio(best_forms / total, f"{ours}, forward", "the best of four forms of each")
    tell_ratio(
        (whole - total + best_forms) / whole,
        "the whole network, forward",
        "with the best of four forms of each",
    )
    tell_ratio(others_backward / backward, f"{ours}, forward and backward", "the best other form of each")


if __name__ == "__main__":
    main()
