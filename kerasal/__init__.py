"""kerasal: predict where people look.

    stimulus file ─┐                              ┌─ pre-processing ─ backbone ─ head ─ saliency map
    fixations ─────┼─ datasets ─ samples ─ tf.data┤                                          │
    density map ───┘   (kerasal.data)             └─ y_true = [density, fixations] ─ loss, metric
                                                          evaluation at the stimulus's own size

`import kerasal` registers every loss, metric, layer and model with Keras, so that saved models load.
What needs TensorFlow or OpenCV (`kerasal.data`, `kerasal.training`, ...) is imported when it is used.
"""

import gc as _gc
import importlib as _importlib
import os as _os
import sys as _sys
from itertools import pairwise as _pairwise
from pathlib import Path as _Path
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# In a checkout weights/ lies beside this folder; an installation has it inside.
_here = _Path(__file__).parent
if not (_here / "weights").is_dir():
    __path__.append(str(_here.parent))

if TYPE_CHECKING:
    from kerasal import (
        classical,
        data,
        errors,
        evaluation,
        export,
        layers,
        losses,
        metrics,
        models,
        prediction,
        quest,
        table1,
        training,
        weights,
    )
    from kerasal.prediction import load, predict

__all__ = [
    "classical",
    "data",
    "errors",
    "evaluation",
    "export",
    "layers",
    "load",
    "losses",
    "metrics",
    "models",
    "predict",
    "prediction",
    "quest",
    "table1",
    "training",
    "weights",
]


def register() -> None:
    """Import all that Keras is to know; `import kerasal` does it where nothing forbids it.

    Python does not look for garbage meanwhile: all that TensorFlow makes stays, and going through it again
    and again would take a fifth of the time.
    """
    collecting = _gc.isenabled()
    _gc.disable()
    try:
        for name in ("errors", "layers", "losses", "metrics", "metrics.keras_metrics", "models", "weights"):
            _importlib.import_module(f"kerasal.{name}")
    finally:
        if collecting:
            _gc.enable()


def __getattr__(name: str) -> Any:
    """What is imported when it is used; in a process without Keras everything."""
    if name in ("predict", "load"):
        return getattr(_importlib.import_module("kerasal.prediction"), name)
    if name in __all__:
        return _importlib.import_module(f"kerasal.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


# Processes that only score or run classical models (`kerasal._processes`) do without Keras; the commands of
# `python -m kerasal` register what they need themselves, as those of `kerasal` do.
_is_command = _sys.argv[:1] == ["-m"] and ("-m", "kerasal") in _pairwise(_sys.orig_argv)
if not (_is_command or _os.environ.get("KERASAL_WITHOUT_KERAS")):
    register()
