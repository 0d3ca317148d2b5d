"""What a user waits for before the first map and before the first training step, phase by phase.

python tests/benchmarks/startup.py [TIMES]      (on Linux or macOS: it asks for a child's CPU time)
python tests/benchmarks/startup.py commands [TIMES]

Each phase of `kerasal predict --runtime tensorflow photo.jpg` (the default network, a photograph of 800x600)
and of `kerasal train` (60 photographs, features in the cache) is timed in processes of its own, TIMES times
(default 3); the command itself is timed from outside, too. Printed is the least of each phase, in seconds on
the clock and of all cores together: on a machine that does other work the second is the one to compare. The
last lines compare the two things that kerasal leaves out with doing them.

`commands` times whole commands from outside, as users wait for them, TIMES (default 10) times, and prints
medians and the least: the network that ships by TensorFlow and by LiteRT, whose export is made before; the
listing of the datasets; and `kerasal serve` until it has answered the first image. The commands run as they
do from a shell. A ratio to a goal is over 1 where the median is shorter than the goal.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ratios import tell_ratio

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

KERASAL = str(Path(sys.executable).with_name("kerasal"))
GOALS = {  # seconds that a user should not have to wait longer
    "kerasal predict photo.jpg, by LiteRT": 2.0,
    "kerasal serve and its first map, by LiteRT": 2.5,
    "kerasal data list": 0.4,
}

HEAD = """
import os, resource, time
start = [time.perf_counter(), 0.0]
def mark(name):
    used = resource.getrusage(resource.RUSAGE_SELF)
    now = [time.perf_counter(), used.ru_utime + used.ru_stime]
    print(f"{name}\\t{now[0] - start[0]}\\t{now[1] - start[1]}", flush=True)
    start[:] = now
from kerasal_cli.loading import load_library
mark("Python")
load_library()
mark("TensorFlow and Keras")
"""

PREDICT = (
    HEAD
    + """
from pathlib import Path
from kerasal import prediction
mark("kerasal.prediction and what it imports")
predictor = prediction.resolve(prediction.DEFAULT).predictor
mark("building the network, reading its weights")
image = Path("photo.jpg")
prediction.predict_to_folder(predictor, [image], Path("first"), prediction.Outputs(), skipped=[])
mark("the first map, with tracing")
prediction.predict_to_folder(predictor, [image], Path("second"), prediction.Outputs(), skipped=[])
mark("(another map)")
os._exit(0)  # the time of taking TensorFlow down is in the command's
"""
)

TRAIN = (
    HEAD
    + """
from pathlib import Path
import keras
from kerasal import data, models, training
mark("kerasal.training and what it imports")
dataset = data.load("photos")
mark("reading the dataset")
network = models.build("baseline", activation="sigmoid")
mark("building the network, reading VGG-16's weights")
features = training.open_features(network, dataset, folder=Path("cache"))
mark("finding the features in the cache")
class First(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        mark("centre bias, loss, optimizer, pipeline")
    def on_train_batch_end(self, batch, logs=None):
        mark(("the first step, with tracing", "(another step)")[batch])
        if batch:
            os._exit(0)
training.fit(network, dataset, features=features, callbacks=[First()], report=lambda _: None, verbose=0)
"""
)

LEFT_OUT = {
    "importing jax and matplotlib.pyplot too": (
        "import kerasal_cli.loading as its; its.UNUSED = ()",
        "from kerasal_cli.loading import load_library; load_library()",
    ),
    "drawing the backbone's weights before they are read": (
        "import kerasal.models.vgg16 as its, keras; its.SetLater = keras.initializers.GlorotUniform",
        "from kerasal import models; models.Baseline()",
    ),
}


def measured(command: list[str], folder: Path) -> tuple[str, float, float]:
    """What a command prints, its seconds on the clock and its CPU time."""
    before, start = os.times(), time.perf_counter()
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    seconds, after = time.perf_counter() - start, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return run.stdout, seconds, used


def python(code: str) -> list[str]:
    """The command that runs this code."""
    return [sys.executable, "-c", code]


def prepare(folder: Path) -> None:
    """A photograph and a small dataset."""
    import cv2
    import numpy as np

    from kerasal import data

    scenes = data.load("synthetic")["train"]
    cv2.imwrite(str(folder / "photo.jpg"), cv2.resize(scenes[0].read_stimulus(), (800, 600)))
    for name in ("images", "fixations"):
        (folder / "photos" / name).mkdir(parents=True)
    for sample in scenes[:60]:
        cv2.imwrite(str(folder / f"photos/images/{sample.name}.jpg"), sample.read_stimulus()[..., ::-1])
        np.save(folder / f"photos/fixations/{sample.name}.npy", sample.all_fixations())


def phases(title: str, code: str, folder: Path, times: int) -> None:
    """Print the least of each phase, and of their sum."""
    found: dict[str, list[tuple[float, float]]] = {}
    for _ in range(times):
        for line in measured(python(code), folder)[0].splitlines():
            name, *values = line.split("\t")
            found.setdefault(name, []).append(tuple(map(float, values)))
    print(f"\n{title:58s} {'clock':>7s} {'CPU':>7s}")
    rows = {name: [min(column) for column in zip(*values, strict=True)] for name, values in found.items()}
    for name, (clock, cpu) in rows.items():
        print(f"  {name:56s} {clock:7.2f} {cpu:7.2f}")
    counted = [values for name, values in rows.items() if not name.startswith("(")]
    print(f"  {'together':56s} {sum(v[0] for v in counted):7.2f} {sum(v[1] for v in counted):7.2f}")


SERVE = """
import subprocess, sys, urllib.request
with subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True) as server:
    address = server.stdout.readline().split(" on ")[1].split()[0]
    urllib.request.urlopen(address + "predict", open("photo.jpg", "rb").read()).read()
    server.terminate()
"""


def commands(folder: Path, times: int) -> None:
    """Print the median and the least of each command."""
    predict = [KERASAL, "predict", "photo.jpg"]
    serve = [*python(SERVE), KERASAL, "serve", "--port", "0", "-q"]
    by_tensorflow = ["--runtime", "tensorflow"]
    lines = {
        "kerasal predict photo.jpg, by TensorFlow": predict + by_tensorflow,
        "kerasal predict photo.jpg, by LiteRT": predict,
        "kerasal serve and its first map, by TensorFlow": serve + by_tensorflow,
        "kerasal serve and its first map, by LiteRT": serve,
        "kerasal data list": [KERASAL, "data", "list"],
    }
    print(f"{'median (least) of ' + str(times):50s} {'clock':>15s} {'CPU':>15s}")
    measured([*predict, "--runtime", "lite"], folder)  # makes the export, which is found from then on
    medians = {}
    for name, line in lines.items():
        columns = list(zip(*(measured(line, folder)[1:] for _ in range(times)), strict=True))
        shown = [f"{statistics.median(column):.2f} ({min(column):.2f})" for column in columns]
        print(f"{name:50s} {shown[0]:>15s} {shown[1]:>15s}", flush=True)
        medians[name] = statistics.median(columns[0])
    for what in ("kerasal predict photo.jpg", "kerasal serve and its first map"):
        ratio = medians[f"{what}, by TensorFlow"] / medians[f"{what}, by LiteRT"]
        tell_ratio(ratio, f"{what}, by LiteRT", "by TensorFlow")
    for what, goal in GOALS.items():
        tell_ratio(goal / medians[what], what, f"{goal} s, the goal")


def main() -> None:
    if sys.argv[1:2] == ["commands"]:
        with tempfile.TemporaryDirectory() as name:
            os.environ["KERASAL_CACHE"] = str(Path(name) / "cache")
            prepare(Path(name))
            print(f"load of the machine {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
            commands(Path(name), int(sys.argv[2]) if len(sys.argv) > 2 else 10)
        return
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        print(f"load of the machine {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
        phases("kerasal predict --runtime tensorflow photo.jpg", PREDICT, folder, times)
        command = [KERASAL, "predict", "--runtime", "tensorflow", "photo.jpg"]
        runs = [measured(command, folder)[1:] for _ in range(times)]
        clock, cpu = (min(column) for column in zip(*runs, strict=True))
        print(f"  {'the command, from outside':56s} {clock:7.2f} {cpu:7.2f}")
        measured(python(TRAIN), folder)  # fills the cache, which is not timed
        phases("kerasal train, to the first step", TRAIN, folder, times)
        print("\nleft out, in CPU seconds")
        for what, (undone, code) in LEFT_OUT.items():
            pairs = [
                (measured(code, folder)[2], measured(f"{undone}\n{code}", folder)[2]) for _ in range(times)
            ]
            without, done = (min(column) for column in zip(*pairs, strict=True))
            print(f"  {what:56s} {without:7.2f} without, {done:.2f} with it")


if __name__ == "__main__":
    main()
