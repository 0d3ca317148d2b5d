"""What the CPU can do, told without TensorFlow."""

from pathlib import Path

# What Linux calls the instructions for bfloat16 products, the faster ones first.
BFLOAT16 = {"amx_bf16": "AMX", "avx512_bf16": "AVX512-BF16"}


def bfloat16_instructions(cpuinfo: Path = Path("/proc/cpuinfo")) -> str | None:
    """The CPU's extension that multiplies bfloat16, or None; None, too, where there is no Linux to tell."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    flags = next((line.split(":", 1)[1].split() for line in lines if line.startswith("flags")), [])
    return next((name for flag, name in BFLOAT16.items() if flag in flags), None)
