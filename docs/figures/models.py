"""Draw what each model makes of three stimuli: the picture of docs/models.md.

python docs/figures/models.py OSIE_FOLDER OUTPUT.jpg [RUN ...]

A column a model: all classical ones, and the networks of the runs that are named.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image, ImageDraw

from kerasal import data
from kerasal.classical import CLASSICAL
from kerasal.training import RunFolder
from kerasal.visualize import grey

STIMULI = ("1618", "1632", "1661")  # of OSIE's test split
WIDTH, GAP, CAPTION = 236, 4, 20


def panel(picture: np.ndarray) -> Image.Image:
    """A picture, or a map in grey, scaled to WIDTH."""
    height = round(WIDTH * picture.shape[0] / picture.shape[1])
    return Image.fromarray(picture).convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)


def systems(runs: list[str]) -> dict[str, Callable[[data.Sample], np.ndarray]]:
    """Caption to what makes the panel of a sample."""
    columns = {"stimulus": data.Sample.read_stimulus, "where people look": lambda s: grey(s.density())}
    for run in runs:
        model = RunFolder.open(run).load_model()
        columns[model.name] = lambda s, model=model: grey(model.saliency_maps([s.read_stimulus()])[0])
    for entry in CLASSICAL.values():
        columns[entry.title] = lambda s, entry=entry: grey(entry.function(s.read_stimulus()))
    return columns


def main(folder: str, output: str, *runs: str) -> None:
    samples = [sample for sample in data.load("osie", folder)["test"] if sample.name in STIMULI]
    columns = systems(list(runs))
    rows = [[panel(make(sample)) for make in columns.values()] for sample in samples]
    step = rows[0][0].height + GAP
    image = Image.new("RGB", (len(columns) * (WIDTH + GAP) - GAP, CAPTION + len(rows) * step - GAP), "white")
    for x, caption in enumerate(columns):
        ImageDraw.Draw(image).text((x * (WIDTH + GAP) + 2, 2), caption, fill="black", font_size=15)
        for y, row in enumerate(rows):
            image.paste(row[x], (x * (WIDTH + GAP), CAPTION + y * step))
    image.save(Path(output), quality=85)


if __name__ == "__main__":
    main(*sys.argv[1:])
