"""bfloat16 against float32 in one run: features, an epoch on cached features, predictions.

python tests/benchmarks/precision.py [STIMULI] [ROUNDS]

The paper's network at 300x400 on STIMULI generated scenes (default 32; batches of 16 while training, loss
kld+cc+nss, AdamW). Both precisions take turns for ROUNDS rounds (default 4), the first of which, with its
tracing, does not count; the least time of each is printed.
"""

import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from ratios import tell_ratio

from kerasal import data, losses, models, training

SIZE, BATCH, PREDICTED = (300, 400), 16, 4
TASKS = ("features", "cached epoch", "predict")


class Contestant:
    """The network in one precision, and the least time of each task."""

    def __init__(self, precision: str, samples: list):
        with training.computing_in(precision):
            self.network = models.Baseline(SIZE, "sigmoid")
        self.network.head.compile("adamw", losses.get("kld+cc+nss"), jit_compile=False)
        self.samples = samples
        self.stimuli = [sample.read_stimulus() for sample in samples]
        self.least = dict.fromkeys(TASKS, float("inf"))

    def run(self, task: str, counts: bool) -> None:
        start = time.perf_counter()
        if task == "features":
            self.cache = training.FeatureCache.open(self.network, self.samples)
        elif task == "cached epoch":
            batches = data.batches(self.samples, SIZE, BATCH, reader=self.cache.reader(), seed=0)
            start = time.perf_counter()
            self.network.head.fit(batches, shuffle=False, verbose=0)
        else:
            for first in range(0, len(self.stimuli), PREDICTED):
                self.network.saliency_maps(self.stimuli[first : first + PREDICTED])
        if counts:
            self.least[task] = min(self.least[task], time.perf_counter() - start)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 32
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    samples = data.load("synthetic")["train"][:count]
    contestants = {name: Contestant(name, samples) for name in ("float32", "bfloat16")}
    for number in range(rounds):
        for task in TASKS:
            for contestant in contestants.values():
                contestant.run(task, counts=number > 0)
    print(f"computes in bfloat16: {training.resolve_precision('auto')[1]}")
    print(f"{'seconds a stimulus':<20}{'float32':>10}{'bfloat16':>10}{'ratio':>8}")
    for task in TASKS:
        slow, fast = (contestants[name].least[task] / count for name in ("float32", "bfloat16"))
        print(f"{task:<20}{slow:10.3f}{fast:10.3f}{slow / fast:8.2f}")
        tell_ratio(slow / fast, f"{task} in bfloat16", "float32")


if __name__ == "__main__":
    main()
