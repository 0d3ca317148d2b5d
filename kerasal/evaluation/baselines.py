"""What a network has to beat, and what it can reach: maps made without looking at the stimulus.

Each takes the dataset and the samples, and gives a function from a sample to its cases, which runs in other
processes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np

from kerasal.data.names import listed
from kerasal.data.sample import Dataset, Sample
from kerasal.errors import InputError
from kerasal.evaluation.scoring import Case, Job, stretch

CENTER_BIAS_SIZE = (300, 400)  # of the mean map; stretched to each stimulus
HALVES_SEED = 0

Cases = Callable[[Sample], list[Case]]


@dataclass(frozen=True)
class Baseline:
    """A baseline of `BASELINES` as a system."""

    name: str
    prepare: Callable[[Dataset, list[Sample]], Cases]
    knows_answers: bool

    def jobs(self, dataset: Dataset, samples: list[Sample]) -> Iterator[Job]:
        cases = self.prepare(dataset, samples)
        return (partial(cases, sample) for sample in samples)

    def notes(self, dataset: Dataset, samples: list[Sample]) -> list[str]:
        """A line about the samples that it has no map of."""
        if self.prepare not in (_observers, _half_observers):
            return []
        alone = [sample.name for sample in samples if _observers_of(sample) < 2]
        few = f"{len(alone)} of {len(samples)} images, which fewer than two observers saw, have no score"
        return [f"{few} of {self.name}: {listed(alone)}"] if alone else []


def baseline(name: str) -> Baseline:
    """The baseline of that name. InputError: there is none."""
    if name not in BASELINES:
        raise InputError(f"unknown baseline {name!r}: one of {', '.join(BASELINES)}")
    return BASELINES[name]


@lru_cache(maxsize=1)  # a baseline and information gain need it, in one evaluation
def training_center_bias(dataset: Dataset) -> np.ndarray:
    """The mean density map of the training split, (300, 400) whatever the stimuli's sizes.

    Each density map is made at that size, so that relative positions are averaged. InputError: no training
    samples.
    """
    return dataset.center_bias(CENTER_BIAS_SIZE)


def _chance(dataset: Dataset, samples: list[Sample]) -> Cases:
    """A constant map: what random values score on average, without their scatter."""
    return _constant


def _center_bias(dataset: Dataset, samples: list[Sample]) -> Cases:
    """The mean density map of the training split, for every stimulus the same."""
    return partial(_stretched, training_center_bias(dataset))


def _observers(dataset: Dataset, samples: list[Sample]) -> Cases:
    """The human ceiling: the density of all observers but one against that one, mean over the observers.

    A sample with fewer than two observers has no score. InputError: none has two.
    """
    _need_observers(samples, "leaving one out needs")
    return _leave_one_out


def _half_observers(dataset: Dataset, samples: list[Sample]) -> Cases:
    """The density of half of a stimulus's observers, against the other half.

    The halves are drawn at random for each stimulus; of an odd number, the smaller half predicts.
    A sample with fewer than two observers has no score. InputError: none has two.
    """
    _need_observers(samples, "halves need")
    random = np.random.default_rng(HALVES_SEED)
    return partial(
        _half_against_half,
        {sample.name: random.permutation(len(sample.fixations or ())) for sample in samples},
    )


def _upper_bound(dataset: Dataset, samples: list[Sample]) -> Cases:
    """The density that generated fixations were drawn from: no map has a higher expected NSS.

    CC, SIM and KLD compare with density maps, which are fixations blurred: a map that is blurred as they
    are can score a little better there.
    InputError: real data, whose density nobody knows.
    """
    if any(sample.true_density is None for sample in samples):
        raise InputError("the upper bound is known for synthetic data alone: use observers or half-observers")
    return _true


BASELINES = {
    row.name: row
    for row in (
        Baseline("chance", _chance, knows_answers=False),
        Baseline("center-bias", _center_bias, knows_answers=False),
        Baseline("observers", _observers, knows_answers=True),
        Baseline("half-observers", _half_observers, knows_answers=True),
        Baseline("upper-bound", _upper_bound, knows_answers=True),
    )
}


def _constant(sample: Sample) -> list[Case]:
    return [(np.ones(sample.size), sample)]


def _stretched(bias: np.ndarray, sample: Sample) -> list[Case]:
    return [(stretch(bias, sample.size), sample)]


def _true(sample: Sample) -> list[Case]:
    return [(sample.true_density(), sample)]


def _leave_one_out(sample: Sample) -> Iterator[Case]:
    if _observers_of(sample) < 2:
        return
    everyone = range(len(sample.fixations))
    for one in everyone:
        others = _seen_by(sample, [observer for observer in everyone if observer != one])
        yield others.density(), _seen_by(sample, [one])


def _half_against_half(orders: dict[str, np.ndarray], sample: Sample) -> list[Case]:
    if _observers_of(sample) < 2:
        return []
    order = orders[sample.name]
    predicting, scored = (_seen_by(sample, half) for half in np.split(order, [len(order) // 2]))
    if not len(predicting.all_fixations()):
        return []  # a blank map predicts nothing
    return [(predicting.density(), scored)]


def _seen_by(sample: Sample, observers) -> Sample:
    """The sample with some of its observers; its density is theirs, even where a file has everyone's."""
    return replace(sample, fixations=tuple(sample.fixations[i] for i in observers), density_file=None)


def _need_observers(samples: list[Sample], what: str) -> None:
    counts = [_observers_of(sample) for sample in samples]
    if max(counts) < 2:
        raise InputError(f"{samples[0].name} has {counts[0]} observers: {what} at least two")


def _observers_of(sample: Sample) -> int:
    """How many observers looked at it: who has no fixation did not."""
    return sum(len(xy) > 0 for xy in sample.fixations or ())
