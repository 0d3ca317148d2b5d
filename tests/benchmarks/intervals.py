"""How often intervals over seeds and images hold the true mean, and how often equal losses are told apart.

    python tests/benchmarks/intervals.py

Draws scores of 100 images: an image's part has variance 1, a seed's what gives the mean over seeds a variance
of so many times that of the mean over images, and 0.25 is left for each image and seed. Six minutes. The
table of docs/quest.md comes from here.
"""

import numpy as np

from kerasal.evaluation import Scores, compare
from kerasal.evaluation.resampling import bootstrap_intervals

IMAGES, LOSSES, QUESTS, FAMILIES = 100, 27, 2000, 100


def drawn(random, ratio, seeds, count):
    """Scores (count, seeds, images) about 0."""
    of_seed = np.sqrt(ratio * seeds / IMAGES) * random.normal(size=(count, seeds, 1))
    of_image = random.normal(size=(count, 1, IMAGES))
    return of_seed + of_image + 0.5 * random.normal(size=(count, seeds, IMAGES))


def covered(intervals):
    low, high = intervals.T
    return np.mean((low < 0) & (high > 0))


def resampled_plainly(random, values, resamples=1000):
    """Percentile intervals where seeds are drawn as images are, with replacement."""
    _, seeds, images = values.shape
    of_images = random.multinomial(images, np.full(images, 1 / images), resamples) / images
    of_seeds = random.multinomial(seeds, np.full(seeds, 1 / seeds), resamples) / seeds
    means = np.einsum("csi,ri,rs->cr", values, of_images, of_seeds, optimize=True)
    return np.quantile(means, [0.025, 0.975], axis=1).T


def told_apart(random, ratio, seeds):
    """The share of families, of equal losses against one, in which any is told apart from it."""
    names, false = [str(image) for image in range(IMAGES)], 0
    for _ in range(FAMILIES):
        values = drawn(random, ratio, seeds, LOSSES)
        systems = {
            str(loss): [Scores(names, {"cc": row}) for row in rows] for loss, rows in enumerate(values)
        }
        differences = compare(systems, resamples=1000).differences.values()
        false += any(row["cc"].told_apart for row in differences)
    return false / FAMILIES


if __name__ == "__main__":
    print("| seeds | seeds' variance over images' | seeds drawn | this package | equal losses told apart |")
    print("|---|---|---|---|---|")
    for seeds in (2, 3, 5):
        for ratio in (0.0, 0.1, 0.5, 2.0, 10.0):
            random = np.random.default_rng(0)
            values = drawn(random, ratio, seeds, QUESTS)
            ours = covered(bootstrap_intervals(values, resamples=1000))
            plain = covered(resampled_plainly(random, values))
            print(
                f"| {seeds} | {ratio} | {plain:.3f} | {ours:.3f} | {told_apart(random, ratio, seeds):.2f} |"
            )
