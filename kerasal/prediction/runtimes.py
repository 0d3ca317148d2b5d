"""Running an exported model in the runtime it was made for."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from kerasal._processes import available_cores

# suffix of an export -> the function here that runs it, named as its format is
SUFFIXES = {".keras": "keras", ".onnx": "onnx", ".tflite": "tflite"}

Runner = Callable[[np.ndarray], dict[str, np.ndarray]]  # stimuli (B, H, W, 3) uint8 to named outputs


def saved_model(path: Path) -> Runner:
    """By TensorFlow."""
    import tensorflow as tf  # here: the other formats' runtimes do without

    loaded = tf.saved_model.load(str(path))
    serve = loaded.signatures["serving_default"]

    def run(stimuli: np.ndarray) -> dict[str, np.ndarray]:
        loaded.signatures  # noqa: B018  keeps what was loaded alive: the signature alone does not
        return {name: value.numpy() for name, value in serve(stimuli=tf.constant(stimuli)).items()}

    return run


def onnx(path: Path) -> Runner:
    """By onnxruntime. ImportError: it is not installed."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda stimuli: dict(zip(names, session.run(names, {"stimuli": stimuli}), strict=True))


def tflite(path: Path) -> Runner:
    """By LiteRT, TFLite's interpreter, on all cores. ImportError: it is not installed."""
    from ai_edge_litert.interpreter import Interpreter

    # Without a number it takes one thread.
    interpreter = Interpreter(model_path=str(path), num_threads=available_cores())
    interpreter.allocate_tensors()  # now it tells of itself, and not with the first map
    signature = interpreter.get_signature_runner("serving_default")
    return lambda stimuli: signature(stimuli=stimuli)


def keras(path: Path) -> Runner:
    """By Keras, the file's model as it comes."""
    import keras as keras_

    model = keras_.models.load_model(path)
    return lambda stimuli: {"saliency": np.asarray(model.saliency(stimuli))}
