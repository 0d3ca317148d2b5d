"""Draw the paper's Figure 4: stimuli where one run is good and another is not, a row each.

python docs/figures/figure_4.py GOOD BAD OUTPUT.jpg [STIMULUS ...]

A row holds the stimulus, the human density map and both runs' maps with their CC, over the stimulus. The
stimuli are named, or the two of the test split on which the first run's CC exceeds the second's by most. Of
all of them the share on which it does is printed.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from kerasal import data
from kerasal.metrics import cc
from kerasal.training import RunFolder
from kerasal.visualize import overlay, rows_of_panels

ROWS = 2  # as the paper's


def main(good: str, bad: str, output: str, *names: str) -> None:
    folders = [RunFolder.open(run) for run in (good, bad)]
    samples = data.load(**folders[0].data_arguments())["test"]
    samples = [sample for sample in samples if not names or sample.name in names]
    stimuli = [sample.read_stimulus() for sample in samples]
    densities = [sample.density() for sample in samples]
    networks = [folder.load_model() for folder in folders]
    maps = [[network.saliency_maps([stimulus])[0] for stimulus in stimuli] for network in networks]
    scores = np.array([[cc(*pair) for pair in zip(of_run, densities, strict=True)] for of_run in maps])
    gains = scores[0] - scores[1]
    print(f"{folders[0].config['loss']} is ahead on {(gains > 0).sum()} of {len(gains)} images")
    rows = []
    for i in range(len(samples)) if names else np.argsort(-gains)[:ROWS]:
        panels = [(stimuli[i], samples[i].name), (overlay(stimuli[i], densities[i]), "human density map")]
        for folder, of_run, score in zip(folders, maps, scores, strict=True):
            panels.append((overlay(stimuli[i], of_run[i]), f"{folder.config['loss']}: CC {score[i]:.3f}"))
        rows.append(panels)
    rows_of_panels(rows).save(Path(output), quality=88)


if __name__ == "__main__":
    main(*sys.argv[1:])
