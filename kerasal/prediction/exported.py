"""Exports of `kerasal export` as predictors, each in the runtime that its format is made for."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kerasal._stimuli import as_stimuli
from kerasal.errors import InputError, one_line, reading
from kerasal.prediction import runtimes

if TYPE_CHECKING:
    from kerasal.models import SaliencyModel


class ExportedPredictor:
    """A SavedModel, an .onnx or a .tflite file that `kerasal export` wrote."""

    def __init__(self, path: Path, format: str):
        self.path = path
        try:
            self._run = getattr(runtimes, format)(path)
        except ImportError as error:
            raise InputError(f"{path} needs {error.name} to run: pip install {error.name}") from None
        except Exception as error:  # each runtime has its own
            raise InputError(f"cannot load {path}: {one_line(error)}") from None

    def saliency_maps(self, stimuli: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Maps (H, W), float32, in [0, 1], of stimuli (H, W, 3), uint8 RGB, of sizes that the export takes.

        InputError: another size than that of a file that was exported with one; a file of another program.
        """
        return [self._map(stimulus) for stimulus in as_stimuli(stimuli)]

    def _map(self, stimulus: np.ndarray) -> np.ndarray:
        rows, columns = stimulus.shape[:2]
        with reading(f"{self.path} gives no map of an image of {rows}x{columns}"):
            saliency_map = np.asarray(self._run(stimulus[None])["saliency"])[0, ..., 0]
        if saliency_map.shape != (rows, columns):
            raise InputError(
                f"{self.path} is no export of kerasal's: its maps have another size than the image"
            )
        return saliency_map


def export_format(path: Path) -> str | None:
    """The format of `kerasal export` that a path looks like; None for none."""
    if path.is_dir():
        return "saved_model" if (path / "saved_model.pb").is_file() else None
    return runtimes.SUFFIXES.get(path.suffix.lower()) if path.is_file() else None


def load_export(path: Path) -> "SaliencyModel | ExportedPredictor":
    """What predicts with an export: of a .keras file the network itself.

    InputError: the runtime is not installed, or the file is damaged or no export of kerasal's.
    """
    format = export_format(path)
    if format != "keras":
        return ExportedPredictor(path, format)
    import keras  # here: the other formats do without

    from kerasal.models import SaliencyModel

    try:
        network = keras.models.load_model(path)
    except Exception as error:
        raise InputError(f"cannot load {path}: {one_line(error)}") from None
    if not isinstance(network, SaliencyModel):
        raise InputError(f"{path} is no export of kerasal's: it holds a {type(network).__name__}")
    return network
