"""Make the shipped copy of VGG-16's convolutions:

python -m kerasal.weights.convert SOURCE.h5 TARGET.h5
"""

import sys
from pathlib import Path

import h5py
import numpy as np

from kerasal._files import write_hdf5
from kerasal.weights.keras_file import read_layer


def vgg16_to_float16(source: Path | str, target: Path | str) -> None:
    """Write the convolutions of `source`, a Keras file of float32, to `target` as float16.

    The same source gives the same bytes: HDF5 without time stamps or compression.
    ValueError: a weight that float16 cannot hold.
    """

    def fill(half: h5py.File) -> None:
        with h5py.File(source, "r") as full:
            for layer in (name for name in full if "_conv" in name):
                for name, array in zip(("kernel", "bias"), read_layer(full[layer]), strict=True):
                    if np.abs(array).max() > np.finfo("float16").max:
                        raise ValueError(f"{layer} {name} does not fit float16")
                    half.create_dataset(f"{layer}/{name}", data=array.astype("float16"), track_times=False)

    write_hdf5(Path(target), fill)


if __name__ == "__main__":
    vgg16_to_float16(*sys.argv[1:])
