"""Time of a training epoch with cached features against one without; of reading them, against a bare read.

python tests/benchmarks/feature_cache.py [STIMULI]

The paper's network at 300x400, batch 16, the loss kld+cc+nss, AdamW, on STIMULI generated scenes (default
48), whose features lie in a temporary folder. The first epoch of each is left out: it holds the tracing. The
time of computing the features is printed too. Reading them is timed on one thread, as is reading the same
bytes into one buffer, in turns: when the system has them all in memory and their checksums were looked at, as
from a second epoch on, and, on Linux, when it was asked to drop them and they are read from the disk, with
checksums, as in a first epoch.
"""

import copy
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from ratios import tell_ratio

from kerasal import data, losses, models
from kerasal.training import FeatureCache

SIZE, BATCH, EPOCHS, READINGS = (300, 400), 16, 3, 7


class Clock(keras.callbacks.Callback):
    """Seconds of each epoch."""

    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.start)


def epoch_seconds(trained: keras.Model, samples: list, reader=None) -> float:
    """The fastest epoch after the first."""
    trained.compile("adamw", losses.get("kld+cc+nss"), jit_compile=False)
    clock = Clock()
    steps = -(-len(samples) // BATCH)
    batches = data.batches(samples, SIZE, BATCH, reader=reader, epochs=EPOCHS, seed=0)
    trained.fit(batches, epochs=EPOCHS, steps_per_epoch=steps, shuffle=False, callbacks=[clock], verbose=0)
    return min(clock.seconds[1:])


def read_seconds(cache: FeatureCache, dropped: bool) -> tuple[float, float]:
    """The fastest reading of all features, one stimulus at a time, and of the bytes of their files.

    dropped: the system has no page of the files in memory when a reading begins, and no checksum is known.
    """
    buffer = bytearray(max(array[0].nbytes for array in cache.arrays))

    def features() -> None:
        opened = copy.copy(cache) if dropped else cache  # a copy opens the files anew
        for index in range(cache.count):
            opened.read(index, mirrored=False)

    def bare() -> None:
        for path in cache.files:
            with open(path, "rb", buffering=0) as file:
                while file.readinto(buffer):
                    pass

    taken = {features: [], bare: []}
    for _ in range(READINGS):
        for read, seconds in taken.items():
            if dropped:
                drop(cache.files)
            start = time.perf_counter()
            read()
            seconds.append(time.perf_counter() - start)
    return min(taken[features]), min(taken[bare])


def drop(files: list[Path]) -> None:
    """Have the system forget the pages of files."""
    for path in files:
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def main() -> None:
    samples = data.load("synthetic")["train"][: int(sys.argv[1]) if len(sys.argv) > 1 else 48]
    network = models.Baseline(SIZE, "sigmoid")
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        cache = FeatureCache.open(network, samples, folder=Path(folder))
        features = time.perf_counter() - start
        size = sum(array.nbytes for array in cache.arrays)
        readings = {"in memory": read_seconds(cache, dropped=False)}
        if hasattr(os, "posix_fadvise"):
            readings["on the disk"] = read_seconds(cache, dropped=True)
        cached = epoch_seconds(network.head, samples, cache.reader())
        del cache
    uncached = epoch_seconds(network, samples)
    print(f"features, once        {features / len(samples):7.3f} s per stimulus")
    print(f"epoch with cache      {cached / len(samples):7.3f} s per stimulus")
    print(f"epoch without cache   {uncached / len(samples):7.3f} s per stimulus")
    for where, (ours, bare) in readings.items():
        rates = f"{size / ours / 1e9:.2f} GB/s; their bytes alone {size / bare / 1e9:.2f} GB/s"
        print(f"features {where:12} {rates}")
        tell_ratio(bare / ours, f"reading features {where}, bytes a second", "their bytes alone")
    tell_ratio(uncached / cached, "an epoch with cached features", "one without")


if __name__ == "__main__":
    main()
