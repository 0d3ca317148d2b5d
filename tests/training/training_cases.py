"""Samples that a network learns quickly."""

import numpy as np

from kerasal import data


def marked_samples(count, size=(40, 96)):
    """Stimuli with one bright square where everyone looks, wider than the network's input."""
    random = np.random.default_rng(0)

    def sample(number):
        stimulus = random.integers(60, 90, (*size, 3), dtype=np.uint8)
        x, y = random.integers(10, 86), random.integers(8, 32)
        stimulus[y - 5 : y + 5, x - 5 : x + 5] = [250, 240, 40]
        fixations = np.clip(random.normal([x, y], 1.5, (20, 2)), 0, [95.9, 39.9])
        return data.Sample(f"s{number}", size, lambda: stimulus, (fixations,), 5.0)

    return [sample(number) for number in range(count)]
