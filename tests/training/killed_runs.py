"""Trains the tests' tiny network once without a break, and again while killing it at random moments.

python killed_runs.py DATA FOLDER KILLS SEED

Makes FOLDER/unbroken and FOLDER/broken-N, a new one whenever one came to its end before KILLS kills, and
prints a JSON list: for each kill, how many steps the run had saved at that moment. TensorFlow is imported
once; each training is a fork of this process, which has computed nothing and so started no threads.
"""

import json
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.path.insert(0, str(Path(__file__).parents[1]))

from conftest import add_tiny_network
from killing import after, fork, killed_at, never

from kerasal import data, training

OPTIONS = {
    "model": "tiny",
    "input_size": (32, 48),
    "epochs": 4,
    "batch_size": 2,  # of 7 stimuli, 4 an epoch
    "learning_rate": 1e-2,
    "clip_norm": 1.0,
    "patience": 3,
    "deterministic": True,
    "precision": "float32",
    "checkpoint_minutes": 0.0,
}
STEPS = 16  # 4 epochs of the 7 stimuli that train, of ten


def start(folder: Path, path: Path) -> int:
    """The process id of a child that trains or goes on with the run `path`."""

    def work():
        silent = {"report": lambda _: None, "verbose": 0}
        if path.exists():
            training.resume(path, **silent)
        else:
            training.train(data.load(str(folder)), training.options(**OPTIONS), path, **silent)

    return fork(work)


def saved_steps(path: Path) -> int:
    """The steps that the newest checkpoint holds; 0 without one."""
    return max((int(file.stem) for file in path.glob("checkpoints/[0-9]*.npz")), default=0)


def random_moment(chance: random.Random, path: Path, duration: float) -> Callable[[], bool]:
    """A moment at any time of the process, or, more often, around any of the steps that are left."""
    if chance.random() < 0.3 or saved_steps(path) == STEPS:
        return after(chance.uniform(0, duration))
    step, delay = chance.randint(saved_steps(path) + 1, STEPS), chance.uniform(0, 0.05)
    return lambda: saved_steps(path) >= step and time.sleep(delay) is None


def main() -> None:
    folder, root, kills, seed = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    add_tiny_network()
    chance = random.Random(seed)
    begin = time.monotonic()
    killed_at(start(folder, root / "unbroken"), never)
    duration = time.monotonic() - begin
    saved: list[int] = []
    while len(saved) < kills:
        path = root / f"broken-{len(saved)}"
        while True:
            moment = random_moment(chance, path, duration) if len(saved) < kills else never
            if not killed_at(start(folder, path), moment):
                break
            saved.append(saved_steps(path))
    print(json.dumps(saved))


if __name__ == "__main__":
    main()
