"""Time of evaluating OSIE's images at full size, by part; `cores.py` says what more cores bring.

    python tests/benchmarks/evaluation.py OSIE_FOLDER [--images N]

Processor time per image in one thread, of each metric, of the density map and of reading the map's file: a
mean over the first N images (default 100). Maps are the training split's centre bias under noise, in PNG
files.
"""

import argparse
import os
import tempfile
import time
from collections import defaultdict
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # a thread that waits uses a processor

import cv2
import numpy as np
from PIL import Image

from kerasal import data
from kerasal.data import read_map
from kerasal.evaluation.baselines import training_center_bias
from kerasal.evaluation.scoring import FixationPool, stretch
from kerasal.metrics import METRICS, measure


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("osie", help="folder of OSIE")
    parser.add_argument("--images", type=int, default=100)
    options = parser.parse_args()

    dataset = data.load("osie", options.osie)
    samples = dataset["all"][: options.images]
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        write_maps(Path(folder), dataset, samples)
        by_part(Path(folder), dataset, samples)


def write_maps(folder, dataset, samples):
    random, bias = np.random.default_rng(0), training_center_bias(dataset)
    for sample in samples:
        saliency_map = stretch(bias, sample.size) + 0.2 * stretch(random.random((19, 25)), sample.size)
        grey = np.round(255 * saliency_map / saliency_map.max()).astype("uint8")
        Image.fromarray(grey).save(folder / f"{sample.name}.png")


def by_part(folder, dataset, samples):
    seconds = defaultdict(float)

    def timed(name, function, *arguments, **options):
        start = time.process_time()
        result = function(*arguments, **options)
        seconds[name] += time.process_time() - start
        return result

    bias = training_center_bias(dataset)
    pool = FixationPool(samples)
    for sample in samples:
        saliency_map = timed("reading the map", read_map, folder / f"{sample.name}.png")
        truth = {
            "density": timed("density map", sample.density, dtype="float64"),
            "fixations": np.argwhere(sample.fixation_map()),
            "other_fixations": timed("pool of other fixations", pool.others, sample),
            "baseline": timed("stretched centre bias", stretch, bias, sample.size),
        }
        for key in METRICS:
            timed(METRICS[key].name, measure, [key], saliency_map, **truth)
        timed("all metrics at once", measure, METRICS, saliency_map, **truth)
    print(f"ms of processor time per image, mean of {len(samples)}")
    for name, total in seconds.items():
        print(f"{name:26}{1e3 * total / len(samples):8.2f}")


if __name__ == "__main__":
    main()
