"""The light network against the paper's in one run: features, and predictions from a stimulus to its map.

python tests/benchmarks/backbones.py [IMAGES] [ROUNDS]

Both networks as they ship, float32, on IMAGES (default 40) generated stimuli of 600x800 in batches of four.
They take turns, ROUNDS (default 3) times; the least of each counts, in seconds an image.
"""

import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from ratios import tell_ratio

from kerasal.prediction.shipped import load_shipped

NAMES = ("light.fine-tuned", "baseline.fine-tuned")
BATCH = 4


def main() -> None:
    images = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    stimuli = np.random.default_rng(0).integers(0, 256, (images, 600, 800, 3), dtype=np.uint8)
    parts = [stimuli[start : start + BATCH] for start in range(0, images, BATCH)]
    runs = {}
    for name in NAMES:
        network = load_shipped(name)
        features = tf.function(network.backbone)
        runs["features", name] = lambda part, f=features: [maps.numpy() for maps in f(part.astype("float32"))]
        runs["prediction", name] = lambda part, network=network: network.saliency_maps(list(part))
    least = dict.fromkeys(runs, float("inf"))
    for run in runs.values():
        run(parts[0])
    for _ in range(rounds):
        for key, run in runs.items():
            start = time.perf_counter()
            for part in parts:
                run(part)
            least[key] = min(least[key], (time.perf_counter() - start) / images)
    for what in ("features", "prediction"):
        light, baseline = (least[what, name] for name in NAMES)
        print(f"{what:11} {NAMES[0]} {light:.3f} s, {NAMES[1]} {baseline:.3f} s")
        tell_ratio(baseline / light, f"{what} by {NAMES[0]}", NAMES[1])


if __name__ == "__main__":
    main()
