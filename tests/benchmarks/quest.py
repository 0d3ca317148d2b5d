"""Time of a quest over the paper's 27 losses against 27 trainings without shared features, in one run.

python tests/benchmarks/quest.py [STIMULI] [EPOCHS]

The paper's network at 120x160 on STIMULI generated scenes (default 64) for EPOCHS (default 4), each loss at
its recipe's learning rate, batch 8. The quest trains, scores on CC and NSS, and writes its report. Each
training computes its features in every step, keeps no checkpoints but an epoch's, and is scored by
`kerasal.evaluation.evaluate`. Both include building and tracing; imports are left out of both, which favours
the trainings: each would be a process of its own. Times of the perceptual losses, whose own passes through
VGG-16 a quest shares but cannot save, are also given apart.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

from kerasal import data, evaluation, quest, training
from kerasal.quest.heads import is_perceptual

SIZE, BATCH, METRICS = (120, 160), 8, ("cc", "nss")


def quest_seconds(dataset: data.Dataset, specs: list[str], epochs: int, folder: Path) -> float:
    options = quest.options(input_size=SIZE, batch_size=BATCH, epochs=epochs, search_rates=[])
    start = time.perf_counter()
    quest.run(dataset, specs, options, folder, metrics=METRICS, report=lambda _: None)
    return time.perf_counter() - start


def training_seconds(dataset: data.Dataset, spec: str, epochs: int, folder: Path) -> float:
    keras.backend.clear_session()
    options = training.options(loss=spec, input_size=SIZE, batch_size=BATCH, epochs=epochs)
    start = time.perf_counter()
    silent = {"report": lambda _: None, "verbose": 0}
    run = training.train(dataset, options, folder, cache_features=False, **silent)
    evaluation.evaluate([evaluation.Network.of_run(run.path)], dataset, "test", metrics=METRICS, processes=1)
    return time.perf_counter() - start


def main() -> None:
    stimuli = int(sys.argv[1]) if len(sys.argv) > 1 else 64
    epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    dataset = data.load("synthetic").limited(stimuli)
    print({split: len(samples) for split, samples in dataset.splits.items()})
    specs = quest.parse_losses("table2")
    with tempfile.TemporaryDirectory() as folder:
        together = quest_seconds(dataset, specs, epochs, Path(folder) / "quest")
        print(f"quest of {len(specs)} losses   {together:8.1f} s", flush=True)
        apart = {}
        for index, spec in enumerate(specs):
            apart[spec] = training_seconds(dataset, spec, epochs, Path(folder) / str(index))
            print(f"{spec:34} {apart[spec]:8.1f} s", flush=True)
    total = sum(apart.values())
    slow = sum(seconds for spec, seconds in apart.items() if is_perceptual(spec))
    print(f"{len(specs)} trainings         {total:8.1f} s, the perceptual losses {slow:.1f} s of it")
    print(f"ratio                {total / together:8.2f}")


if __name__ == "__main__":
    main()
