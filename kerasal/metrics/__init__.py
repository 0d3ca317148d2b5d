"""The benchmark's metrics: array functions for one image, exact in float64, and Keras metrics for training.

`METRICS` holds name, direction, range and unit of each as data; `measure` computes several at once.
"""

from kerasal.metrics.auc import AUCJudd, auc_judd
from kerasal.metrics.auc_thresholds import auc_borji, sauc
from kerasal.metrics.density import CC, KLD, SIM, cc, kld, sim
from kerasal.metrics.fixation import NSS, information_gain, nss
from kerasal.metrics.measure import measure
from kerasal.metrics.resize import resize_map
from kerasal.metrics.table import METRICS, MetricInfo
from kerasal.metrics.transport import emd

__all__ = [
    "CC",
    "KLD",
    "METRICS",
    "NSS",
    "SIM",
    "AUCJudd",
    "MetricInfo",
    "auc_borji",
    "auc_judd",
    "cc",
    "emd",
    "information_gain",
    "kld",
    "measure",
    "nss",
    "resize_map",
    "sauc",
    "sim",
]
