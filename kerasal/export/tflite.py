"""TFLite, by TensorFlow's own converter."""

import tempfile
import zipfile
from pathlib import Path

import tensorflow as tf

from kerasal.export.graph import PORTABLE, serving_function
from kerasal.export.saved_model import save_signatures
from kerasal.models import SaliencyModel


def write_tflite(
    model: SaliencyModel, path: Path, card: str, size: tuple[int, int] | None, float16: bool, int8: bool
) -> None:
    """A .tflite file with the signature `serving_default`; the card is README.md, zipped to the file's end.

    Built-in operations alone, so that any TFLite runtime runs it. With `float16` the weights are stored in
    half the space, with `int8` the kernels in a quarter, and convolutions compute with 8-bit integers, whose
    scale the runtime chooses by each input ("dynamic range").
    """
    with tempfile.TemporaryDirectory() as folder:
        save_signatures(model, {"serving_default": serving_function(model, PORTABLE, size)}, Path(folder))
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if float16 or int8:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if float16:
            converter.target_spec.supported_types = [tf.float16]
        path.write_bytes(converter.convert())
    with zipfile.ZipFile(path, "a") as archive:  # where TFLite's metadata keep their files, too
        archive.writestr("README.md", card)
