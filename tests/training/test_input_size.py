"""The input size that follows the data."""

import numpy as np
import pytest

from kerasal import training
from kerasal.data import Dataset, Sample


def dataset(*sizes):
    samples = [
        Sample(f"s{index}", size, lambda: np.zeros((1, 1, 3), "uint8"), fixations=None, sigma=1.0)
        for index, size in enumerate(sizes)
    ]
    return Dataset("made", {"train": samples, "validation": [], "test": []}, "made", "MIT")


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(600, 800)], (375, 500)),
        ([(375, 500)], (375, 500)),
        ([(374, 500)], None),
        ([(300, 400), (300, 400), (600, 800)], None),
        ([(300, 400), (600, 800), (600, 800)], (375, 500)),
        ([(4000, 400)], None),  # tall, and too narrow
    ],
)
def test_large_stimuli_are_seen_large_by_the_default_recipe(sizes, expected):
    assert training.input_size_for(dataset(*sizes)) == expected


@pytest.mark.parametrize("choice", [{"recipe": "paper"}, {"model": "sam-vgg"}])
def test_other_recipes_and_networks_keep_their_own_size(choice):
    assert training.input_size_for(dataset((600, 800)), **choice) is None
