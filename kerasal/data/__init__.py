"""Datasets as samples, fixation and density arithmetic, and the tf.data pipeline.

A new dataset is one file with a `load` function and one line in `kerasal.data.datasets.DATASETS`.
"""

from kerasal.data.datasets import DATASETS, load
from kerasal.data.fixations import count_map, density_from_counts, inside, pixels
from kerasal.data.images import list_files, read_image, read_map
from kerasal.data.sample import SPLITS, Dataset, Sample, center_bias, fingerprint

__all__ = [
    "DATASETS",
    "SPLITS",
    "Dataset",
    "Sample",
    "batches",
    "center_bias",
    "count_map",
    "density_from_counts",
    "fingerprint",
    "inside",
    "list_files",
    "load",
    "pixels",
    "read_image",
    "read_map",
]


def __getattr__(name: str):
    # The pipeline alone needs TensorFlow, which the processes that score maps do without.
    if name == "batches":
        from kerasal.data.pipeline import batches

        return batches
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
