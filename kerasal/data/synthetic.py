"""The synthetic dataset: generated scenes whose true fixation density is known.

320 scenes of 300x400 pixels, 15 observers with 8 fixations each, split by number: 220 train, 40 validation,
60 test. Density maps are made from the fixations, as for recorded ones, with a Gaussian of sigma 12 px; the
density that the fixations were drawn from is `Sample.true_density`; its expected NSS is the highest there is.
"""

from functools import partial

import numpy as np

from kerasal.data.sample import Dataset, Sample
from kerasal.data.splits import split_in_order
from kerasal.data.synthetic_scenes import scene

COUNTS = {"train": 220, "validation": 40, "test": 60}
SIGMA = 12.0


def load(seed: int = 0) -> Dataset:
    """The dataset of that seed, the same on every machine."""
    samples = [_sample(index, seed) for index in range(sum(COUNTS.values()))]
    return Dataset(
        name="synthetic",
        splits=split_in_order(samples, range(len(samples)), COUNTS["train"], COUNTS["validation"]),
        description=f"generated scenes (seed {seed})",
        licence="MIT, as kerasal",
    )


def _sample(index: int, seed: int) -> Sample:
    made = scene(index, seed)
    return Sample(
        name=f"{made.kind}-{index:04}",
        size=made.image.shape[:2],
        stimulus=partial(np.asarray, made.image),  # the image alone, not the scene with its density
        fixations=made.fixations,
        sigma=SIGMA,
        # Made again when asked for: a float64 map is ten times as large as the stimulus.
        true_density=partial(_true_density, index, seed),
    )


def _true_density(index: int, seed: int):
    return scene(index, seed).density
