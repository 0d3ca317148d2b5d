"""Frames a second of `kerasal predict film.mp4`, against those of its network alone.

    python tests/benchmarks/video.py [FRAMES]

A film of 640x360 and FRAMES frames (default 100), a generated scene that moves, is read, predicted by the
network that comes with kerasal, and written as maps and as an overlay, as videos. What computes is what
`kerasal predict` takes: LiteRT, where it is installed, but for machines with bfloat16 or a GPU. The limit is
the same predictor on frames that are in memory. Both are the better of two turns, which alternate.
"""

import os
import sys
import tempfile
from dataclasses import replace
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
    choice = prediction.choose(None, few=False)
    if choice.file:  # the export that predict makes after its first use
        choice = replace(choice, named=prediction.make_lite(None, choice.file))
    predictor = choice.named.predictor if choice.named else prediction.load()
    print("by", "LiteRT" if choice.named else "TensorFlow")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        frames = write_film(path, count)
        predictor.saliency_maps(frames[:1])
        alone, whole = [], []
        for turn in range(2):
            alone.append(seconds(lambda: predictor.saliency_maps(frames)))
            stem = Path(folder) / f"maps-{turn}"
            whole.append(
                seconds(lambda stem=stem: predict_video(predictor, path, stem, Outputs(overlay=True)))
            )
    print(f"{count / min(whole):.1f} frames a second; the network alone {count / min(alone):.1f}")
    tell_ratio(min(alone) / min(whole), "kerasal predict of a video", "its network on frames in memory")


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
