"""Write maps.npz: densities, fixations and predictions like those of an eye-tracking dataset, for the tests.

    python tests/losses/store_maps.py

Generated scenes with 15 observers. The density has sigma 12 pixels and, as in the files of a dataset, 256
levels and exact zeros. The prediction is one from the middle of a training: three of the observers, blurred
twice as wide, a broad centre and smooth noise, in (0, 1). They are stored, so that no change of the generator
moves the tests.
"""

from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from kerasal.data.synthetic_scenes import scene

SIZES = [(300, 400), (400, 300), (225, 400)]
SIGMA = 12


def blurred(points, size, sigma):
    """A density of peak 1 from points (N, 2), x and y."""
    counts = np.zeros(size)
    np.add.at(counts, tuple(points.astype(int).T[::-1]), 1)
    density = gaussian_filter(counts, sigma, mode="constant")
    return density / density.max()


def main():
    """Write the file beside this script."""
    stored = {}
    for index, size in enumerate(SIZES):
        made = scene(index, seed=11, size=size)
        points = np.concatenate(made.fixations)
        rows, columns = (np.linspace(-1, 1, side) for side in size)
        noise = gaussian_filter(np.random.default_rng(index).random(size), 8)
        p = 0.55 * blurred(np.concatenate(made.fixations[:3]), size, 2 * SIGMA)
        p += 0.2 * np.exp(-2 * (rows[:, None] ** 2 + columns**2))
        p += 0.1 * (noise - noise.min()) / np.ptp(noise)
        stored[f"density{index}"] = np.round(255 * blurred(points, size, SIGMA)).astype("uint8")
        stored[f"prediction{index}"] = np.round(255 * p).astype("uint8")  # (1 + level) / 257 is the value
        stored[f"fixations{index}"] = points.astype("uint16")
    np.savez_compressed(Path(__file__).parent / "maps.npz", **stored)


if __name__ == "__main__":
    main()
