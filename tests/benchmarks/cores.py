"""How work on many images scales with cores: measured on one and two, and what is to be expected of more.

    python tests/benchmarks/cores.py OSIE [IMAGES]

Scoring a folder of maps, GBVS, `data check` and `data prepare`, each in a process of its own that may use one
core, and then two, on a quarter of IMAGES (default 200) of OSIE and on all of them. The four times give what
the start takes, and what an image takes: s seconds of one core, whatever there are, and w seconds that cores
share, so that p cores need s + w / p an image (Amdahl's law). Prints the seconds measured, s and w, and the
images a second that this expects of 16 and of 64 cores.

And what it costs the process that makes maps to hand one of 600x800 to another: through a pipe, as pickle
does it and kerasal, and in shared memory, which the other only has to look at.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from multiprocessing import get_context, shared_memory
from pathlib import Path

import numpy as np
from PIL import Image
from ratios import tell_ratio

from kerasal import classical, data, evaluation
from kerasal.data.check import check as check_dataset

MORE = (16, 64)


def score(folder: Path) -> None:
    evaluation.evaluate(
        [evaluation.MapFolder(folder / "saliency")], data.load(str(folder)), "all", processes=None
    )


def gbvs(folder: Path) -> None:
    samples = data.load(str(folder))["all"]
    for _ in classical.saliency_maps("gbvs", (sample.read_stimulus() for sample in samples)):
        pass


def check(folder: Path) -> None:
    check_dataset(str(folder))


def prepare(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as made:
        data.prepare(data.load(str(folder)), Path(made) / "prepared")


WORK = {"scoring maps": score, "GBVS": gbvs, "data check": check, "data prepare": prepare}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("osie", type=Path, help="folder of OSIE")
    parser.add_argument("images", type=int, nargs="?", default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        counts = (options.images // 4, options.images)
        samples = data.load("osie", options.osie)["all"]
        for count in counts:
            write_folder(Path(folder) / str(count), samples[:count])
        for name in WORK:
            seconds = {
                (cores, count): timed(name, Path(folder) / str(count), cores)
                for cores in (1, 2)
                for count in counts
            }
            tell(name, seconds, counts)
    ways = {way.__name__: hand_over(way) for way in (pipe, memory)}
    print("a map to another process:", ", ".join(f"{1e3 * s:.2f} ms by {name}" for name, s in ways.items()))
    tell_ratio(ways["memory"] / ways["pipe"], "handing over a map by a pipe", "in shared memory")


def hand_over(way) -> float:
    """Processor seconds of this process, a map."""
    saliency_map = np.random.default_rng(0).random((600, 800), "float32")
    with get_context("spawn").Pool(1) as pool:
        way(pool, saliency_map)
        start = time.process_time()
        for _ in range(100):
            way(pool, saliency_map)
        return (time.process_time() - start) / 100


def pipe(pool, saliency_map: np.ndarray) -> None:
    pool.apply(np.ndarray.sum, (saliency_map,))


def memory(pool, saliency_map: np.ndarray) -> None:
    block = shared_memory.SharedMemory(create=True, size=saliency_map.nbytes)
    np.ndarray(saliency_map.shape, saliency_map.dtype, block.buf)[:] = saliency_map
    pool.apply(sum_of, (block.name, saliency_map.shape))
    block.close()
    block.unlink()


def sum_of(name: str, shape: tuple[int, int]) -> float:
    block = shared_memory.SharedMemory(name)
    total = float(np.ndarray(shape, "float32", block.buf).sum())
    block.close()
    return total


def write_folder(folder: Path, samples: list) -> None:
    """A dataset of one's own: photographs, fixations, and maps to score, which are densities under noise."""
    random = np.random.default_rng(0)
    for part in ("images", "fixations", "saliency"):
        (folder / part).mkdir(parents=True)
    for sample in samples:
        os.symlink(sample.stimulus, folder / "images" / sample.stimulus.name)
        rows = [f"{x},{y},{o}" for o, points in enumerate(sample.fixations) for x, y in points]
        (folder / "fixations" / f"{sample.name}.csv").write_text("\n".join(["x,y,observer", *rows]))
        noisy = sample.density() + 0.2 * random.random(sample.size)
        grey = np.round(255 * noisy / noisy.max()).astype("uint8")
        Image.fromarray(grey).save(folder / "saliency" / f"{sample.name}.png")


def timed(name: str, folder: Path, cores: int) -> float:
    """Seconds of the work, without the imports, in a process that may use so many cores."""
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    program = (
        "import os, sys, time, json; from pathlib import Path; "
        f"os.sched_setaffinity(0, {allowed}); sys.path.insert(0, {str(Path(__file__).parent)!r}); "
        f"import cores; start = time.perf_counter(); cores.WORK[{name!r}](Path({str(folder)!r})); "
        "print(json.dumps(time.perf_counter() - start))"
    )
    environment = {**os.environ, "KERASAL_WITHOUT_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def tell(name: str, seconds: dict[tuple[int, int], float], counts: tuple[int, int]) -> None:
    few, many = counts
    one, two = ((seconds[cores, many] - seconds[cores, few]) / (many - few) for cores in (1, 2))
    alone, shared = max(0.0, 2 * two - one), min(one, 2 * (one - two))
    print(f"{name}: {many} images {seconds[1, many]:.1f} s on one core, {seconds[2, many]:.1f} s on two")
    print(f"  an image: {1e3 * alone:.1f} ms of one core alone, {1e3 * shared:.1f} ms that cores share")
    for cores in MORE:
        print(f"  {cores} cores: {1 / (alone + shared / cores):.0f} images a second expected")
    tell_ratio(one / two, f"{name} on two cores, an image", "on one")


if __name__ == "__main__":
    main()
