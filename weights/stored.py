"""What a layer's arrays look like in the files of other frameworks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from kerasal.errors import InputError


@dataclass(frozen=True)
class StoredLayer:
    """A layer and how Lasagne or Caffe stored its arrays, which stand in the order of the layer's weights.

    A convolution's kernel (rows, columns, in, out) is stored as (out, in, rows, columns), and a transposed
    convolution's (rows, columns, out, in) as (in, out, rows, columns); all else as Keras has it.

    Attributes:
        layer: built.
        flipped: kernels are those of a true convolution, turned by 180 degrees.
        features: (rows, columns, channels) of the feature map whose pixels are a dense layer's inputs; they
            are stored channel by channel.
        kernel_alone: the file has a bias too, which is not taken.
    """

    layer: keras.layers.Layer
    flipped: bool = False
    features: tuple[int, int, int] | None = None
    kernel_alone: bool = False

    @property
    def name(self) -> str:
        """The layer's name."""
        return self.layer.name

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """The arrays' shapes in the file."""
        shapes = [tuple(weight.shape) for weight in self.layer.weights]
        return [(s[3], s[2], s[0], s[1]) if len(s) == 4 else s for s in shapes]

    def convert(self, arrays: Sequence[np.ndarray], where: str) -> list[np.ndarray]:
        """The file's arrays as `layer.set_weights` takes them, float32.

        InputError: another number of arrays, another shape, or values that are not finite; `where` says in it
        which file's layer it is.
        """
        check_shapes([array.shape for array in arrays], self, where)
        if not all(np.isfinite(array).all() for array in arrays):
            raise InputError(f"{where} has values that are not finite")
        converted = [np.asarray(array, "float32") for array in arrays]
        if converted[0].ndim == 4:
            converted[0] = keras_kernel(converted[0], self.flipped)
        if self.features:
            rows, columns, channels = self.features
            by_channel = converted[0].reshape(channels, rows, columns, -1)
            converted[0] = by_channel.transpose(1, 2, 0, 3).reshape(converted[0].shape)
        if self.kernel_alone:
            converted[1:] = self.layer.get_weights()[1:]
        return converted


def existing(path: Path | str) -> Path:
    """A weights file's path. InputError: there is none."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no weights file {path}")
    return path


def damaged(path: Path | str, error: Exception) -> InputError:
    """What to raise for a file whose bytes made a reader raise `error`."""
    return InputError(f"{path} is damaged: {' '.join(str(error).split()) or type(error).__name__}")


def check_shapes(found: Sequence[tuple[int, ...]], stored: StoredLayer, where: str) -> None:
    """InputError: the shapes in a file are not those that the layer needs."""
    needed = stored.shapes
    if len(found) != len(needed):
        raise InputError(f"{where} has {len(found)} arrays, {stored.name} needs {len(needed)}")
    for shape, wanted in zip(found, needed, strict=True):
        if tuple(shape) != wanted:
            raise InputError(f"{where} has an array of shape {tuple(shape)}, {stored.name} needs {wanted}")


def keras_kernel(kernel: np.ndarray, flipped: bool) -> np.ndarray:
    """A kernel (out, in, rows, columns) as Keras has it, (rows, columns, in, out); `flipped` ones turned."""
    if flipped:
        kernel = kernel[:, :, ::-1, ::-1]
    return np.ascontiguousarray(kernel.transpose(2, 3, 1, 0))
