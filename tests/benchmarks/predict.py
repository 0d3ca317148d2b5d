"""`kerasal predict` end to end against its network alone, in one run, and its memory.

python tests/benchmarks/predict.py [IMAGES]      (on Linux: it reads /proc)

IMAGES (default 100) generated scenes, JPEG files of 800x600, are decoded, predicted by the default network in
TensorFlow and written as map and overlay. The peer is the same network's compiled forward pass on batches of
four ready tensors; of TensorFlow's two ways to compile, the faster one. They take turns, twenty images each,
and the ratio is that of the sums of all turns.
The peak memory is that of two more processes, over IMAGES and over ten times as many.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ratios import tell_ratio

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

BATCH, TURN = 4, 20
# VmHWM and not getrusage: that counts what the parent held when it forked, too.
PEAK = """
import re, sys
from pathlib import Path
from kerasal.prediction import DEFAULT, predict_to_folder
from kerasal.prediction.shipped import load_shipped
network = load_shipped(DEFAULT)
images = sorted(Path(sys.argv[1]).iterdir())
assert len(predict_to_folder(network, images, Path(sys.argv[2]), skipped=[])) == len(images)
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


def write_scenes(folder: Path, count: int) -> list[Path]:
    """`count` JPEG files."""
    import cv2

    from kerasal import data

    folder.mkdir()
    samples = data.load("synthetic")["train"]
    for index in range(count):
        scene = samples[index % len(samples)].read_stimulus()
        cv2.imwrite(str(folder / f"{index:04}.jpg"), cv2.resize(scene, (800, 600))[..., ::-1])
    return sorted(folder.iterdir())


def seconds(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def speed(images: list[Path], folder: Path) -> None:
    """Print seconds per image of both, and the ratio."""
    import numpy as np
    import tensorflow as tf

    from kerasal.prediction import DEFAULT, predict_to_folder
    from kerasal.prediction.shipped import load_shipped

    network = load_shipped(DEFAULT)
    stimuli = np.random.default_rng(0).uniform(0, 255, (BATCH, *network.input_size, 3))
    ready = tf.constant(stimuli.astype("float32"))

    def forward(stimuli):
        return network(stimuli, training=False)

    ways = [tf.function(forward), tf.function(forward, jit_compile=True)]
    for way in ways:
        way(ready)
    fastest = min(ways, key=lambda way: min(seconds(lambda: way(ready).numpy()) for _ in range(3)))
    predict_to_folder(network, images[:BATCH], folder, skipped=[])  # compiles

    alone = whole = 0.0
    for first in range(0, len(images), TURN):
        turn = images[first : first + TURN]
        alone += seconds(lambda: [fastest(ready).numpy() for _ in range(len(turn) // BATCH)])  # noqa: B023
        whole += seconds(lambda: predict_to_folder(network, turn, folder, skipped=[]))  # noqa: B023
    print(f"network alone     {alone / len(images):7.3f} s per image, {len(images)} images")
    print(f"kerasal predict   {whole / len(images):7.3f} s per image")
    tell_ratio(alone / whole, f"kerasal predict of a folder by {DEFAULT}", "its bare forward pass")


def peak(images: Path, folder: Path) -> float:
    """Peak memory of a process that predicts a folder, MB."""
    command = [sys.executable, "-c", PEAK, images, folder]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1]) / 1024


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    count -= count % BATCH
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        images = write_scenes(work / "images", count)
        speed(images, work / "maps")
        many = work / "many"
        many.mkdir()
        for path in images:
            for copy in range(10):
                (many / f"{path.stem}_{copy}.jpg").symlink_to(path)
        few = peak(work / "images", work / "few_maps")
        print(f"peak memory       {few:7.0f} MB over {count} images")
        print(f"                  {peak(many, work / 'many_maps'):7.0f} MB over {10 * count} images")


if __name__ == "__main__":
    main()
