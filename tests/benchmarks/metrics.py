"""Time per image of each array metric, against plain ports of the benchmark's code, pysaliency and OpenCV.

    python tests/benchmarks/metrics.py [--pysaliency PYTHON] [--repeats N]

Maps are 600 x 800 in float64, with 140 fixations as coordinates and 800 of other images. A plain port is
what one writes from the benchmark's MATLAB code line by line, in numpy and scipy; the random metrics draw 100
times there, and once in the row "one draw". The row "five at once" is `kerasal.metrics.measure` with CC, SIM,
KLD, NSS and AUC-Judd, against the sum of the others' five. PYTHON is the interpreter of an environment that
has pysaliency (0.2.22, numpy below 2.4). Every number is the median processor time of N runs, in which
the implementations take turns, each on one thread, so that other work on the machine disturbs little and
all alike. Each timed run follows on the same run, untimed, which leaves the caches as it wants them. Values
that should agree are compared first.

The last columns are the time of what the metric cannot do without, and how many times that it takes: a look
at every pixel in the fewest passes of numpy and OpenCV. They are the sum and the sum of squares for NSS, and
the minimum and the maximum for shuffled AUC, whose thresholds lie between these.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # pysaliency's process inherits them

import cv2
import numpy as np
import ot
from PIL import Image
from ratios import tell_ratio
from scipy import stats
from scipy.ndimage import gaussian_filter

from kerasal import metrics
from kerasal._imresize import imresize_by

SIZE = (600, 800)
FIXATIONS = 140
SPLITS = 100
EPSILON = 2.2204e-16
FIVE = ("cc", "sim", "kld", "nss", "auc_judd")
LIMITS = {
    "nss": "the sum and the sum of squares of the map",
    "sauc": "the minimum and the maximum of the map",
}

# pysaliency's array functions alone: its package file imports PyTorch, which they do not use. Each line of
# input asks for one run of one metric.
PYSALIENCY = """
import json, sys, time, types, importlib.util
from pathlib import Path
package = types.ModuleType("pysaliency")
package.__path__ = [str(Path(importlib.util.find_spec("pysaliency").origin).parent)]
sys.modules["pysaliency"] = package
import numpy as np
from pysaliency import metrics, numba_utils, roc
np.seterr(divide="ignore")  # its KLDiv takes logarithms of 0
if not hasattr(np, "trapz"):
    np.trapz = np.trapezoid  # numpy 2.4 took away the old name
maps = np.load(sys.argv[1])
p, s, rows, columns, other = (maps[name] for name in ("p", "s", "rows", "columns", "other"))
random = np.random.RandomState(seed=42)

def auc_judd():
    # SaliencyMapModel.AUC_Judd: RandomNoiseSaliencyMapModel.add_jitter, _get_unfixated_values, general_roc.
    noisy = p + random.randn(*p.shape) * 1e-7
    fixation_map = np.zeros(p.shape)
    numba_utils.fill_fixation_map(fixation_map, np.array([rows, columns]).T)
    unfixated = noisy[fixation_map == 0].flatten()
    return roc.general_roc(noisy[rows, columns].astype(float), unfixated.astype(float), judd=1)[0]

runs = {
    "cc": lambda: metrics.CC(p, s),
    "sim": lambda: metrics.SIM(p, s),
    "kld": lambda: metrics.MIT_KLDiv(p, s),
    "nss": lambda: metrics.NSS(p, columns, rows).mean(),
    "auc_judd": auc_judd,
    "sauc": lambda: roc.general_roc(p[rows, columns], p[other > 0])[0],
}
print(json.dumps({name: float(run()) for name, run in runs.items()}), flush=True)
for line in sys.stdin:
    run = runs[line.strip()]
    run()
    start = time.process_time()
    run()
    print(time.process_time() - start, flush=True)
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pysaliency", help="interpreter of an environment with pysaliency")
    parser.add_argument("--repeats", type=int, default=10)
    options = parser.parse_args()

    maps = make_maps()
    runs = {"kerasal": timed(kerasal_runs(maps)), "port": timed(port_runs(maps))}
    if options.pysaliency:
        runs["pysaliency"] = pysaliency_runs(options.pysaliency, maps)
    runs["limit"] = timed(limit_runs(maps))
    seconds = {(side, name): [] for side in runs for name in runs[side]}
    for _ in range(options.repeats):
        for (side, name), measured in seconds.items():
            measured.append(runs[side][name]())
    median = {key: float(np.median(measured)) for key, measured in seconds.items()}
    for side in ("port", "pysaliency"):
        if side in runs:
            median[side, "five at once"] = sum(median[side, name] for name in FIVE)

    print(
        f"{'ms per image':22}{'kerasal':>9}{'port':>10}{'ratio':>8}{'pysaliency':>12}{'ratio':>8}"
        f"{'limit':>8}{'times':>7}"
    )
    for name in runs["kerasal"]:
        ours = median["kerasal", name]
        line = f"{name:22}{1e3 * ours:9.2f}"
        for side, width in (("port", 10), ("pysaliency", 12)):
            other = median.get((side, name))
            line += f"{1e3 * other:{width}.2f}{other / ours:8.1f}" if other else " " * (width + 7) + "-"
        if limit := median.get(("limit", name)):
            line += f"{1e3 * limit:8.2f}{ours / limit:7.1f}"
        print(line)
    for (side, name), other in median.items():
        if side != "kerasal":
            tell_ratio(other / median["kerasal", name], name, LIMITS[name] if side == "limit" else side)
    print(f"sum of the five one by one: {1e3 * sum(median['kerasal', name] for name in FIVE):.1f} ms")
    exact = metrics.emd(*maps["grids"], scale=None)
    print(f"EMD of the grids: {exact:.6f}, OpenCV {opencv_emd(*maps['grids']):.6f} (under the port)")


def make_maps():
    random = np.random.default_rng(0)
    fixated = random.choice(SIZE[0] * SIZE[1], FIXATIONS, replace=False)
    f, other = np.zeros(SIZE), np.zeros(SIZE)
    f.flat[fixated] = 1
    other.flat[random.choice(f.size, 800, replace=False)] = 1
    s = gaussian_filter(f, 24)
    p = gaussian_filter(random.random(SIZE), 20)
    p = (p - p.min()) / np.ptp(p) + s / s.max()
    # With a minimum of 0 pysaliency's SIM is the benchmark's.
    p, s = (x - x.min() for x in (p, s / s.max()))
    rows, columns = np.nonzero(f)
    grids = [np.maximum(imresize_by(x, 1 / 32), 0) for x in (p, s)]
    return {"p": p, "s": s, "f": f, "other": other, "rows": rows, "columns": columns, "grids": grids}


def kerasal_runs(maps):
    p, s = maps["p"], maps["s"]
    f, other = (np.argwhere(maps[name]) for name in ("f", "other"))
    return {
        "cc": lambda: metrics.cc(p, s),
        "sim": lambda: metrics.sim(p, s),
        "kld": lambda: metrics.kld(p, s),
        "nss": lambda: metrics.nss(p, f),
        "auc_judd": lambda: metrics.auc_judd(p, f),
        "five at once": lambda: metrics.measure(FIVE, p, s, f),
        "auc_borji": lambda: metrics.auc_borji(p, f),
        "auc_borji, one draw": lambda: metrics.auc_borji(p, f),
        "sauc": lambda: metrics.sauc(p, f, other),
        "information_gain": lambda: metrics.information_gain(p, f, s),
        "emd": lambda: metrics.emd(p, s),
        "emd of the grids": lambda: metrics.emd(*maps["grids"], scale=None),
    }


def limit_runs(maps):
    """What no way of computing a metric can leave out, as fast as numpy and OpenCV have it."""
    p = maps["p"]
    return {
        "nss": lambda: (np.einsum("ij->", p), cv2.norm(p, cv2.NORM_L2SQR)),
        "sauc": lambda: (p.min(), p.max()),
    }


def opencv_emd(p, s):
    """cv2.EMD of two grids: rows of weight, row, column, in float32."""
    signatures = [
        np.column_stack([(grid / grid.sum()).ravel(), *np.indices(grid.shape).reshape(2, -1)]).astype(
            "float32"
        )
        for grid in (p, s)
    ]
    return cv2.EMD(*signatures, cv2.DIST_L2)[0]


def port_runs(maps):
    p, s, f, other = (maps[name] for name in ("p", "s", "f", "other"))
    random = np.random.default_rng(1)
    fixated, pool = np.flatnonzero(f), np.flatnonzero(other)

    def unit(x):
        return (x - x.min()) / (x.max() - x.min())

    def distribution(x):
        return x / x.sum()

    def auc_judd():
        values = unit(p + random.random(p.shape) * 1e-7).ravel()
        thresholds = np.sort(values[fixated])[::-1]
        n = len(thresholds)
        points = [(0, 0)]
        for i, threshold in enumerate(thresholds, start=1):
            points.append(((np.sum(values >= threshold) - i) / (values.size - n), i / n))
        return np.trapezoid(*np.transpose([*points, (1, 1)])[::-1])

    def auc_by_steps(draw, splits=SPLITS):
        values = unit(p).ravel()
        areas = []
        for _ in range(splits):
            at, drawn = values[fixated], values[draw()]
            thresholds = np.arange(0, max(at.max(), drawn.max()), 0.1)[::-1]
            points = [(np.mean(drawn >= t), np.mean(at >= t)) for t in thresholds]
            areas.append(np.trapezoid(*np.transpose([(0, 0), *points, (1, 1)])[::-1]))
        return np.mean(areas)

    def information_gain():
        bits = np.log2(EPSILON + distribution(unit(p))) - np.log2(EPSILON + distribution(unit(s)))
        return bits[f > 0].mean()

    def emd():
        grids = [
            distribution(
                np.asarray(Image.fromarray(x.astype(np.float32)).resize((25, 19), Image.BICUBIC)).clip(0)
            )
            for x in (p, s)
        ]
        cells = np.indices((19, 25)).reshape(2, -1).T
        distances = np.linalg.norm(cells[:, None] - cells, axis=2)
        return ot.emd2(
            *(distribution(grid.astype(float)).ravel() for grid in grids), distances, numItermax=10**7
        )

    return {
        "cc": lambda: stats.pearsonr(p.ravel(), s.ravel())[0],
        "sim": lambda: np.minimum(distribution(unit(p)), distribution(unit(s))).sum(),
        "kld": lambda: np.sum(
            distribution(s) * np.log(EPSILON + distribution(s) / (distribution(p) + EPSILON))
        ),
        "nss": lambda: ((p - p.mean()) / p.std(ddof=1))[f > 0].mean(),
        "auc_judd": auc_judd,
        "auc_borji": lambda: auc_by_steps(lambda: random.integers(0, p.size, FIXATIONS)),
        "auc_borji, one draw": lambda: auc_by_steps(lambda: random.integers(0, p.size, FIXATIONS), splits=1),
        "sauc": lambda: auc_by_steps(lambda: random.permutation(pool)[:FIXATIONS]),
        "information_gain": information_gain,
        "emd": emd,
        "emd of the grids": lambda: opencv_emd(*maps["grids"]),
    }


def timed(runs):
    def clock(run):
        def seconds():
            run()
            start = time.process_time()
            run()
            return time.process_time() - start

        return seconds

    return {name: clock(run) for name, run in runs.items()}


def pysaliency_runs(python, maps):
    """One process that stays: it times each run itself, when asked."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "maps.npz"
        np.savez(path, **{name: maps[name] for name in ("p", "s", "rows", "columns", "other")})
        process = subprocess.Popen(
            [python, "-c", PYSALIENCY, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        answer = process.stdout.readline()
    if not answer:
        raise SystemExit(f"{python} cannot run pysaliency's metrics; its error is above")
    theirs, ours = json.loads(answer), kerasal_runs(maps)
    for name in FIVE:
        # NSS has another divisor, the area another jitter.
        np.testing.assert_allclose(theirs[name], ours[name](), rtol=1e-5, err_msg=name)

    def ask(name):
        print(name, file=process.stdin, flush=True)
        return float(process.stdout.readline())

    return {name: (lambda name=name: ask(name)) for name in theirs}


if __name__ == "__main__":
    main()
