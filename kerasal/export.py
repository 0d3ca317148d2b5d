"""Exporting a trained network as a SavedModel."""

import shutil
import tempfile
from pathlib import Path

import tensorflow as tf

from kerasal.errors import InputError
from kerasal.models import SaliencyModel, scale_to_peak


def export_saved_model(model: SaliencyModel, folder: Path | str) -> Path:
    """Write a SavedModel that runs in plain TensorFlow, without kerasal or Keras.

    Its signature `serving_default` takes `stimuli`, a batch (B, H, W, 3) of uint8 RGB images of any one
    size, and returns `saliency` (B, H, W, 1), float32 in [0, 1], at that size: pre- and post-processing
    are inside. InputError: the folder is there already.
    """
    folder = Path(folder)
    if folder.exists():
        raise InputError(f"{folder} is there already: name another folder with --output, or remove it")

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8, name="stimuli")])
    def serve(stimuli):
        # `model.saliency` in TensorFlow's own operation: Keras's resize needs a size that is known now.
        def resize(maps, size):
            return tf.image.resize(maps, size, method="bilinear", antialias=True)

        _, rows, columns, _ = tf.unstack(tf.shape(stimuli))
        maps = model.restore(
            model(tf.cast(stimuli, tf.float32), training=False), (rows, columns), resize=resize
        )
        return {"saliency": scale_to_peak(maps)}

    module = tf.Module()
    module.variables_ = [
        variable.value for variable in model.variables
    ]  # what the graph needs, saved with it
    module.serve = serve
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.partial-", dir=folder.parent))
    try:
        tf.saved_model.save(module, str(partial), signatures={"serving_default": serve})
        partial.chmod(0o755)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder
