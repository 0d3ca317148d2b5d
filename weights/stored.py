"""What a layer's arrays look like in the files of other frameworks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from kerasal.errors import InputError
from kerasal.layers import AttentiveConvLSTM


@dataclass(frozen=True)
class StoredLayer:
    """A layer and how Theano, Lasagne or Caffe stored its arrays, in the order of the layer's weights.

    A convolution's kernel (rows, columns, in, out) is stored as (out, in, rows, columns), and a transposed
    convolution's (rows, columns, out, in) as (in, out, rows, columns); all else as Keras has it. An
    `AttentiveConvLSTM` is stored gate by gate.

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
        gates = isinstance(self.layer, AttentiveConvLSTM)
        arrays = self.layer.per_gate_weights() if gates else self.layer.weights
        shapes = [tuple(array.shape) for array in arrays]
        return [(s[3], s[2], s[0], s[1]) if len(s) == 4 else s for s in shapes]

    def convert(self, arrays: Iterable[np.ndarray], where: str) -> list[np.ndarray]:
        """The file's arrays, of the shapes above, as `set` takes them, float32.

        InputError: values that are not finite; `where` says in it which file's layer it is.
        """
        converted = [
            keras_kernel(array, self.flipped) if array.ndim == 4 else array for array in finite(arrays, where)
        ]
        if self.features:
            rows, columns, channels = self.features
            by_channel = converted[0].reshape(channels, rows, columns, -1)
            converted[0] = by_channel.transpose(1, 2, 0, 3).reshape(converted[0].shape)
        if self.kernel_alone:
            converted[1:] = self.layer.get_weights()[1:]
        return converted

    def set(self, arrays: Sequence[np.ndarray]) -> None:
        """Give the layer what `convert` made."""
        if isinstance(self.layer, AttentiveConvLSTM):
            self.layer.set_per_gate_weights(arrays)
        else:
            self.layer.set_weights(arrays)


def existing(path: Path | str) -> Path:
    """A weights file's path. InputError: there is none."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no weights file {path}")
    return path


def check_shapes(found: Sequence[tuple[int, ...]], stored: StoredLayer, where: str) -> None:
    """InputError: the shapes in a file are not those that the layer needs.

    Asked before anything is read: a few bytes can claim an array of any size.
    """
    needed = stored.shapes
    if len(found) != len(needed):
        raise InputError(f"{where} has {len(found)} arrays, {stored.name} needs {len(needed)}")
    for shape, wanted in zip(found, needed, strict=True):
        if tuple(shape) != wanted:
            raise InputError(f"{where} has an array of shape {tuple(shape)}, {stored.name} needs {wanted}")


def finite(arrays: Iterable[np.ndarray], where: str) -> list[np.ndarray]:
    """A file's arrays as float32. InputError: values that are not finite there; `where` says which file's."""
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
        converted = [np.asarray(array, "float32") for array in arrays]
    if not all(np.isfinite(array).all() for array in converted):
        raise InputError(f"{where} has values that are not finite")
    return converted


def keras_kernel(kernel: np.ndarray, flipped: bool) -> np.ndarray:
    """A kernel (out, in, rows, columns) as Keras has it, (rows, columns, in, out); `flipped` ones turned."""
    if flipped:
        kernel = kernel[:, :, ::-1, ::-1]
    return np.ascontiguousarray(kernel.transpose(2, 3, 1, 0))


def layers_by_name(*models: keras.Model) -> dict[str, keras.layers.Layer]:
    """The layers with weights of networks, by name."""
    return {layer.name: layer for model in models for layer in model.layers if layer.weights}
