"""Make the pictures and the numbers of docs/models.md and docs/compare.md from a comparison on OSIE.

kerasal compare --data osie --data-dir OSIE --maps MAPS ... -o FOLDER
python docs/figures/models.py FOLDER

Writes docs/images/models/NAME.jpg, a strip of the maps of the stimuli that the comparison shows, for each
network and classical model, and docs/results/osie-comparison.json and .html, its results and its report page
without the places of files on this machine.
docs/figures/comparison_tables.py prints what the pages hold of these.
"""

import html
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from PIL import Image

from kerasal import data
from kerasal.table1 import Results
from kerasal.table1.folder import stem
from kerasal.visualize import grey

DOCS = Path(__file__).parents[1]
WIDTH, GAP = 240, 6


def strip(pictures: list[np.ndarray]) -> Image.Image:
    """Pictures side by side, each scaled to WIDTH."""
    panels = []
    for picture in pictures:
        height = round(WIDTH * picture.shape[0] / picture.shape[1])
        panel = Image.fromarray(picture).convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)
        panels.append(panel)
    image = Image.new(
        "RGB", (len(panels) * (WIDTH + GAP) - GAP, max(panel.height for panel in panels)), "white"
    )
    for place, panel in enumerate(panels):
        image.paste(panel, (place * (WIDTH + GAP), 0))
    return image


def main(folder: str) -> None:
    results = Results.read(folder)
    config = results.config
    samples = data.load(**config["data"]["arguments"]).named(config["stimuli"])
    strips = {
        "stimuli": [sample.read_stimulus() for sample in samples],
        "people": [grey(sample.density()) for sample in samples],
    }
    for facts in results.systems.values():
        maps = [results.folder.map(facts["name"], sample.name) for sample in samples]
        if facts["model"] and all(map_ is not None for map_ in maps):
            strips[stem(facts["name"])] = [grey(map_) for map_ in maps]
    (DOCS / "images/models").mkdir(exist_ok=True)
    for name, pictures in strips.items():
        strip(pictures).save(DOCS / f"images/models/{name}.jpg", quality=80)
    values = results.as_dict()
    values["config"]["data"].pop("arguments")
    (DOCS / "results/osie-comparison.json").write_text(json.dumps(values, indent=1) + "\n")
    page = (Path(folder) / "report.html").read_text()
    page = page.replace(html.escape(config["data"]["arguments"]["data_dir"]), "OSIE")
    (DOCS / "results/osie-comparison.html").write_text(page)


if __name__ == "__main__":
    main(*sys.argv[1:])
