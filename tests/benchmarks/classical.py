"""Time the classical models, and GBVS beside a plain numpy port of its loop, one thread each.

python tests/benchmarks/classical.py [IMAGE] [--repeats N]

IMAGE is a photograph; without one an image of 600x800 is made. The port does what the toolbox does, map by
map and step by step: weights, division of the columns, v <- M v; the part of the weights that depends on the
size alone is given to it. The runs take turns, so that a busy machine disturbs all alike, and the least time
of each counts. The toolbox itself took 0.7 s in Octave 7.3 for an image of 600x800, its graph in cache, on
two cores: a stated figure, not measured here.

RARE2012 and AWS are timed on one thread and on as many as they take, and beside the inverse Fourier
transforms of whole planes, by SciPy on one thread: one for each filter and component. They keep the filters
of an image's size, as GBVS keeps its graph; what the first image of a size takes is timed by an image that
is one column narrower, once a round.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from ratios import tell_ratio
from scipy import fft
from threadpoolctl import threadpool_limits

from kerasal._imresize import imresize
from kerasal.classical import CLASSICAL
from kerasal.classical.gbvs import activations, gbvs
from kerasal.classical.gbvs_toolbox import feature_maps, map_size
from kerasal.classical.spectrum import FrequencyPlane

OCTAVE = 0.7  # seconds
# How many responses to filters a colour image takes, and the longest wavelength of a filter, in pixels.
FILTERED = {"rare2012": (3 * 8 * 3, 16), "aws": (4 * (7 + 5 + 5), 384)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image", nargs="?", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    image = np.array(Image.open(options.image).convert("RGB")) if options.image else made_image()
    print(f"{image.shape[0]}x{image.shape[1]} pixels, {options.repeats} rounds, least time")

    maps = gbvs_maps(image)
    closeness = all_closeness(maps[0].shape)
    difference = max(
        np.abs(ours - theirs).max() / theirs.max()
        for ours, theirs in zip(activations(maps, 0.15, 1e-4), port(maps, closeness), strict=True)
    )
    assert difference < 1e-9, difference
    runs = {
        "gbvs, whole": lambda: gbvs(image),
        "24 random walks": lambda: activations(maps, 0.15, 1e-4),
        "port of the walks": lambda: port(maps, closeness),
    }
    runs |= {
        f"{name}, whole": lambda f=entry.function: f(image)
        for name, entry in CLASSICAL.items()
        if name != "gbvs"
    }
    runs |= {f"{name}'s transforms": transforms(*FILTERED[name], image.shape[:2]) for name in FILTERED}
    threads = cv2.getNumThreads()
    in_parallel = {f"{name}, {threads} threads": runs[f"{name}, whole"] for name in FILTERED}
    narrower = image[:, :-1]
    firsts = {
        f"{name}, {threads} threads, the first of a size": lambda f=CLASSICAL[name].function: f(narrower)
        for name in FILTERED
    }
    least = dict.fromkeys([*runs, *in_parallel, *firsts], np.inf)
    with threadpool_limits(1):
        for _ in range(options.repeats):
            for key, run in firsts.items():
                least[key] = min(least[key], timed(run))
            for run in in_parallel.values():
                run()  # whose filters are kept from here on
            cv2.setNumThreads(1)
            for key, run in runs.items():
                least[key] = min(least[key], timed(run))
            cv2.setNumThreads(threads)
            for key, run in in_parallel.items():
                least[key] = min(least[key], timed(run))
    for name, seconds in least.items():
        print(f"{name:42}{1e3 * seconds:10.1f} ms")
    ratio = least["port of the walks"] / least["24 random walks"]
    tell_ratio(ratio, "GBVS's random walks", "a plain numpy port of them")
    tell_ratio(OCTAVE / least["gbvs, whole"], "GBVS", "the toolbox in Octave, 0.7 s as stated")
    for name, (count, _) in FILTERED.items():
        limit = least[f"{name}'s transforms"]
        alone = f"its {count} transforms alone, in place"
        tell_ratio(limit / least[f"{name}, whole"], f"{name}, one thread", alone)
        tell_ratio(limit / least[f"{name}, {threads} threads"], f"{name}, {threads} threads", alone)


def timed(run: Callable) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def transforms(count: int, longest_wavelength: int, size: tuple[int, int]) -> Callable:
    """As many inverse transforms as a model has responses, in the same memory, as the models do."""
    plane = FrequencyPlane(size, longest_wavelength)
    spectrum = plane.spectrum(np.random.default_rng(1).random(size))

    def run():
        for _ in range(count):
            fft.ifft2(spectrum, norm="ortho", overwrite_x=True)

    return run


def made_image() -> np.ndarray:
    """Smooth blobs with noise, 600x800."""
    random = np.random.default_rng(0)
    blobs = Image.fromarray(random.integers(0, 256, (15, 20, 3), np.uint8)).resize((800, 600), Image.BICUBIC)
    return (np.array(blobs) + random.normal(0, 8, (600, 800, 3))).clip(0, 255).astype(np.uint8)


def gbvs_maps(image: np.ndarray) -> list[np.ndarray]:
    features = feature_maps(image / 255, "DIO", (2, 3, 4), (0, 45, 90, 135))
    size = map_size(image.shape[:2], 32)
    return [
        imresize(map_, size) for types in features.values() for levels in types for map_ in levels.values()
    ]


def all_closeness(size: tuple[int, int]) -> np.ndarray:
    row, column = (axis.ravel() for axis in np.indices(size))
    squared = (row[:, None] - row) ** 2 + (column[:, None] - column) ** 2
    return np.exp(-squared / (2 * (0.15 * np.mean(size)) ** 2))


def port(maps: list[np.ndarray], closeness: np.ndarray) -> list[np.ndarray]:
    equilibria = []
    for values in maps:
        a = values.ravel()
        transition = np.abs(a[:, None] - a[None, :]) * closeness
        transition = transition / transition.sum(axis=0)
        v = np.full(a.size, 1 / a.size)
        change = np.inf
        while change > 1e-4:
            before, v = v, transition @ v
            change = np.linalg.norm(v - before)
        equilibria.append((v / v.sum()).reshape(values.shape))
    return equilibria


if __name__ == "__main__":
    main()
