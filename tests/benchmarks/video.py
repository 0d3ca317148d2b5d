"""Frames a second of `kerasal predict film.mp4`, against those of its network alone, and by TensorFlow.

    python tests/benchmarks/video.py [FRAMES]

A film of 640x360 and FRAMES frames (default 100), a generated scene that moves, is read, predicted by the
network that comes with kerasal, and written as maps and as an overlay, as videos: by LiteRT, which `kerasal
predict` takes on a CPU without bfloat16, and by TensorFlow. The limit is LiteRT's predictor on frames that
are in memory. Each is the better of two turns, which alternate.
"""

import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2
import numpy as np
from predict import seconds
from ratios import tell_ratio

from kerasal import data, prediction
from kerasal.prediction import Outputs, predict_video

SIZE = (360, 640)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    choice = prediction.choose(None, "lite")
    lite = choice.named or prediction.make_lite(None, choice.file)
    predictors = {"LiteRT": lite.predictor, "TensorFlow": prediction.load()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        frames = write_film(path, count)
        alone, whole = [], {name: [] for name in predictors}
        for predictor in predictors.values():
            predictor.saliency_maps(frames[:1])
        for turn in range(2):
            alone.append(seconds(lambda: lite.predictor.saliency_maps(frames)))
            for name, predictor in predictors.items():
                stem = Path(folder) / f"{name}-{turn}"
                whole[name].append(
                    seconds(
                        lambda predictor=predictor, stem=stem: predict_video(
                            predictor, path, stem, Outputs(overlay=True)
                        )
                    )
                )
    for name, times in whole.items():
        print(f"{count / min(times):.1f} frames a second by {name}")
    print(f"{count / min(alone):.1f} by LiteRT, the network alone")
    best = min(whole["LiteRT"])
    tell_ratio(min(alone) / best, "kerasal predict of a video by LiteRT", "its network on frames in memory")
    tell_ratio(min(whole["TensorFlow"]) / best, "kerasal predict of a video by LiteRT", "by TensorFlow")


def write_film(path: Path, count: int) -> list[np.ndarray]:
    """A view of a scene that wanders; its frames."""
    scene = cv2.resize(data.load("synthetic")["train"][0].read_stimulus(), (960, 720))
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, SIZE[::-1])
    frames = []
    for number in range(count):
        top, left = (int(length * (1 + np.sin(number / 20)) / 2) for length in (360, 320))
        frames.append(np.ascontiguousarray(scene[top : top + SIZE[0], left : left + SIZE[1]]))
        film.write(frames[-1][..., ::-1])
    film.release()
    return frames


if __name__ == "__main__":
    main()
