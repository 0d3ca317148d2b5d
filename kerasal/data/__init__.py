"""Datasets as samples, fixation and density arithmetic, and the tf.data pipeline.

A new dataset is one file with a `load` function and a line in `kerasal.data.datasets`; its facts are an entry
of `kerasal.data.published`. A module is imported when one of its names is used: who lists the datasets does
without NumPy and OpenCV, and the pipeline alone needs TensorFlow.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerasal.data.datasets import DATASETS, load, locate
    from kerasal.data.fixations import count_map, density_from_counts, inside, pixels
    from kerasal.data.images import list_files, read_image, read_map
    from kerasal.data.info import DatasetInfo
    from kerasal.data.mixture import Mixture, mix
    from kerasal.data.pipeline import batches
    from kerasal.data.prepared import CENTER_BIAS, prepare
    from kerasal.data.published import INFO, default_folder, facts
    from kerasal.data.pysaliency import from_pysaliency, to_pysaliency
    from kerasal.data.sample import SPLITS, Dataset, Sample, center_bias, fingerprint
    from kerasal.data.splits import split_by_file

_MODULES = {
    "datasets": ("DATASETS", "load", "locate"),
    "fixations": ("count_map", "density_from_counts", "inside", "pixels"),
    "images": ("list_files", "read_image", "read_map"),
    "info": ("DatasetInfo",),
    "mixture": ("Mixture", "mix"),
    "pipeline": ("batches",),
    "prepared": ("CENTER_BIAS", "prepare"),
    "published": ("INFO", "default_folder", "facts"),
    "pysaliency": ("from_pysaliency", "to_pysaliency"),
    "sample": ("SPLITS", "Dataset", "Sample", "center_bias", "fingerprint"),
    "splits": ("split_by_file",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

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
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"kerasal.data.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
