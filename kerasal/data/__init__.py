"""Datasets as samples, fixation and density arithmetic, and the tf.data pipeline.

A new dataset is one file with a `load` function and its `INFO`, and a line in each table of
`kerasal.data.datasets`.
"""

from typing import Any

from kerasal.data.datasets import DATASETS, INFO, default_folder, facts, load, locate
from kerasal.data.fixations import count_map, density_from_counts, inside, pixels
from kerasal.data.images import list_files, read_image, read_map
from kerasal.data.info import DatasetInfo
from kerasal.data.mixture import Mixture, mix
from kerasal.data.prepared import CENTER_BIAS, prepare
from kerasal.data.pysaliency import from_pysaliency, to_pysaliency
from kerasal.data.sample import SPLITS, Dataset, Sample, center_bias, fingerprint
from kerasal.data.splits import split_by_file

__all__ = [
    "CENTER_BIAS",
    "DATASETS",
    "INFO",
    "SPLITS",
    "Dataset",
    "DatasetInfo",
    "Mixture",
    "Sample",
    "batches",
    "center_bias",
    "count_map",
    "default_folder",
    "density_from_counts",
    "facts",
    "fingerprint",
    "from_pysaliency",
    "inside",
    "list_files",
    "load",
    "locate",
    "mix",
    "pixels",
    "prepare",
    "read_image",
    "read_map",
    "split_by_file",
    "to_pysaliency",
]


def __getattr__(name: str) -> Any:
    # The pipeline alone needs TensorFlow, which the processes that score maps do without.
    if name == "batches":
        from kerasal.data.pipeline import batches

        return batches
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
