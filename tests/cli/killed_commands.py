"""Prepares, predicts or exports once without a break, and again while ending it at random moments.

python killed_commands.py WORK FOLDER KILLS SEED SIGNAL

WORK is prepare, predict or export, SIGNAL is KILL or TERM. Makes FOLDER/unbroken and FOLDER/broken-N, a new
one whenever one came to its end before KILLS kills, and prints a JSON list: for each kill, the CRC-32 of
each file that was there at that moment.
"""

import json
import os
import random
import signal
import sys
import time
import zlib
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.path.insert(0, str(Path(__file__).parents[1]))

import cv2
import keras
import numpy as np
from conftest import add_tiny_network
from killing import after, fork, killed_at, never

from kerasal import data, models
from kerasal.data import prepare
from kerasal.export import export
from kerasal.prediction import Outputs, predict_to_folder, predict_video
from kerasal.prediction.predictors import LoadedPredictor
from kerasal_cli import end_in_order

SIZE = (32, 48)


def network():
    """The tests' tiny network, the same each time."""
    keras.utils.set_random_seed(0)
    return models.build("tiny", input_size=SIZE, activation="sigmoid", dropout=0, initial_density=0.1)


def preparing(path: Path, stimuli: Path) -> None:
    prepare(data.load("synthetic").limited(6), path / "prepared", size=SIZE, per_shard=2)


def predicting(path: Path, stimuli: Path) -> None:
    predictor = network()
    outputs = Outputs(npy=True)
    skipped: list[str] = []
    predict_to_folder(predictor, sorted(stimuli.glob("*.png")), path / "maps", outputs, skipped=skipped)
    predict_video(predictor, stimuli / "film.avi", path / "maps/film")


def exporting(path: Path, stimuli: Path) -> None:
    source = LoadedPredictor("tiny", network())
    for format, name in (("keras", "it.keras"), ("saved_model", "saved_model")):
        if not (path / name).exists():
            assert export(source, path / name, format).agrees


WORKS = {"prepare": preparing, "predict": predicting, "export": exporting}


def write_stimuli(folder: Path) -> None:
    folder.mkdir()
    chance = np.random.default_rng(0)
    film = cv2.VideoWriter(str(folder / "film.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 20, (96, 64))
    for number in range(12):
        pixels = cv2.resize(chance.integers(0, 256, (8, 12, 3), dtype=np.uint8), (96, 64))
        film.write(pixels)
        cv2.imwrite(str(folder / f"s{number}.png"), pixels)
    film.release()


def main() -> None:
    work, root, kills = WORKS[sys.argv[1]], Path(sys.argv[2]), int(sys.argv[3])
    chance, number = random.Random(int(sys.argv[4])), signal.Signals[f"SIG{sys.argv[5]}"]
    add_tiny_network()
    write_stimuli(root / "stimuli")

    def start(path: Path) -> int:
        def child() -> None:
            end_in_order()
            path.mkdir(exist_ok=True)
            if not (path / "prepared").exists():
                work(path, root / "stimuli")

        return fork(child)

    begin = time.monotonic()
    killed_at(start(root / "unbroken"), never)
    duration = time.monotonic() - begin
    seen: list[dict[str, int]] = []
    while len(seen) < kills:
        path = root / f"broken-{len(seen)}"
        while killed_at(
            start(path), after(chance.uniform(0, duration)) if len(seen) < kills else never, number
        ):
            files = [file for file in path.rglob("*") if file.is_file()]
            seen.append({str(file.relative_to(path)): zlib.crc32(file.read_bytes()) for file in files})
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
