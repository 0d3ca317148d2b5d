"""kerasal: predict where people look.

    stimulus file ─┐                              ┌─ pre-processing ─ backbone ─ head ─ saliency map
    fixations ─────┼─ datasets ─ samples ─ tf.data┤                                          │
    density map ───┘   (kerasal.data)             └─ y_true = [density, fixations] ─ loss, metric
                                                          evaluation at the stimulus's own size

`import kerasal` registers every loss, metric, layer and model with Keras, so that saved models load.
What needs TensorFlow or OpenCV (`kerasal.data`, `kerasal.training`, ...) is imported when it is used.
"""

from pathlib import Path as _Path

__version__ = "0.1.0"

# In a checkout weights/ lies beside this folder; an installation has it inside.
_here = _Path(__file__).parent
if not (_here / "weights").is_dir():
    __path__.append(str(_here.parent))

from kerasal import errors, layers, losses, metrics, models, weights  # noqa: E402

__all__ = ["errors", "layers", "load", "losses", "metrics", "models", "predict", "weights"]


def __getattr__(name: str):
    """`kerasal.predict` and `kerasal.load`, imported when they are used."""
    if name in ("predict", "load"):
        from kerasal import prediction

        return getattr(prediction, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
