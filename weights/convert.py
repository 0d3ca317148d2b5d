"""Make the shipped copies of ImageNet networks' convolutions:

python -m kerasal.weights.convert vgg16 SOURCE.h5 TARGET.h5
python -m kerasal.weights.convert efficientnet-lite2 SOURCE.h5 TARGET.h5

The same source gives the same bytes: HDF5 without time stamps or compression.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from kerasal._files import write_hdf5
from kerasal.weights.keras_file import read_layer

LITE2_EPSILON = 1e-3  # of EfficientNet's batch normalisation
LITE2_BLOCKS = 21
LITE2_PARTS = {"expand": "_bn0", "depthwise": "_bn1", "project": "_bn2"}  # with their normalisations

Arrays = Iterator[tuple[str, list[np.ndarray]]]  # a layer's name, its kernel and its bias


def vgg16_to_float16(source: Path | str, target: Path | str) -> None:
    """Write the convolutions of `source`, a Keras file of float32, to `target` as float16.

    ValueError: a weight that float16 cannot hold.
    """
    with h5py.File(source, "r") as full:
        _write(((layer, read_layer(full[layer])) for layer in full if "_conv" in layer), target)


def lite2_to_float16(source: Path | str, target: Path | str) -> None:
    """Write EfficientNet-Lite2's convolutions, batch normalisation folded into them, as float16.

    The source holds PyTorch's arrays by their published names: kernels (out, in, rows, columns), those of
    depthwise convolutions (channels, 1, rows, columns). ValueError: a weight that float16 cannot hold.
    """
    with h5py.File(source, "r") as full:
        _write(_folded(full), target)


def _write(layers: Arrays, target) -> None:
    def fill(half: h5py.File) -> None:
        for layer, arrays in layers:
            for name, array in zip(("kernel", "bias"), arrays, strict=True):
                if np.abs(array).max() > np.finfo("float16").max:
                    raise ValueError(f"{layer} {name} does not fit float16")
                half.create_dataset(f"{layer}/{name}", data=array.astype("float16"), track_times=False)

    write_hdf5(Path(target), fill)


def _folded(file) -> Arrays:
    """EfficientNet-Lite2's layers as `kerasal.models.efficientnet_lite2` names them."""
    yield "stem", _fold(file, "_conv_stem", "_bn0")
    for block in range(LITE2_BLOCKS):
        for part, norm in LITE2_PARTS.items():
            convolution = f"_blocks.{block}._{part}_conv"
            if f"{convolution}.weight" in file:  # block 0 does not widen
                yield f"block{block}_{part}", _fold(file, convolution, f"_blocks.{block}.{norm}")


def _fold(file, convolution, norm):
    kernel = file[f"{convolution}.weight"][()].astype("float64")
    gain, shift, mean, variance = (
        file[f"{norm}.{name}"][()].astype("float64")
        for name in ("weight", "bias", "running_mean", "running_var")
    )
    gain /= np.sqrt(variance + LITE2_EPSILON)
    kernel = kernel * gain[:, None, None, None]
    order = (2, 3, 0, 1) if convolution.endswith("depthwise_conv") else (2, 3, 1, 0)
    return [kernel.transpose(order), shift - mean * gain]


if __name__ == "__main__":
    {"vgg16": vgg16_to_float16, "efficientnet-lite2": lite2_to_float16}[sys.argv[1]](*sys.argv[2:])
