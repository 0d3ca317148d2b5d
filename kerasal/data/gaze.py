"""Fixations from recorded gaze: the acceleration criterion of MIT1003's `checkFixations.m`.

Gaze is sampled at 240 Hz in pixels, 34 of which are one degree. Its speed is smoothed over 4 samples; a
saccade begins where two or more successive samples accelerate by more than 6 degrees/s, and ends where the
gaze has decelerated by as much and stops doing so, within 25 samples. What lies between saccades for more
than 50 ms is a fixation, at the median of its samples. Blinks are negative samples and take part: a fixation
within one gets a negative place, outside of every image.
"""

import numpy as np

RATE = 240.0  # samples a second
PIXELS_PER_DEGREE = 34.0
WINDOW = 4  # samples that the speed is averaged over, and that an acceleration spans
ACCELERATION = 6.0 * PIXELS_PER_DEGREE  # pixels a second: a change of the summed speed
SEARCH = 25  # samples within which a saccade must end
MINIMUM = int(0.05 * RATE)  # samples: a fixation is longer


def fixations_from_gaze(gaze: np.ndarray) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """The fixations in samples (N, 2) of x and y, in pixels, at 240 Hz, in their order in time.

    Their places (M, 2), NaN where no sample of the fixation is known, and, to check them against the authors'
    method, their samples as half-open spans.
    """
    if not gaze.size:
        return np.empty((0, 2)), []
    spans = _between(_saccades(_acceleration(gaze)), len(gaze))
    return np.array([_median(gaze[start:end]) for start, end in spans]).reshape(-1, 2), spans


def _median(samples: np.ndarray) -> list[float]:
    return [float(np.median(known)) if len(known := axis[~np.isnan(axis)]) else np.nan for axis in samples.T]


def _acceleration(gaze: np.ndarray) -> np.ndarray:
    """The change of the smoothed speed at each sample, pixels a second; 0 near the ends."""
    steps = np.zeros(len(gaze))
    steps[1:] = np.hypot(*np.diff(gaze, axis=0).T)
    padded = np.concatenate([np.zeros(WINDOW - 1), steps])
    speed = np.lib.stride_tricks.sliding_window_view(padded, WINDOW).mean(axis=1)
    change = np.zeros(len(gaze))
    # Two sums of five samples, one sample apart, differ in their ends alone. MATLAB's loop runs over
    # samples 2 to N - 5, counted from 1.
    last = len(gaze) - WINDOW - 1
    if last > 1:
        change[1:last] = (speed[1 + WINDOW + 1 : last + WINDOW + 1] - speed[1:last]) / (WINDOW / RATE)
    return change


def _saccades(change: np.ndarray) -> list[tuple[int, int]]:
    """First and last sample of each saccade."""
    fast = change > ACCELERATION
    with_neighbour = fast & (np.append(fast[1:], False) | np.append(False, fast[:-1]))
    if np.count_nonzero(with_neighbour) < 3:
        return []
    starts = np.flatnonzero(with_neighbour & ~np.append(False, with_neighbour[:-1]))
    braking = change < -ACCELERATION
    ends = np.append(braking[:-1] & ~braking[1:], False)  # the last sample that brakes
    saccades: list[tuple[int, int]] = []
    for start in starts:
        found = np.flatnonzero(ends[start : start + SEARCH + 1])
        if len(found):
            end = int(start + found[0])
        elif start + SEARCH >= len(change):
            end = len(change) - 1
        else:
            continue
        if saccades and start - saccades[-1][1] - 1 <= MINIMUM:
            saccades[-1] = (saccades[-1][0], max(end, saccades[-1][1]))  # too short for a fixation between
        else:
            saccades.append((int(start), end))
    return saccades


def _between(saccades: list[tuple[int, int]], count: int) -> list[tuple[int, int]]:
    """Half-open spans of samples before, between and after the saccades; the whole where there are none."""
    edges = [-1, *(edge for saccade in saccades for edge in saccade), count]
    spans = zip(edges[::2], edges[1::2], strict=True)
    return [(before + 1, after) for before, after in spans if after - before - 1 > 0]
