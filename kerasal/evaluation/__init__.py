"""Scores of networks, of other programs' maps and of baselines, at the stimuli's own size.

`evaluate` scores systems on a dataset; `compare` takes scores from wherever they come, and `tables` sets what
it finds.
"""

from kerasal.evaluation import tables
from kerasal.evaluation.baselines import BASELINES, baseline
from kerasal.evaluation.evaluate import Evaluation, evaluate
from kerasal.evaluation.map_folder import MapFolder, check_maps
from kerasal.evaluation.scores import Scores
from kerasal.evaluation.statistics import Comparison, Difference, Summary, compare
from kerasal.evaluation.systems import Function, Network, PysaliencyModel, System, model

__all__ = [
    "BASELINES",
    "Comparison",
    "Difference",
    "Evaluation",
    "Function",
    "MapFolder",
    "Network",
    "PysaliencyModel",
    "Scores",
    "Summary",
    "System",
    "baseline",
    "check_maps",
    "compare",
    "evaluate",
    "model",
    "tables",
]


def __dir__() -> list[str]:
    return sorted(__all__)
