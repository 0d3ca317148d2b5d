"""The benchmark's metrics: array functions for one image, exact in float64, and Keras metrics for training.

`METRICS` holds name, direction, range and unit of each as data; `measure` computes several at once.
The array functions do without Keras, which is imported with the first of the Keras metrics (`import kerasal`
does that too).
"""

from typing import TYPE_CHECKING, Any

from kerasal._imresize import imresize as resize_map
from kerasal.metrics.auc import auc_judd
from kerasal.metrics.auc_thresholds import auc_borji, sauc
from kerasal.metrics.density import cc, kld, sim
from kerasal.metrics.fixation import information_gain, nss
from kerasal.metrics.measure import measure, measure_many
from kerasal.metrics.running import Running
from kerasal.metrics.table import METRICS, MetricInfo
from kerasal.metrics.transport import emd

if TYPE_CHECKING:
    from kerasal.metrics.keras_metrics import CC, KLD, NSS, SIM, AUCJudd

__all__ = [
    "CC",
    "KLD",
    "METRICS",
    "NSS",
    "SIM",
    "AUCJudd",
    "MetricInfo",
    "Running",
    "auc_borji",
    "auc_judd",
    "cc",
    "emd",
    "information_gain",
    "kld",
    "measure",
    "measure_many",
    "nss",
    "resize_map",
    "sauc",
    "sim",
]


def __getattr__(name: str) -> Any:
    if name in ("CC", "KLD", "NSS", "SIM", "AUCJudd"):
        from kerasal.metrics import keras_metrics

        return getattr(keras_metrics, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
