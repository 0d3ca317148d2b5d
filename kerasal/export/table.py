"""The formats of `kerasal export` as data, which import nothing. A new one is a row here and its writer."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        name: on the command line, and of the function in `kerasal/prediction/runtimes.py` that runs it.
        title: as printed.
        writer: the function that writes it, "module:function" in `kerasal/export/`, called with the network,
            the path, the model card and `options` by their names.
        call: how it is called, in Python, for the model card; {path} is its place.
        suffix: of its file, as in `SUFFIXES` there; "" where it is a folder.
        options: of size, float16 and int8, those that it has.
        tolerances: how far maps may be from the network's, of weights stored in less than float32.
    """

    name: str
    title: str
    writer: str
    call: str
    suffix: str = ""
    options: tuple[str, ...] = ()
    tolerances: Mapping[str, float] = field(default_factory=dict)


FORMATS: dict[str, Format] = {
    row.name: row
    for row in (
        Format(
            "saved_model",
            "TensorFlow",
            "saved_model:write_saved_model",
            """import tensorflow as tf

model = tf.saved_model.load("{path}")
serve = model.signatures["serving_default"]
saliency = serve(stimuli=photo[None])["saliency"][0, ..., 0]  # photo: (H, W, 3) uint8 RGB""",
        ),
        Format(
            "keras",
            "Keras",
            "saved_model:write_keras",
            """import keras
import kerasal  # registers the classes

model = keras.models.load_model("{path}")
saliency = model.saliency_maps([photo])[0]  # photo: (H, W, 3) uint8 RGB""",
            ".keras",
        ),
        Format(
            "onnx",
            "ONNX",
            "onnx:write_onnx",
            """import onnxruntime

session = onnxruntime.InferenceSession("{path}")  # photo: (H, W, 3) uint8 RGB
saliency, density = session.run(["saliency", "density"], {{"stimuli": photo[None]}})""",
            ".onnx",
            ("size", "float16"),
            {"float16": 1e-2},
        ),
        Format(
            "tflite",
            "TFLite",
            "tflite:write_tflite",
            """from ai_edge_litert.interpreter import Interpreter

serve = Interpreter(model_path="{path}", num_threads=4).get_signature_runner("serving_default")
saliency = serve(stimuli=photo[None])["saliency"][0, ..., 0]  # photo: (H, W, 3) uint8 RGB""",
            ".tflite",
            ("size", "float16", "int8"),
            {"float16": 5e-2, "int8": 1e-1},
        ),
    )
}


def having(option: str, what: str = "name") -> list[str]:
    """The formats that have an option, by their names or titles."""
    return [getattr(row, what) for row in FORMATS.values() if option in row.options]
