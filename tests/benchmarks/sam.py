"""SAM's fused ConvLSTM against the literal one, and SAM-VGG against matrix products, in one run.

python tests/benchmarks/sam.py [ROUNDS [ROWSxCOLUMNS]]

Literal: ten 'same' convolutions in each of the four steps, as the equations and the reference code have
them. Both cells have the same weights and give the same output, which is checked. Cells and network run as
compiled functions, batch 1, float32, in turns; the least of ROUNDS (default 5) counts, of elapsed seconds and
of CPU seconds (those of all threads), which other programs on the machine disturb less. The rate of matrix
products is the best over several shapes, measured between the rounds. The network's arithmetic is that of its
convolutions, as arithmetic.py counts them. A single wide convolution is timed as TensorFlow has it and as the
cell computes it.
"""

import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from arithmetic import Counts
from ratios import tell_ratio

from kerasal.layers import attentive_convlstm
from kerasal.models import SAMVGG

CHANNELS, STEPS = 512, 4


def literal(x, kernels):
    """The equations, a convolution for each `*`."""
    w_a, b_wa, u_a, b_ua, v_a, *gates = kernels

    def convolve(tensor, kernel, bias):
        return tf.nn.conv2d(tensor, kernel, 1, "SAME") + bias

    h = c = tf.zeros_like(x)
    for _ in range(STEPS):
        e = tf.nn.conv2d(tf.tanh(convolve(h, w_a, b_wa) + convolve(x, u_a, b_ua)), v_a, 1, "SAME")
        a = tf.reshape(tf.nn.softmax(tf.reshape(e, (x.shape[0], -1))), tf.shape(e))
        i, f, new, o = (
            convolve(a * x, *gates[4 * k : 4 * k + 2]) + convolve(h, *gates[4 * k + 2 : 4 * k + 4])
            for k in range(4)
        )
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(new)
        h = tf.sigmoid(o) * tf.tanh(c)
    return h


def with_gradients(function, variables):
    def both(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(tf.square(function(x)))
        return tape.gradient(total, [x, *variables])

    return both


def seconds(function, *arguments) -> np.ndarray:
    """Elapsed seconds and CPU seconds."""
    start = np.array([time.perf_counter(), time.process_time()])
    tf.nest.map_structure(lambda tensor: tensor.numpy(), tf.nest.flatten(function(*arguments))[:1])
    return np.array([time.perf_counter(), time.process_time()]) - start


def gemms():
    """Matrix products of many shapes, with their GFLOP."""
    random = np.random.default_rng(0)
    made = []
    for m, k, n in ((1200, 4608, 2048), (2048, 2048, 2048), (4096, 4096, 1024)):
        a, b = (tf.constant(random.normal(size=shape), tf.float32) for shape in ((m, k), (k, n)))
        made.append((tf.function(lambda a, b: tf.matmul(a, b)), a, b, 2e-9 * m * k * n))
    return made


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    size = tuple(map(int, sys.argv[2].split("x"))) if len(sys.argv) > 2 else (240, 320)
    network = SAMVGG(size, backbone_weights="random")
    cell = network.head.get_layer("attentive_convlstm")
    random = np.random.default_rng(0)
    cell.set_per_gate_weights([random.normal(0, 0.01, a.shape) for a in cell.per_gate_weights()])
    kernels = [tf.Variable(array) for array in cell.per_gate_weights()]
    x = tf.constant(random.uniform(size=(1, size[0] // 8, size[1] // 8, CHANNELS)), tf.float32)
    stimulus = tf.constant(random.uniform(0, 255, (1, *size, 3)), tf.float32)
    fused_variables = [weight.value for weight in cell.weights]
    cases = {
        "fused, forward": (tf.function(cell), x),
        "literal, forward": (tf.function(lambda x: literal(x, kernels)), x),
        "fused, forward and backward": (tf.function(with_gradients(cell, fused_variables)), x),
        "literal, forward and backward": (
            tf.function(with_gradients(lambda x: literal(x, kernels), kernels)),
            x,
        ),
        "network, forward": (tf.function(lambda s: network(s, training=False)), stimulus),
        "convolution, by TensorFlow": (
            tf.function(lambda x: tf.nn.conv2d(x, cell.input_kernel.value, 1, "SAME")),
            x,
        ),
        "convolution, by matrix product": (
            tf.function(lambda x: attentive_convlstm._convolve(x, cell.input_kernel)),
            x,
        ),
    }
    outputs = [cases[name][0](x).numpy() for name in ("fused, forward", "literal, forward")]
    np.testing.assert_allclose(*outputs, rtol=1e-4, atol=1e-5)
    products = gemms()
    least = {name: np.inf for name in cases}
    gemm_rates = np.zeros(2)
    for turn in range(rounds + 1):  # the first one holds the tracing
        for name, (function, argument) in cases.items():
            taken = seconds(function, argument)
            if turn:
                least[name] = np.minimum(least[name], taken)
        for function, a, b, gflop in products:
            taken = seconds(function, a, b)
            if turn:
                gemm_rates = np.maximum(gemm_rates, gflop / taken)
    print(f"{'':<40}{'elapsed':>10}{'CPU':>10}")

    def line(what, numbers, form):
        print(f"{what:<40}" + "".join(f"{number:>10{form}}" for number in numbers))

    for name, value in least.items():
        line(f"{name}, s", value, ".3f")
    gflop = Counts(network).of(network.backbone, network.head)["operations"] / 1e9
    rates = gflop / least["network, forward"]
    line("matrix products, GFLOP/s", gemm_rates, ".0f")
    line(f"network, {gflop:.0f} GFLOP, GFLOP/s", rates, ".0f")
    for what in ("forward", "forward and backward"):
        ratio = (least[f"literal, {what}"] / least[f"fused, {what}"])[0]
        tell_ratio(ratio, f"the fused ConvLSTM, {what}", "ten convolutions a step")
    tell_ratio((rates / gemm_rates)[0], "SAM-VGG's arithmetic a second", "GEMM")


if __name__ == "__main__":
    main()
