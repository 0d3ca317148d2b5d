"""The arithmetic that backbone and head compute in; weights, losses and metrics are float32 in each."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import keras
import tensorflow as tf

from kerasal.errors import InputError

DEFAULT_PRECISION = "float32"
PRECISIONS = ("auto", "float32", "bfloat16", "float16")

# What Linux calls the CPU's instructions for bfloat16 products, the faster ones first.
CPU_FLAGS = {"amx_bf16": "AMX", "avx512_bf16": "AVX512-BF16"}
AMPERE = (8, 0)  # the compute capability from which NVIDIA's GPUs multiply bfloat16


def resolve_precision(name: str) -> tuple[str, str | None]:
    """The precision that `name` stands for here, and a line for the user where there is something to say.

    "auto" is bfloat16 where the GPU, or without one the CPU, computes in it, else float32.
    InputError: an unknown name.
    """
    if name not in PRECISIONS:
        raise InputError(f"unknown precision {name!r}: one of {', '.join(PRECISIONS)}")
    if name == "float32":
        return name, None
    hardware = bfloat16_hardware()
    if name == "auto" and hardware is None:
        return "float32", "computing in float32: nothing here computes in bfloat16"
    chosen = "bfloat16" if name == "auto" else name
    why = f" ({hardware})" if name == "auto" else ""
    return (
        chosen,
        f"computing in {chosen}{why}, weights and losses in float32; to turn off: --precision float32",
    )


def bfloat16_hardware(cpuinfo: Path = Path("/proc/cpuinfo")) -> str | None:
    """What computes in bfloat16 here: "GPU", an extension of the CPU, or None."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        capable = [
            tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0)) >= AMPERE
            for gpu in gpus
        ]
        return "GPU" if all(capable) else None
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return None
    flags = next((line.split(":", 1)[1].split() for line in lines if line.startswith("flags")), [])
    return next((name for flag, name in CPU_FLAGS.items() if flag in flags), None)


@contextlib.contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """A context whose new layers compute in "float32", "bfloat16" or "float16" and keep float32 weights."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32" if precision == "float32" else f"mixed_{precision}")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
