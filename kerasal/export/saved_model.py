"""SavedModel and .keras: the formats of TensorFlow and Keras themselves."""

import zipfile
from pathlib import Path

import tensorflow as tf

from kerasal.export.encoded import encoded_function
from kerasal.export.graph import Function, serving_function
from kerasal.models import SaliencyModel


def write_saved_model(model: SaliencyModel, path: Path, card: str) -> None:
    """A folder that plain TensorFlow loads: `serving_default`, `serve_encoded`, the card as README.md."""
    signatures = {"serving_default": serving_function(model), "serve_encoded": encoded_function(model)}
    save_signatures(model, signatures, path)
    (path / "README.md").write_text(card, encoding="utf-8")


def save_signatures(model: SaliencyModel, signatures: dict[str, Function], path: Path) -> None:
    """The functions as a SavedModel, with the network's variables."""
    module = tf.Module()
    module.variables_ = [variable.value for variable in model.variables]  # what the graphs need
    for name, function in signatures.items():
        setattr(module, name, function)
    tf.saved_model.save(module, str(path), signatures=signatures)


def write_keras(model: SaliencyModel, path: Path, card: str) -> None:
    """A .keras file, which loads after `import kerasal`; the card is README.md in it, a ZIP archive."""
    model.save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("README.md", card)
