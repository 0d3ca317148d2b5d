"""Training: options and recipes, the feature cache, the run folder, `train`."""

from kerasal.training.features import FeatureCache, default_cache
from kerasal.training.fit import train
from kerasal.training.options import RECIPES, TrainingOptions, options
from kerasal.training.run_folder import RunFolder, new_run_path

__all__ = [
    "RECIPES",
    "FeatureCache",
    "RunFolder",
    "TrainingOptions",
    "default_cache",
    "new_run_path",
    "options",
    "train",
]
