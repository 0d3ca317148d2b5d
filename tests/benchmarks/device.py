"""What a device reaches: features, steps of training and SAM-VGG, against its own two limits.

    [KERAS_BACKEND=jax] python tests/benchmarks/device.py [--precisions float32,bfloat16] [--rounds N]
                        [--size ROWSxCOLUMNS] [--batch N] [--sam ROWSxCOLUMNS]

On the device that Keras's backend computes on, TensorFlow's or JAX's, a GPU where there is one, by XLA there
and under JAX. Cases: the features of VGG-16; a step of an epoch with cached features, and of one without (the
paper's network, SIZE, batch BATCH, AdamW, kld+cc+nss); a step of all of SAM-VGG (batch 10). Inputs lie on the
device. Each case and precision has a process of its own, whose peak of memory is the case's.

Limits: a large product of matrices (GEMM), and bytes a second that x + 1 reads and writes. A case's
arithmetic and bytes are those of its convolutions, as arithmetic.py counts them. The limit of which a case
has the larger share is what bounds it.
"""

import argparse
import json
import os
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from arithmetic import Counts
from keras import ops
from ratios import median_seconds, tell_ratio

from kerasal import losses, models
from kerasal._device import has_gpu

CASES = ("features", "step, cached features", "step, whole network", "SAM-VGG's step")
SAM_BATCH = 10
BYTES = {"float32": 4, "bfloat16": 2}
GPU = has_gpu()
GEMM_SIDES = (4096, 8192) if GPU else (1024, 2048)
COPIED = 2**28 if GPU else 2**25  # numbers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--precisions", default="float32,bfloat16")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--size", default="300x400")
    parser.add_argument("--batch", type=int, default=32 if GPU else 8)
    parser.add_argument("--sam", default="240x320")
    parser.add_argument("--only", help=argparse.SUPPRESS)  # what a process of its own is for
    options = parser.parse_args()
    if options.only:
        print(json.dumps(measured(options, *options.only.split(":"))))
        return
    print(f"{keras.backend.backend()}, {keras.distribution.list_devices()[0]}", flush=True)
    for precision in options.precisions.split(","):
        rates = in_a_process("limits", precision)
        print(f"{precision}: {rates['gemm'] / 1e12:.2f} TFLOP/s, {rates['bandwidth'] / 1e9:.0f} GB/s")
        for case in CASES:
            found = in_a_process(case, precision)
            shares = {
                "GEMM": found["operations"] / found["seconds"] / rates["gemm"],
                "memory bandwidth": found["bytes"] / found["seconds"] / rates["bandwidth"],
            }
            bound = max(shares, key=lambda limit: shares[limit])
            print(
                f"  {case:22} {1e3 * found['seconds'] / found['batch']:9.2f} ms a stimulus, batch "
                f"{found['batch']}, peak {found['peak'] / 1e9:.2f} GB; "
                + ", ".join(f"{share:.2f} of {limit}" for limit, share in shares.items())
            )
            tell_ratio(shares[bound], f"{case}, {precision}", bound)


def in_a_process(case: str, precision: str) -> dict:
    """What a process of its own measures."""
    command = [sys.executable, __file__, *sys.argv[1:], "--only", f"{case}:{precision}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{case} in {precision} failed:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def measured(options, case: str, precision: str) -> dict:
    """The rates of both limits, or the seconds, operations, bytes and peak of memory of a case."""
    if case == "limits":
        return {"gemm": gemm_rate(precision, options), "bandwidth": bandwidth(options)}
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else "float32")
    if case == "SAM-VGG's step":
        network = models.SAMVGG(pair(options.sam), backbone_weights="random")
        batch, network.trainable = SAM_BATCH, True
    else:
        network = models.Baseline(pair(options.size), "sigmoid", backbone_weights="random")
        batch, network.backbone.trainable = options.batch, False
    random = np.random.default_rng(0)
    stimuli = ops.convert_to_tensor(random.uniform(0, 255, (batch, *network.input_size, 3)), "float32")
    shape = (batch, *network.output_size)
    y_true = np.stack([random.random(shape), random.random(shape) < 1e-3], axis=-1).astype("float32")
    y_true = ops.convert_to_tensor(y_true)
    counts = Counts(network, BYTES[precision])
    if case == "features":
        run, work = forward(network.backbone, stimuli), counts.of(network.backbone)
    elif case == "step, cached features":
        features = network.backbone(stimuli)
        run, work = training(network.head, features, y_true), counts.of(network.head, learning=True)
    else:
        run = training(network, stimuli, y_true)
        work = counts.of(network.backbone, network.head, learning=True)
    seconds = median_seconds(run, options.rounds)
    return {
        "seconds": seconds,
        "batch": batch,
        "peak": peak_memory(),
        **{name: batch * n for name, n in work.items()},
    }


def forward(model: keras.Model, x):
    """A compiled forward pass that is awaited."""
    if keras.backend.backend() == "jax":
        import jax

        call = jax.jit(lambda *variables: model.stateless_call(*variables, training=False)[0])
        groups = model.trainable_variables, model.non_trainable_variables
        variables = [[variable.value for variable in group] for group in groups]
        return lambda: jax.block_until_ready(call(*variables, x))
    import tensorflow as tf

    call = tf.function(lambda x: [tf.reduce_sum(y) for y in model(x, training=False)], jit_compile=GPU)
    return lambda: [y.numpy() for y in call(x)]


def training(model: keras.Model, x, y_true):
    """A step of Keras's own training, its loss awaited."""
    model.compile("adamw", losses.get("kld+cc+nss"), jit_compile=GPU or keras.backend.backend() == "jax")
    return lambda: model.train_on_batch(x, y_true)


def gemm_rate(precision: str, options) -> float:
    """Operations a second of the faster of two large products of square matrices."""

    def rate(side):
        a = ops.cast(ops.ones((side, side)), precision)
        return 2 * side**3 / median_seconds(awaited(lambda a: ops.matmul(a, a), a), options.rounds)

    return max(map(rate, GEMM_SIDES))


def bandwidth(options) -> float:
    """Bytes a second that are read and written where a number is added to each of many, in float32."""
    x = ops.ones((COPIED,), "float32")
    return 2 * 4 * COPIED / median_seconds(awaited(lambda x: x + 1, x), options.rounds)


def awaited(function, x):
    """A compiled function of one tensor, awaited by its last element."""
    if keras.backend.backend() == "jax":
        import jax

        compiled = jax.jit(function)
        return lambda: jax.block_until_ready(compiled(x))
    import tensorflow as tf

    compiled = tf.function(function)
    return lambda: tf.reshape(compiled(x), [-1])[-1].numpy()


def peak_memory() -> float:
    """The largest memory in bytes: the GPU's, as its allocator counts it, or the process's."""
    if GPU and keras.backend.backend() == "jax":
        import jax

        return jax.local_devices()[0].memory_stats()["peak_bytes_in_use"]
    if GPU:
        import tensorflow as tf

        return tf.config.experimental.get_memory_info("GPU:0")["peak"]
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def pair(text: str) -> tuple[int, int]:
    rows, columns = map(int, text.split("x"))
    return rows, columns


if __name__ == "__main__":
    main()
