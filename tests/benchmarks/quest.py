"""A quest's step against one head alone and the machine's rate; a loss of a quest against one training.

    python tests/benchmarks/quest.py [STIMULI] [EPOCHS]

The step: the paper's head at 150x200, batch 8, for one loss, for nine, and for DF, on random features, in
float32 and, where the CPU has instructions for it, in bfloat16; medians of seven steps. Its arithmetic is
that of its convolutions, as arithmetic.py counts them. The machine's rate is that of `tf.matmul` of two
2048x2048 matrices of the same precision, before or after the steps, whichever is higher.
The commands: nine losses on STIMULI generated scenes a split (default 32), EPOCHS epochs (default 4),
without a search and a common start, features cached, start-up included. All in one run, on an idle machine.
"""

import functools
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
from arithmetic import Counts
from ratios import median_seconds, tell_ratio

from kerasal import models, quest
from kerasal._cpu import bfloat16_instructions
from kerasal.losses.perceptual import BLOCKS
from kerasal.quest.heads import Heads

SIZE, BATCH = (150, 200), 8
NINE = quest.parse_losses("mse, kld, bce, bhat, nll, cc, nss, focal, kld+cc+nss")
STEPS = 7


def gemm_rate(precision: str) -> float:
    """Operations a second of a large product of matrices."""
    a = tf.cast(tf.random.normal((2048, 2048)), precision)
    product = tf.function(lambda: tf.reduce_sum(a @ a))
    return 2 * 2048**3 / median_seconds(lambda: product().numpy(), STEPS)


def step_of(specs: list[str], precision: str) -> tuple[float, float]:
    """Seconds of a step of these heads, and its operations."""
    options = quest.options(input_size=SIZE).training
    bias = np.full(SIZE, 0.05, "float32")
    heads = Heads(specs, options.network_options(bias, None), options, bias, precision=precision)
    random = np.random.default_rng(0)
    features = [tf.constant(random.random((BATCH, *i.shape[1:]), "float32")) for i in heads.heads[0].inputs]
    y_true = np.stack([random.random((BATCH, *SIZE)), random.random((BATCH, *SIZE)) < 1e-3], -1)
    y_true, rates = tf.constant(y_true, tf.float32), tf.fill([len(specs)], 1e-4)
    seconds = median_seconds(lambda: heads._compiled_step(features, y_true, rates), STEPS)
    perceptual = specs.count("df")
    # One pass of the density, and of each map one forward and one back to it.
    passes = 1 + 2 * perceptual if perceptual else 0
    return seconds, len(specs) * head_operations() + passes * vgg_operations()


@functools.cache
def head_operations() -> float:
    """Operations of a step of one head, for a batch."""
    network = models.Baseline(SIZE, backbone_weights="random")
    network.backbone.trainable = False
    return BATCH * Counts(network).of(network.head, learning=True)["operations"]


def vgg_operations() -> float:
    """Operations of one pass of a batch of maps through VGG-16 to its last pooling layer."""
    rows, columns, before, total = *SIZE, 1, 0
    for convolutions, channels in zip(BLOCKS, (64, 128, 256, 512, 512), strict=True):
        for _ in range(convolutions):
            total += 2 * BATCH * rows * columns * 9 * before * channels
            before = channels
        rows, columns = rows // 2, columns // 2
    return total


def seconds_of(arguments: list[str], folder: Path) -> float:
    """How long a command of kerasal takes; its output is shown if it fails."""
    command = [Path(sys.executable).with_name("kerasal"), *arguments]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return time.perf_counter() - start


def tell_steps(precision: str, label: str = "") -> None:
    """What each step reaches of the machine's rate, and what nine heads gain by sharing one."""
    before = gemm_rate(precision)
    steps = {
        name: step_of(specs, precision) for name, specs in (("one", NINE[:1]), ("nine", NINE), ("df", ["df"]))
    }
    rate = max(before, gemm_rate(precision))
    print(f"product of matrices    {rate / 1e9:8.0f} GFLOP/s, {precision}")
    for name, (seconds, operations) in steps.items():
        print(f"step of {name:14} {seconds:8.3f} s")
        tell_ratio(operations / seconds / rate, f"step of {name}{label}, its arithmetic a second", "GEMM")
    side_by_side = len(NINE) * steps["one"][0] / steps["nine"][0]
    tell_ratio(side_by_side, f"nine heads side by side{label}", "nine times one head")


def main() -> None:
    tell_steps("float32")
    if bfloat16_instructions():
        tell_steps("bfloat16", ", bfloat16")
    stimuli = sys.argv[1] if len(sys.argv) > 1 else "32"
    epochs = sys.argv[2] if len(sys.argv) > 2 else "4"
    learning = ["--data", "synthetic", "--limit", stimuli, "--epochs", epochs, "--precision", "float32"]
    learning += ["--input-size", "x".join(map(str, SIZE)), "--batch-size", str(BATCH), "--patience", "0"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain = ["--search-rates", "none", "--start", "none", "--metrics", "cc,nss", "-o", "quest"]
        kept = ["--cache-dir", "cache"]
        train = ["train", "--loss", "kld", *learning, *kept]
        seconds_of([*train, "--run", "first"], folder)  # computes the features, for both
        one = seconds_of([*train, "--run", "second"], folder)
        together = seconds_of(["quest", "--losses", ",".join(NINE), *learning, *kept, *plain], folder)
    print(f"kerasal train          {one:8.1f} s")
    print(f"kerasal quest, a loss  {together / len(NINE):8.1f} s")
    tell_ratio(one * len(NINE) / together, "a loss of a quest of nine", "one kerasal train")


if __name__ == "__main__":
    main()
