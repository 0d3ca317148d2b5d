"""Scoring images, here or on all cores: maps, their truth, and what metrics need of the other images.

Runs in processes of its own, which load no Keras: this module and what it imports must not either.
"""

import pickle
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import cv2
import numpy as np

from kerasal._processes import in_processes
from kerasal.data.sample import Sample
from kerasal.errors import InputError
from kerasal.evaluation.scores import finite_mean
from kerasal.metrics import METRICS, measure

Case = tuple[np.ndarray, Sample]  # a saliency map at the stimulus's size, and what it is scored against
Job = Callable[[], list[Case]]  # makes the cases of one image; can be pickled


class MapError(InputError):
    """A map that cannot be scored."""


class FixationPool:
    """The fixations of all samples, as shuffled AUC takes them from the other images."""

    def __init__(self, samples: Iterable[Sample]):
        # Of each sample (x, y), and its size in that order.
        self._fixations = {
            sample.name: (sample.all_fixations(), np.array(sample.size[::-1])) for sample in samples
        }

    def others(self, sample: Sample) -> np.ndarray:
        """(row, column) of the other samples' fixations (N, 2), stretched to the size of this one."""
        size = np.array(sample.size[::-1])
        others = [xy * (size / own) for name, (xy, own) in self._fixations.items() if name != sample.name]
        pixels = np.floor(np.concatenate([np.empty((0, 2)), *others])).astype("int64")
        return np.minimum(pixels, size - 1)[:, ::-1]


@dataclass(frozen=True)
class Scorer:
    """The metrics to compute, and what they take from outside the image."""

    metrics: tuple[str, ...]
    center_bias: np.ndarray | None = None  # the baseline of information gain
    pool: FixationPool | None = None

    def score(self, job: Job) -> list[float]:
        """The value of each metric, in order; the mean over the cases that have one, NaN where none has.

        MapError: a map that cannot be scored, with the image's name. InputError: what the job raises.
        """
        rows = np.array([self._score_case(*case) for case in job()]).reshape(-1, len(self.metrics))
        return [finite_mean(column) for column in rows.T]

    def _score_case(self, saliency_map: np.ndarray, sample: Sample) -> list[float]:
        needed = {name for key in self.metrics for name in (METRICS[key].target, *METRICS[key].also_needs)}
        makers = {
            "density": lambda: sample.density(dtype="float64"),
            "fixations": lambda: np.argwhere(sample.fixation_map()),  # a pixel once, as the benchmark's maps
            "other_fixations": lambda: self.pool.others(sample),
            "baseline": lambda: stretch(self.center_bias, sample.size),
        }
        if (shape := np.shape(saliency_map)) != sample.size:  # which fixations alone may not tell
            raise MapError(
                f"cannot score the map of {sample.name}: it and its stimulus must have one shape, "
                f"got {shape} and {sample.size}"
            )
        try:
            values = measure(
                self.metrics, np.asarray(saliency_map, "float64"), **{name: makers[name]() for name in needed}
            )
        except ValueError as error:
            raise MapError(f"cannot score the map of {sample.name}: {error}") from None
        return list(values.values())


def score_all(jobs: Iterable[Job], scorer: Scorer, processes: int) -> Iterator[list[float]]:
    """The scores of jobs in their order, whatever the number of processes; a few jobs wait at a time.

    InputError: what a job raised; a process that was killed.
    """
    if processes == 1:
        yield from map(scorer.score, jobs)
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scorer.pickle"  # which each process reads once
        file.write_bytes(pickle.dumps(scorer))
        for result in in_processes(partial(_score, file), jobs, processes):
            yield result()


def _score(scorer: Path, job: Job) -> list[float]:
    return _unpickled(scorer).score(job)


@lru_cache(maxsize=1)
def _unpickled(scorer: Path) -> Scorer:
    return pickle.loads(scorer.read_bytes())


def stretch(center_bias: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A centre bias at the size of a stimulus."""
    return cv2.resize(center_bias, size[::-1], interpolation=cv2.INTER_LINEAR)
