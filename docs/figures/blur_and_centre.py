"""Print what a blur and the centre bias add to the CC of Itti's variants and GBVS on OSIE's test split.

python docs/figures/blur_and_centre.py OSIE_FOLDER

The blur is the Gaussian that makes the density maps of the fixations; the centre bias multiplies the
blurred map. docs/models.md quotes it.
"""

import sys

import cv2
import numpy as np

from kerasal import data
from kerasal.classical import CLASSICAL, saliency_maps
from kerasal.data.sample import center_bias
from kerasal.metrics import cc

MODELS = ("itti", "itti-saliency-toolbox", "itti-1998", "gbvs")


def main(folder: str) -> None:
    dataset = data.load("osie", folder)
    samples = dataset["test"]
    centre = center_bias(dataset["train"], samples[0].size).astype("float64")
    densities = [sample.density(dtype="float64") for sample in samples]
    print("| model | CC | blurred | blurred, times the centre bias |\n|---|---:|---:|---:|")
    for name in MODELS:
        stimuli = (sample.read_stimulus() for sample in samples)
        rows = []
        for index, saliency_map in saliency_maps(name, stimuli):
            blurred = cv2.GaussianBlur(saliency_map, (0, 0), samples[index].sigma)
            maps = (saliency_map, blurred, blurred * centre)
            rows.append([cc(map_, densities[index]) for map_ in maps])
        means = " | ".join(f"{mean:.3f}" for mean in np.mean(rows, axis=0))
        print(f"| {CLASSICAL[name].title} | {means} |", flush=True)
    alone = np.mean([cc(centre, density) for density in densities])
    print(f"| the centre bias alone | {alone:.3f} | | |")


if __name__ == "__main__":
    main(*sys.argv[1:])
