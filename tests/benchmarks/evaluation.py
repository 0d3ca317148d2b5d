"""Time of evaluating OSIE's images at full size: by part, and with more processes.

    python tests/benchmarks/evaluation.py OSIE_FOLDER [--processes 1,2,4] [--images N]

First, in one thread, of the first 100 images: processor time per image of each metric, of the density map and
of reading the map's file. Then the whole of `kerasal evaluate --maps` for each number of processes, their
start included: by the clock, and the processor time of all of them, which other work on the machine hardly
changes: where it stays the same, more processes share the same work. Maps are the training split's centre
bias under noise, in PNG files.
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
from ratios import tell_ratio

from kerasal import data, evaluation
from kerasal.data import read_map
from kerasal.evaluation.baselines import training_center_bias
from kerasal.evaluation.scoring import FixationPool, stretch
from kerasal.metrics import METRICS, measure


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("osie", help="folder of OSIE")
    parser.add_argument("--processes", default="1,2", help="numbers of processes, separated by commas")
    parser.add_argument("--images", type=int, default=700)
    options = parser.parse_args()

    dataset = data.load("osie", options.osie)
    samples = dataset["all"][: options.images]
    dataset.splits["test"] = samples
    with tempfile.TemporaryDirectory() as folder:
        write_maps(Path(folder), dataset, samples)
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        by_part(Path(folder), dataset, samples[:100])
        cv2.setNumThreads(threads)
        first = None
        for processes in (int(number) for number in options.processes.split(",") if number):
            start, used = time.perf_counter(), processor_seconds()
            evaluation.evaluate([evaluation.MapFolder(folder)], dataset, processes=processes)
            seconds, used = time.perf_counter() - start, processor_seconds() - used
            print(f"{processes} processes: {seconds:.1f} s by the clock, {used:.1f} s of processors")
            first = first or seconds
            if processes > 1:
                tell_ratio(first / seconds, f"evaluation in {processes} processes", "in one")


def processor_seconds():
    """Of this process and of those that it waited for."""
    return sum(os.times()[:4])


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
