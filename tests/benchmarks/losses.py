"""Time of each loss, forward and backward, as a ratio to Keras's mean squared error in the same run.

    python tests/benchmarks/losses.py [--batch 8] [--seconds 3] [--xla] [--memory] [SPEC ...]

Batch 8 at 300x400 under tf.function, the gradient with respect to P. The perceptual losses are compared with
plain VGG-16 on the same maps: S and P forward and P backward, which is the least that they can do; P alone;
and P alone with the gradient of the network's weights, as in a step that trains it. Targets: 8 times MSE for
a loss without VGG-16, 1.25 times the plain network for LC2. Candidates take turns, so that other work on the
machine hits all alike; the median counts. `--memory` adds what two steps of each perceptual candidate add to
the peak of resident memory, each in a process of its own (Linux).
"""

import argparse
import multiprocessing
import re
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from ratios import tell_ratio
from scipy.ndimage import gaussian_filter

from kerasal import losses
from kerasal.losses import LOSSES
from kerasal.models.vgg16 import vgg16

SIZE = (300, 400)
POOLS = tuple(f"block{block}_pool" for block in range(1, 6))
PERCEPTUAL = ("df", "gm", "df+gm", "lc2")
PLAIN = {"VGG-16, S and P": 2, "VGG-16, P alone": 1, "VGG-16, P alone, trained": 1}  # maps seen


def maps(batch):
    """y_true and y_pred like OSIE's: 130 fixations each, blurred with sigma 12."""
    rng = np.random.default_rng(0)
    y_true, y_pred = [], []
    for _ in range(batch):
        fixations = np.zeros(SIZE)
        rows, columns = rng.normal((150, 200), (60, 90), (130, 2)).T.astype(int)
        fixations[rows.clip(0, 299), columns.clip(0, 399)] = 1
        density = gaussian_filter(fixations, 12)
        y_true.append(np.stack([density / density.max(), fixations], axis=-1))
        y_pred.append(0.02 + 0.5 * np.roll(density / density.max(), 15, axis=1))
    return tf.constant(y_true, "float32"), tf.constant(np.stack(y_pred)[..., None], "float32")


def step(value_of, xla, weights=()):
    """One forward and backward pass as a graph; `weights` get gradients too."""

    @tf.function(jit_compile=xla)
    def run(y_true, y_pred):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([y_pred, *weights])
            value = value_of(y_true, y_pred)
        return value, *tape.gradient(value, [y_pred, *weights])

    return run


def plain_vgg(network, maps_seen):
    """The network and no more: distance of the pooled features of S and P, or mean square of P's alone."""

    def value_of(y_true, y_pred):
        p = network(tf.repeat(y_pred, 3, axis=-1))
        if maps_seen == 1:
            return tf.add_n([tf.reduce_mean(tf.square(p[layer])) for layer in POOLS])
        s = network(tf.repeat(y_true[..., :1], 3, axis=-1))
        return tf.add_n([tf.reduce_mean(tf.square(s[layer] - p[layer])) for layer in POOLS])

    return value_of


def perceptual_step(name, xla):
    """The step of a perceptual loss or of one of `PLAIN`."""
    if name not in PLAIN:
        return step(losses.get(name), xla)
    network = vgg16("imagenet", outputs=POOLS)
    weights = [weight.value for weight in network.weights] if "trained" in name else ()
    return step(plain_vgg(network, PLAIN[name]), xla, weights)


def peak_memory(name, batch, xla):
    """By how many bytes two steps raise the peak of this process's resident memory."""
    run, arguments = perceptual_step(name, xla), maps(batch)
    before = high_water()
    for _ in range(2):
        run(*arguments)[1].numpy()
    return high_water() - before


def high_water():
    """The peak of this process's resident memory in bytes. Linux; getrusage would count the parent's."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])


def medians(steps, y_true, y_pred, seconds):
    """Median time of each step in seconds; all take turns until each had about `seconds`."""
    for run in steps.values():
        run(y_true, y_pred)
    times = {name: [] for name in steps}
    until = time.perf_counter() + seconds * len(steps)
    while time.perf_counter() < until or len(times[next(iter(steps))]) < 3:
        for name, run in steps.items():
            start = time.perf_counter()
            run(y_true, y_pred)[1].numpy()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def report(title, unit, figures, reference, scale):
    """A table of figures and their ratios to `reference`."""
    print(f"{title:28}{unit:>10}{'ratio':>8}")
    for name, value in figures.items():
        print(f"{name:28}{scale * value:10.1f}{value / figures[reference]:8.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("specs", nargs="*", help="losses to time; default: all")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=3, help="for each loss")
    parser.add_argument("--xla", action="store_true", help="compile with XLA")
    parser.add_argument("--memory", action="store_true", help="peak memory of the perceptual losses too")
    arguments = parser.parse_args()
    y_true, y_pred = maps(arguments.batch)
    specs = arguments.specs or [*(name for name in LOSSES if name not in PERCEPTUAL), *PERCEPTUAL]
    plain = {spec: losses.get(spec) for spec in specs if spec not in PERCEPTUAL}
    if plain:
        mse = keras.losses.MeanSquaredError()
        steps = {"Keras MSE": step(lambda y, p: mse(y[..., :1], p), arguments.xla)}
        steps |= {spec: step(loss, arguments.xla) for spec, loss in plain.items()}
        times = medians(steps, y_true, y_pred, arguments.seconds)
        report("loss", "ms", times, "Keras MSE", 1000)
        slowest = max(times, key=times.get)
        tell_ratio(times["Keras MSE"] / times[slowest], f"the slowest pixel loss ({slowest})", "Keras's MSE")
    perceptual = [*PLAIN, *(spec for spec in specs if spec in PERCEPTUAL)]
    if len(perceptual) == len(PLAIN):
        return
    steps = {name: perceptual_step(name, arguments.xla) for name in perceptual}
    times = medians(steps, y_true, y_pred, arguments.seconds)
    report("perceptual", "ms", times, "VGG-16, S and P", 1000)
    slowest = max((spec for spec in perceptual if spec not in PLAIN), key=times.get)
    plain = times["VGG-16, S and P"] / times[slowest]
    tell_ratio(plain, f"the slowest perceptual loss ({slowest})", "VGG-16 alone on both maps")
    if arguments.memory:
        context = multiprocessing.get_context("spawn")
        peaks = {}
        for name in perceptual:
            with ProcessPoolExecutor(1, context) as pool:
                peaks[name] = pool.submit(peak_memory, name, arguments.batch, arguments.xla).result()
        report("perceptual", "MiB", peaks, "VGG-16, S and P", 2**-20)


if __name__ == "__main__":
    main()
