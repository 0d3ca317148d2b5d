"""Images per second of the pipeline against bare decoding and resizing, and what training waits for it.

python tests/benchmarks/pipeline.py [FOLDER_OF_JPEGS]

The files are the first 160 JPEGs of the folder, or generated scenes of 800x600 pixels; the network's input is
300x400, batches of 8. The peer, in the same run and in turns: tf.io.read_file, tf.io.decode_jpeg and
tf.image.resize to the same size by the same method (bicubic, antialiased), in a parallel map. The pipeline
makes density and fixation maps besides. The best of five turns counts. Then the paper's network is trained
for twelve steps, from JPEGs, from TFRecords and from cached features, and the time spent in asking for the
next batch is a share of the whole.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from PIL import Image
from ratios import tell_ratio

from kerasal import data, losses, models
from kerasal.data.reading import RESIZE
from kerasal.data.synthetic_scenes import scene
from kerasal.training import FeatureCache

COUNT, SIZE, BATCH, EPOCHS, TURNS, STEPS = 160, (300, 400), 8, 4, 5, 12
SKIPPED = 10  # batches before the clock starts: tracing, and the threads' warming up


def files(folder: Path, source: Path | None) -> list[Path]:
    """JPEG files: the source's, or generated ones in `folder`."""
    if source:
        return sorted(source.glob("*.jpg"))[:COUNT]
    paths = []
    for number in range(COUNT):
        paths.append(folder / f"{number:04}.jpg")
        Image.fromarray(scene(number, size=(600, 800)).image).save(paths[-1], quality=90)
    return paths


def dataset(paths: list[Path]) -> data.Dataset:
    """The files with 15 observers' fixations each, as in OSIE."""
    random = np.random.default_rng(0)
    samples = []
    for path in paths:
        size = Image.open(path).size[::-1]
        fixations = tuple(random.uniform(0, 1, (9, 2)) * size[::-1] for _ in range(15))
        samples.append(data.Sample(path.stem, size, path, fixations, 0.03 * size[1]))
    return data.Dataset("benchmark", {"train": samples, "validation": [], "test": []}, "", "")


def bare(paths: list[Path], method: str = RESIZE, antialias: bool = True) -> tf.data.Dataset:
    """Decoding and resizing alone."""

    def read(path):
        stimulus = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        return tf.image.resize(stimulus, SIZE, method=method, antialias=antialias)

    names = tf.data.Dataset.from_tensor_slices([str(path) for path in paths]).repeat(EPOCHS)
    return names.map(read, num_parallel_calls=tf.data.AUTOTUNE).batch(BATCH).prefetch(2)


def rate(batches: tf.data.Dataset) -> float:
    """Images a second, once the pipeline runs."""
    count = 0
    for number, batch in enumerate(batches):
        if number == SKIPPED:
            start = time.perf_counter()
        elif number > SKIPPED:
            count += len(batch[0] if isinstance(batch, tuple) else batch)
    return count / (time.perf_counter() - start)


def waiting(model, batches: tf.data.Dataset) -> tuple[float, float]:
    """Seconds of a training step, and the share of it that waits for the batch."""
    model.compile("adamw", losses.get("kld+cc+nss"), jit_compile=False)
    iterator, waited, worked = iter(batches), 0.0, 0.0
    for step in range(STEPS):
        start = time.perf_counter()
        inputs, target = next(iterator)
        asked = time.perf_counter()
        model.train_on_batch(inputs, target)
        if step >= 2:  # the first ones trace
            waited += asked - start
            worked += time.perf_counter() - asked
    return (waited + worked) / (STEPS - 2), waited / (waited + worked)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = files(Path(folder), Path(sys.argv[1]) if len(sys.argv) > 1 else None)
        plain = dataset(paths)
        records = data.prepare(plain, Path(folder) / "prepared", size=SIZE)
        kinds = {
            "bare decode_jpeg + resize": lambda: bare(paths),
            "pipeline from JPEG": lambda: data.batches(plain["train"], SIZE, BATCH, epochs=EPOCHS),
            "pipeline from TFRecords": lambda: data.batches(records["train"], SIZE, BATCH, epochs=EPOCHS),
            "(bare, bilinear, not antialiased)": lambda: bare(paths, "bilinear", False),
        }
        rates: dict[str, list[float]] = {kind: [] for kind in kinds}
        for _ in range(TURNS):
            for kind, make in kinds.items():
                rates[kind].append(rate(make()))
        peer = max(rates["bare decode_jpeg + resize"])
        for kind, found in rates.items():
            print(f"{kind:<36}{max(found):8.1f} images/s   ratio {max(found) / peer:5.2f}")
        for kind in ("pipeline from JPEG", "pipeline from TFRecords"):
            tell_ratio(max(rates[kind]) / peer, kind, "tf.io.decode_jpeg and tf.image.resize")
        network = models.Baseline(SIZE, "sigmoid")
        cache = FeatureCache.open(network, plain["train"][:48])
        shown = {
            "training from JPEG": (network, plain["train"], None),
            "training from TFRecords": (network, records["train"], None),
            "training from cached features": (network.head, plain["train"][:48], cache.reader()),
        }
        for kind, (model, samples, reader) in shown.items():
            seconds, share = waiting(model, data.batches(samples, SIZE, BATCH, reader=reader, epochs=4))
            print(f"{kind:<36}{seconds:8.3f} s a step   {share:6.1%} of it waiting for input")
            tell_ratio(1 - share, kind, "a step that never waits for its input")


if __name__ == "__main__":
    main()
