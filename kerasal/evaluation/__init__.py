"""Scores of networks and baselines at the stimuli's own size."""

from kerasal.evaluation.evaluate import Evaluation, evaluate_baseline, evaluate_run, text_table
from kerasal.evaluation.scores import Scores, Summary, score
from kerasal.evaluation.systems import BASELINES

__all__ = [
    "BASELINES",
    "Evaluation",
    "Scores",
    "Summary",
    "evaluate_baseline",
    "evaluate_run",
    "score",
    "text_table",
]
