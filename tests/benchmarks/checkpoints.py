"""What checkpoints cost: the time of one against that of a step and of an epoch.

python tests/benchmarks/checkpoints.py [STIMULI]

The paper's network at 300x400 trains by the default recipe on the cached features of STIMULI generated scenes
(default 48) for three epochs, saving a checkpoint after every step. Printed are the medians of a step and of
a checkpoint, the checkpoint's size, and the share of the time that the checkpoints take as trainings save
them: one an epoch and one each five minutes, on OSIE's 500 training stimuli.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from ratios import tell_ratio

from kerasal import data, models, training
from kerasal.training.callbacks import SaveCheckpoints

OSIE = 500
saves: list[float] = []
steps: list[float] = []


class Steps(keras.callbacks.Callback):
    """Seconds of each step, without the callbacks'."""

    def on_train_batch_begin(self, batch, logs=None):
        self.start = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        float(logs["loss"])
        steps.append(time.perf_counter() - self.start - (saves[-1] if saves else 0))


def main() -> None:
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 48
    dataset = data.load("synthetic").limited(samples)
    network = models.Baseline((300, 400), "sigmoid", dropout=0.5, feature_dropout=0.1)
    plain = SaveCheckpoints.save

    def save(self):
        start = time.perf_counter()
        plain(self)
        saves.append(time.perf_counter() - start)

    SaveCheckpoints.save = save
    features = training.open_features(network, dataset)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        sizes = []

        class Sizes(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                sizes.append(max(path.stat().st_size for path in (run / "checkpoints").iterdir()))

        training.fit(
            network, dataset, run=run, features=features, epochs=3, checkpoint_minutes=0.0, verbose=0,
            callbacks=[Steps(), Sizes()],
        )  # fmt: skip
    step, saved = statistics.median(steps[1:]), statistics.median(saves[1:])
    epoch = step * OSIE / 8
    print(f"step of 8 stimuli    {step:8.3f} s")
    print(f"checkpoint           {saved:8.3f} s, {max(sizes) / 1e6:.0f} MB")
    share = saved * (1 + epoch / 300) / epoch
    print(f"share of an epoch    {100 * share:8.2f} %  (one each, one in 5 min)")
    tell_ratio(1 / (1 + share), "an epoch of OSIE with its checkpoints", "one without")


if __name__ == "__main__":
    main()
