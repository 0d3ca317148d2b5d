"""Training: options and recipes, the feature cache, the run folder, `train`, `resume` and `fit`."""

from kerasal._files import default_cache
from kerasal.training.adapt import adapt
from kerasal.training.callbacks import Diverged
from kerasal.training.config_file import read_config
from kerasal.training.distribution import make_strategy
from kerasal.training.features import FeatureCache, open_features
from kerasal.training.fit import fit, resume, train
from kerasal.training.interrupt import Interrupted
from kerasal.training.options import RECIPES, TrainingOptions, input_size_for, options
from kerasal.training.precision import computing_in, resolve_precision
from kerasal.training.run_folder import RunFolder, new_run_path
from kerasal.training.table import PRECISIONS

__all__ = [
    "PRECISIONS",
    "RECIPES",
    "Diverged",
    "FeatureCache",
    "Interrupted",
    "RunFolder",
    "TrainingOptions",
    "adapt",
    "computing_in",
    "default_cache",
    "fit",
    "input_size_for",
    "make_strategy",
    "new_run_path",
    "open_features",
    "options",
    "read_config",
    "resolve_precision",
    "resume",
    "train",
]


def __dir__() -> list[str]:
    return sorted(__all__)
