"""Exporting a trained network to a format that other programs read."""

import os
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name

import keras
import numpy as np

from kerasal._files import folder_beside
from kerasal.errors import InputError
from kerasal.export.card import model_card
from kerasal.export.table import FORMATS, having
from kerasal.models import SaliencyModel
from kerasal.prediction import runtimes
from kerasal.prediction.predictors import LoadedPredictor

TOLERANCE = 1e-3
_CHECKED_SIZES = ((60, 90), (121, 75))


@dataclass(frozen=True)
class Exported:
    """An exported model, and how far its maps are from `kerasal predict`'s."""

    path: Path
    size_bytes: int
    difference: float | None  # the largest of any pixel, of maps in [0, 1]; None where the runtime is missing
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether the difference was measured and is within the tolerance."""
        return self.difference is not None and self.difference <= self.tolerance


def check_request(path: Path, format: str, *, float16: bool, int8: bool, size: tuple[int, int] | None) -> str:
    """What the weights are stored as, of arguments of `export`, which need no network to be checked.

    InputError: the path is there already or ends otherwise, a format that does not exist, or an option that
    it has not.
    """
    if format not in FORMATS:
        raise InputError(f"unknown format {format!r}: one of {', '.join(FORMATS)}")
    if format != "keras" and keras.config.backend() != "tensorflow":
        raise InputError("exporting needs Keras on TensorFlow: unset KERAS_BACKEND")
    options = FORMATS[format].options
    if float16 and int8:
        raise InputError("weights are stored as float16 or as int8, not as both")
    stored = "float16" if float16 else "int8" if int8 else "float32"
    if stored not in ("float32", *options):
        raise InputError(f"{stored} is for {' and '.join(having(stored))}, not for {format}")
    if size and ("size" not in options or min(size) < 1):
        which = " or ".join(having("size"))
        raise InputError(f"no fixed size {size[0]}x{size[1]} for {format}: a positive one, for {which}")
    suffix = FORMATS[format].suffix
    if suffix and path.suffix != suffix:
        raise InputError(
            f"{path} is no name of a file of {format}: name one with --output that ends in {suffix}"
        )
    if path.exists() or path.is_symlink():
        raise InputError(f"{path} is there already: name another place with --output, or remove it")
    return stored


def export(
    source: LoadedPredictor,
    path: Path | str,
    format: str = "saved_model",
    *,
    float16: bool = False,
    int8: bool = False,
    size: tuple[int, int] | None = None,
) -> Exported:
    """Write a network with its pre- and post-processing, and compare what was written with the network.

    Args:
        path: the folder (saved_model) or file to make, which ends as its format's do: it is known by that.
        format: one of FORMATS.
        float16, int8: where the format has it: store the weights in half the space, or in a quarter.
        size: where the format has it, for runtimes that want fixed sizes: (rows, columns) of the one image
            that is taken at a time.

    InputError: as `check_request`; a converter that is not installed, or a predictor that is no network.
    """
    path = Path(path)
    stored = check_request(path, format, float16=float16, int8=int8, size=size)
    if not isinstance(source.predictor, SaliencyModel):
        raise InputError(f"{source.name} is no network, and only networks can be exported")
    suffix, options = FORMATS[format].suffix, FORMATS[format].options
    card = model_card(source, format, stored=stored, size=size)
    with folder_beside(path) as folder:
        partial = folder / f"model{suffix}"
        write = resolve_name(f"kerasal.export.{FORMATS[format].writer}")
        given = {"size": size, "float16": float16, "int8": int8}
        write(source.predictor, partial, card, **{name: given[name] for name in options})
        difference = _difference(source.predictor, partial, format, size)
        os.replace(partial, path)
    size_bytes = sum(file.stat().st_size for file in (path, *path.rglob("*")) if file.is_file())
    return Exported(path, size_bytes, difference, FORMATS[format].tolerances.get(stored, TOLERANCE))


def _difference(model, path, format, size) -> float | None:
    """The largest difference of a map from the model's own, over images of noise and of blobs; NaN shows."""
    try:
        run = getattr(runtimes, format)(path)
    except ImportError:
        return None
    random = np.random.default_rng(0)
    differences = []
    for rows, columns in (size,) if size else _CHECKED_SIZES:
        noise = random.integers(0, 256, (rows, columns, 3), dtype=np.uint8)
        coarse = random.integers(0, 256, (rows // 20 + 1, columns // 20 + 1, 3), dtype=np.uint8)
        blobs = coarse.repeat(20, axis=0).repeat(20, axis=1)[:rows, :columns]
        for stimulus in (noise, blobs):
            exported = run(stimulus[None])["saliency"][0, ..., 0]
            differences.append(np.abs(exported - model.saliency_maps([stimulus])[0]).max())
    return float(np.max(differences))
