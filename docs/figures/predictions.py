"""Draw stimuli with their fixations, the human density map, and a run's prediction, a row each.

python docs/figures/predictions.py RUN OUTPUT.jpg [STIMULUS ...]

The stimuli are named, or the first ten of the test split of the data that the run was trained on.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2
import numpy as np
from PIL import Image, ImageDraw

from kerasal import data
from kerasal.metrics import cc, nss
from kerasal.training import RunFolder
from kerasal.visualize import overlay

WIDTH, GAP, CAPTION = 400, 6, 22


def panel(picture: np.ndarray, caption: str) -> Image.Image:
    """A picture scaled to WIDTH with a caption below."""
    height = round(WIDTH * picture.shape[0] / picture.shape[1])
    image = Image.new("RGB", (WIDTH, height + CAPTION), "white")
    image.paste(Image.fromarray(picture).resize((WIDTH, height), Image.Resampling.LANCZOS))
    ImageDraw.Draw(image).text((2, height + 3), caption, fill="black", font_size=15)
    return image


def with_fixations(stimulus: np.ndarray, fixations: np.ndarray) -> np.ndarray:
    """The stimulus with a ringed dot at each fixation."""
    picture = stimulus.copy()
    radius = max(2, stimulus.shape[1] // 200)
    for x, y in fixations.astype(int):
        cv2.circle(picture, (int(x), int(y)), radius, (0, 0, 0), -1, cv2.LINE_AA)
        cv2.circle(picture, (int(x), int(y)), radius - 1, (255, 220, 0), -1, cv2.LINE_AA)
    return picture


def row(sample: data.Sample, saliency_map: np.ndarray) -> Image.Image:
    """The three panels of one stimulus, side by side."""
    stimulus, density = sample.read_stimulus(), sample.density()
    scores = f"CC {cc(saliency_map, density):.2f}, NSS {nss(saliency_map, sample.fixation_map()):.2f}"
    panels = [
        panel(with_fixations(stimulus, sample.all_fixations()), f"{sample.name}: fixations"),
        panel(overlay(stimulus, density), "human density map"),
        panel(overlay(stimulus, saliency_map), f"prediction: {scores}"),
    ]
    image = Image.new("RGB", (3 * WIDTH + 2 * GAP, panels[0].height), "white")
    for place, part in enumerate(panels):
        image.paste(part, (place * (WIDTH + GAP), 0))
    return image


def main(run: str, output: str, *names: str) -> None:
    folder = RunFolder.open(run)
    samples = data.load(**folder.data_arguments())["test"]
    samples = [sample for sample in samples if sample.name in names] if names else samples[:10]
    network = folder.load_model()
    rows = [row(sample, network.saliency_maps([sample.read_stimulus()])[0]) for sample in samples]
    image = Image.new("RGB", (rows[0].width, sum(part.height + GAP for part in rows)), "white")
    top = 0
    for part in rows:
        image.paste(part, (0, top))
        top += part.height + GAP
    image.save(Path(output), quality=88)


if __name__ == "__main__":
    main(*sys.argv[1:])
