"""Intervals of a mean over seeds and images, by a bootstrap of both levels.

Images are drawn with replacement. Seeds are too few for that: means of three that are drawn of three stay
between the lowest and the highest, which hold the truth three times in four. So their means are weighted at
random, by normal weights about 1/S whose scale is Student's with S - 1 degrees of freedom: where seeds alone
differ this is the t interval. tests/evaluation/test_resampling.py measures how often the truth is within.

Sources: Efron and Tibshirani 1993, chapter 13 (percentile intervals); Owen 2007, "The pigeonhole bootstrap"
(seeds and images are crossed: both are drawn, and a drawn seed is the same one for all images); Student's t
as a normal with a random scale.
"""

import math

import numpy as np

RESAMPLES = 10_000
CONFIDENCE = 0.95
AT_ONCE = 1_000_000  # drawn values in memory at a time


def resampled_means(values: np.ndarray, *, seed: int = 0, resamples: int = RESAMPLES) -> np.ndarray:
    """Means of values (..., seeds, images), all finite, over resampled seeds and images: (..., resamples).

    Of one seed, images alone are resampled. Arrays of the same number of seeds and images draw the same ones,
    so that what is paired stays paired.
    """
    *_, seeds, images = values.shape
    flat = values.reshape(-1, images)
    random, parts = np.random.default_rng(seed), []
    step = max(1, AT_ONCE // images)
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        drawn = random.integers(0, images, (size, images)) + images * np.arange(size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * images).reshape(size, images)
        parts.append(flat @ counts.T / images)
    by_seed = np.concatenate(parts, axis=1).reshape(*values.shape[:-1], resamples)
    if seeds == 1:
        return by_seed[..., 0, :]
    return np.einsum("...sr,sr->...r", by_seed, _seed_weights(seeds, seed, resamples))


def bootstrap_intervals(values: np.ndarray, *, seed: int = 0, resamples: int = RESAMPLES) -> np.ndarray:
    """Percentile intervals of the means of values (..., seeds, images): (..., 2); NaN under two images."""
    if values.shape[-2] < 1 or values.shape[-1] < 2:
        return np.full((*values.shape[:-2], 2), math.nan)
    tail = (1 - CONFIDENCE) / 2
    means = resampled_means(values, seed=seed, resamples=resamples)
    return np.moveaxis(np.quantile(means, [tail, 1 - tail], axis=-1), 0, -1)


def _seed_weights(seeds: int, seed: int, resamples: int) -> np.ndarray:
    """Weights (seeds, resamples) that sum to 1, for each resample."""
    random = np.random.default_rng([seed, seeds])  # other draws than the images'
    normal = random.standard_normal((seeds, resamples))
    scale = np.sqrt((seeds - 1) / random.chisquare(seeds - 1, resamples))
    return 1 / seeds + scale * (normal - normal.mean(axis=0)) / math.sqrt(seeds * (seeds - 1))
