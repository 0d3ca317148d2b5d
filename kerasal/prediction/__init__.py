"""Maps of a user's own images and videos, and what they are good for.

A *predictor* is anything with `saliency_maps(list of RGB arrays)`; `predictors.py` finds it by its name. That
file, which knows the networks and the classical models, loads Keras, and is imported when one of its names is
used.
"""

import importlib
from typing import TYPE_CHECKING

from kerasal.prediction.attention import Region, attention_share, best_crop, parse_aspect, to_density
from kerasal.prediction.files import predict_to_folder, written_before
from kerasal.prediction.in_memory import predict, pysaliency_model
from kerasal.prediction.inputs import as_stimulus, find_inputs
from kerasal.prediction.lite import FEW, RUNTIMES, Choice, choose, make_lite
from kerasal.prediction.mirrored import Mirrored
from kerasal.prediction.outputs import Outputs
from kerasal.prediction.predictor import LoadedPredictor, Predictor, Source, by_names
from kerasal.prediction.video import UnreadableVideo, predict_video, video_stems, videos_written_before

if TYPE_CHECKING:
    from kerasal.prediction.classical import ClassicalPredictor
    from kerasal.prediction.named import NAMED
    from kerasal.prediction.predictors import (
        DEFAULT,
        find,
        how_to_get,
        load,
        published_here,
        resolve,
        resolve_all,
        warm_up,
    )

__all__ = [
    "DEFAULT",
    "FEW",
    "NAMED",
    "RUNTIMES",
    "Choice",
    "ClassicalPredictor",
    "LoadedPredictor",
    "Mirrored",
    "Named",
    "Outputs",
    "Predictor",
    "Region",
    "Source",
    "UnreadableVideo",
    "as_stimulus",
    "attention_share",
    "best_crop",
    "by_names",
    "choose",
    "find",
    "find_inputs",
    "how_to_get",
    "load",
    "make_lite",
    "parse_aspect",
    "predict",
    "predict_to_folder",
    "predict_video",
    "published_here",
    "pysaliency_model",
    "resolve",
    "resolve_all",
    "to_density",
    "video_stems",
    "videos_written_before",
    "warm_up",
    "written_before",
]

Named = LoadedPredictor  # as users' programs may import it


def __getattr__(name: str) -> object:
    if name in __all__:
        place = "classical" if name == "ClassicalPredictor" else "predictors"
        return getattr(importlib.import_module(f"kerasal.prediction.{place}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
