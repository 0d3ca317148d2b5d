"""The arithmetic that backbone and head compute in; weights, losses and metrics are float32 in each."""

import contextlib
import functools
import time
from collections.abc import Iterator

import keras
import tensorflow as tf

from kerasal._cpu import bfloat16_instructions
from kerasal.errors import InputError
from kerasal.models.base import all_layers
from kerasal.training.table import PRECISIONS

WORTHWHILE = 1.2  # how many times as fast as float32 bfloat16 has to be to be taken
AMPERE = (8, 0)  # the compute capability from which NVIDIA's GPUs multiply bfloat16


def resolve_precision(name: str) -> tuple[str, str | None]:
    """The precision that `name` stands for here, and a line for the user where there is something to say.

    "auto" is bfloat16 where the GPU computes in it or, without a GPU, where the CPU does so faster than in
    float32; else float32. InputError: an unknown name.
    """
    if name not in PRECISIONS:
        raise InputError(f"unknown precision {name!r}: one of {', '.join(PRECISIONS)}")
    if name == "float32":
        return name, None
    rest = "weights and losses in float32; to turn off: --precision float32"
    if name != "auto":
        return name, f"computing in {name}, {rest}"
    hardware = bfloat16_hardware()
    if hardware is None:
        return "float32", None
    if hardware == "GPU":
        return "bfloat16", f"computing in bfloat16 (GPU), {rest}"
    speed = f"{hardware}: {bfloat16_speed():.1f} times as fast as float32"
    if bfloat16_speed() < WORTHWHILE:
        return "float32", f"computing in float32: bfloat16 brings nothing on this CPU ({speed})"
    return "bfloat16", f"computing in bfloat16 ({speed}), {rest}"


def precision_of(part: keras.Model) -> str:
    """The precision that a network's head or backbone was built for; some layers are float32 in each."""
    return min({layer.compute_dtype for layer in all_layers(part)} - {"float32"}, default="float32")


@functools.cache
def bfloat16_speed() -> float:
    """How many times as fast as in float32 this CPU computes a typical convolution in bfloat16.

    Measured, in some 50 ms: AVX512-BF16 doubles the speed of some CPUs and halves that of others.
    """
    seconds = {}
    for dtype in ("float32", "bfloat16"):
        stimuli = tf.cast(tf.fill((1, 40, 50, 256), 0.5), dtype)  # as a layer of block 3 sees them
        kernel = tf.cast(tf.fill((3, 3, 256, 256), 0.5), dtype)
        tf.nn.conv2d(stimuli, kernel, 1, "SAME")  # the first call compiles
        tries = []
        for _ in range(3):
            start = time.perf_counter()
            tf.nn.conv2d(stimuli, kernel, 1, "SAME").numpy()
            tries.append(time.perf_counter() - start)
        seconds[dtype] = min(tries)
    return seconds["float32"] / seconds["bfloat16"]


def bfloat16_hardware() -> str | None:
    """What computes in bfloat16 here: "GPU", an extension of the CPU, or None."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return bfloat16_instructions()
    capable = [
        tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0)) >= AMPERE
        for gpu in gpus
    ]
    return "GPU" if all(capable) else None


@contextlib.contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """A context whose new layers compute in "float32", "bfloat16" or "float16" and keep float32 weights."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32" if precision == "float32" else f"mixed_{precision}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
