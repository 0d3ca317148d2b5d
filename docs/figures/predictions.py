"""Draw stimuli with their fixations, the human density map, and a run's prediction, a row each.

python docs/figures/predictions.py RUN OUTPUT.jpg [STIMULUS ...]

The stimuli are named, or the first ten of the test split of the data that the run was trained on.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from kerasal import data
from kerasal.metrics import cc, nss
from kerasal.training import RunFolder
from kerasal.visualize import overlay, rows_of_panels, with_fixations


def row(sample: data.Sample, saliency_map: np.ndarray) -> list[tuple[np.ndarray, str]]:
    """The three panels of one stimulus with their captions."""
    stimulus, density = sample.read_stimulus(), sample.density()
    scores = f"CC {cc(saliency_map, density):.2f}, NSS {nss(saliency_map, sample.fixation_map()):.2f}"
    return [
        (with_fixations(stimulus, sample.all_fixations()), f"{sample.name}: fixations"),
        (overlay(stimulus, density), "human density map"),
        (overlay(stimulus, saliency_map), f"prediction: {scores}"),
    ]


def main(run: str, output: str, *names: str) -> None:
    folder = RunFolder.open(run)
    samples = data.load(**folder.data_arguments())["test"]
    samples = [sample for sample in samples if sample.name in names] if names else samples[:10]
    network = folder.load_model()
    rows = [row(sample, network.saliency_maps([sample.read_stimulus()])[0]) for sample in samples]
    rows_of_panels(rows).save(Path(output), quality=88)


if __name__ == "__main__":
    main(*sys.argv[1:])
