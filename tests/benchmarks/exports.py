"""Exports of the default network in their own runtimes: size, speed against TensorFlow, and what they cost.

    python tests/benchmarks/exports.py OSIE [IMAGES]

Every export is asked for the maps of the first IMAGES (default 100) of OSIE's test images, one at a time and
in turns, as it stands: float32, weights as float16, weights as int8. Prints a table: megabytes, milliseconds
an image (median), the mean CC and NSS, and the largest difference that `kerasal export` tells of. The ratios
are of the medians.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from ratios import tell_ratio

from kerasal import data, metrics
from kerasal.export import FORMATS, export
from kerasal.prediction import resolve, runtimes

EXPORTS = {
    "SavedModel": ("saved_model", {}),
    "ONNX": ("onnx", {}),
    "ONNX, float16": ("onnx", {"float16": True}),
    "TFLite": ("tflite", {}),
    "TFLite, float16": ("tflite", {"float16": True}),
    "TFLite, int8": ("tflite", {"int8": True}),
}


def main() -> None:
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    samples = data.load("osie", data_dir=sys.argv[1])["test"][:count]
    source = resolve()
    with tempfile.TemporaryDirectory() as folder:
        made = {
            name: export(source, Path(folder, name + FORMATS[format].suffix), format, **options)
            for name, (format, options) in EXPORTS.items()
        }
        runs = {name: getattr(runtimes, EXPORTS[name][0])(exported.path) for name, exported in made.items()}
        seconds = {name: [] for name in runs}
        scores = {name: [] for name in runs}
        for number, sample in enumerate(samples):
            stimulus = sample.read_stimulus()[None]
            truth = {"density": sample.density(), "fixations": np.argwhere(sample.fixation_map())}
            for name, run in runs.items():
                start = time.perf_counter()
                saliency_map = run(stimulus)["saliency"][0, ..., 0]
                if number:  # not the first, for which they get ready
                    seconds[name].append(time.perf_counter() - start)
                found = metrics.measure(["cc", "nss"], saliency_map, **truth)
                scores[name].append([found["cc"], found["nss"]])
    print(f"{source.name}, {count} images\n{'':18}{'MB':>7}{'ms':>7}{'CC':>8}{'NSS':>8}{'difference':>12}")
    medians = {name: float(np.median(times)) for name, times in seconds.items()}
    for name, exported in made.items():
        cc, nss = np.mean(scores[name], axis=0)
        size, took = exported.size_bytes / 1e6, 1e3 * medians[name]
        print(f"{name:18}{size:7.1f}{took:7.0f}{cc:8.4f}{nss:8.3f}{exported.difference:12.1e}")
    for name in list(made)[1:]:
        tell_ratio(medians["SavedModel"] / medians[name], f"an export as {name}", "as SavedModel")


if __name__ == "__main__":
    main()
