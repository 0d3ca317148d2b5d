"""Time of a training epoch with cached features against one without, in one run.

python tests/benchmarks/feature_cache.py [STIMULI]

The paper's network at 300x400, batch 16, the loss kld+cc+nss, AdamW, on STIMULI generated scenes (default
48). The first epoch of each is left out: it holds the tracing. The time of computing the features is printed
too.
"""

import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from ratios import tell_ratio

from kerasal import data, losses, models
from kerasal.training import FeatureCache

SIZE, BATCH, EPOCHS = (300, 400), 16, 3


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


def main() -> None:
    samples = data.load("synthetic")["train"][: int(sys.argv[1]) if len(sys.argv) > 1 else 48]
    network = models.Baseline(SIZE, "sigmoid")
    start = time.perf_counter()
    cache = FeatureCache.open(network, samples)
    features = time.perf_counter() - start
    cached = epoch_seconds(network.head, samples, cache.reader())
    uncached = epoch_seconds(network, samples)
    print(f"features, once        {features / len(samples):7.3f} s per stimulus")
    print(f"epoch with cache      {cached / len(samples):7.3f} s per stimulus")
    print(f"epoch without cache   {uncached / len(samples):7.3f} s per stimulus")
    tell_ratio(uncached / cached, "an epoch with cached features", "one without")


if __name__ == "__main__":
    main()
