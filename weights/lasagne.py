"""Weights of networks that were trained with Lasagne: .npz files of `get_all_param_values`."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kerasal.errors import InputError, reading
from kerasal.weights.stored import StoredLayer, check_shapes, existing

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def load_lasagne_weights(layers: Sequence[StoredLayer], path: Path | str) -> None:
    """Set layers from the arrays `arr_0`, `arr_1`, ... of an .npz file, by order.

    All shapes and values are checked before the first weight is set, and nothing is ever unpickled.
    InputError: no .npz file, or a damaged one; another number of arrays; an array of another shape, of Python
    objects or with values that are not finite, by its name.
    """
    shapes = lasagne_shapes(path)
    needed = sum(len(stored.shapes) for stored in layers)
    if len(shapes) != needed:
        raise InputError(
            f"{path} has {len(shapes)} arrays and the network has {needed}: it is another network's"
        )
    converted = []
    start = 0
    with reading(f"{path} is damaged"), np.load(path, allow_pickle=False) as archive:
        for stored in layers:
            end = start + len(stored.shapes)
            where = f"{path}: arr_{start}" + (f" to arr_{end - 1}" if end - start > 1 else "")
            check_shapes(shapes[start:end], stored, where)
            converted.append(stored.convert([archive[f"arr_{i}"] for i in range(start, end)], where))
            start = end
    for stored, arrays in zip(layers, converted, strict=True):
        stored.set(arrays)


def lasagne_shapes(path: Path | str) -> list[tuple[int, ...]]:
    """The shapes of `arr_0`, `arr_1`, ..., read from their headers alone. InputError: see above."""
    path = existing(path)
    if not is_npz(path):
        raise InputError(f"{path} is not an .npz file of Lasagne's arrays")
    with reading(f"{path} is damaged"), zipfile.ZipFile(path) as archive:
        names = [f"arr_{i}.npy" for i in range(len(archive.namelist()))]
        if set(names) != set(archive.namelist()):
            raise InputError(f"{path} does not hold the arrays arr_0, arr_1, ... that Lasagne's users save")
        return [_shape(archive, name, path) for name in names]


def is_npz(path: Path | str) -> bool:
    """Whether a file begins as .npz files do, which are ZIP archives."""
    with open(path, "rb") as file:
        return file.read(4) == b"PK\x03\x04"


def _shape(archive, name, path):
    with archive.open(name) as file:
        shape, _, dtype = _HEADERS[np.lib.format.read_magic(file)](file)
    if dtype.kind != "f":
        what = "Python objects, which are not opened" if dtype.hasobject else f"{dtype} numbers"
        raise InputError(
            f"{path}: {name.removesuffix('.npy')} holds {what} in place of floating-point numbers"
        )
    return shape
