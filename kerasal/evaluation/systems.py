"""What can be evaluated: networks and baselines, each as saliency maps for samples.

A system yields, for each sample in order, its saliency map at the stimulus's size and the sample to score
it against, which is the given one except where a system is made from the sample's own observers.
"""

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np

from kerasal.data.sample import Dataset, Sample, center_bias
from kerasal.errors import InputError
from kerasal.models import SaliencyModel

Predictions = Iterator[tuple[np.ndarray, Sample]]

BATCH = 4


def network(model: SaliencyModel, samples: list[Sample]) -> Predictions:
    """The network's maps."""
    for start in range(0, len(samples), BATCH):
        part = samples[start : start + BATCH]
        yield from zip(model.saliency_maps([sample.read_stimulus() for sample in part]), part, strict=True)


def center_bias_baseline(dataset: Dataset, samples: list[Sample]) -> Predictions:
    """The mean density map of the training split, for every stimulus the same."""
    bias = center_bias(dataset["train"], (300, 400))
    for sample in samples:
        yield cv2.resize(bias, sample.size[::-1], interpolation=cv2.INTER_LINEAR), sample


def half_observers(dataset: Dataset, samples: list[Sample], seed: int = 0) -> Predictions:
    """The human ceiling: the density of half of a stimulus's observers, against the other half.

    The halves are drawn at random for each stimulus; of an odd number, the smaller half predicts.
    InputError: a sample with fewer than two observers.
    """
    random = np.random.default_rng(seed)
    for sample in samples:
        observers = sample.fixations or ()
        if len(observers) < 2:
            raise InputError(f"{sample.name} has {len(observers)} observers: halves need at least two")
        order = random.permutation(len(observers))
        predicting, scored = np.split(order, [len(observers) // 2])
        half = [replace(sample, fixations=tuple(observers[i] for i in part)) for part in (predicting, scored)]
        yield half[0].density(), half[1]


def upper_bound(dataset: Dataset, samples: list[Sample]) -> Predictions:
    """The density that generated fixations were drawn from: no map has a higher expected NSS.

    CC, SIM and KLD compare with density maps, which are fixations blurred: a map that is blurred as they
    are can score a little better there.

    InputError: real data, whose density nobody knows.
    """
    for sample in samples:
        if sample.true_density is None:
            raise InputError("the upper bound is known for synthetic data alone: use half-observers")
        yield sample.true_density(), sample


# The names of the command line's --baseline.
BASELINES = {
    "center-bias": center_bias_baseline,
    "half-observers": half_observers,
    "upper-bound": upper_bound,
}
