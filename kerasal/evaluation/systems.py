"""What can be evaluated: networks, classical models, maps of other programs in a folder, baselines.

A *system* has a name and makes, for each sample in order, a job: a function that returns pairs of a saliency
map at the stimulus's size and the sample to score it against. That is the given sample except where a system
is made from the sample's own observers. Jobs run in other processes; what needs Keras is done before.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from kerasal._threads import on_all_cores
from kerasal.classical import CLASSICAL, classical_model, is_classical
from kerasal.data.sample import Dataset, Sample
from kerasal.errors import InputError
from kerasal.evaluation.scoring import Case, Job

if TYPE_CHECKING:  # not needed by processes that run jobs
    from kerasal.prediction import Predictor


class System(Protocol):
    """Anything that yields maps for samples."""

    @property
    def name(self) -> str: ...

    @property
    def knows_answers(self) -> bool:
        """Whether it is made from the fixations that score it, or their like: it competes with none."""
        ...

    def jobs(self, dataset: Dataset, samples: list[Sample]) -> Iterator[Job]:
        """A job for each of the samples, in order. InputError: the system cannot do these samples."""
        ...


@dataclass(frozen=True, eq=False)
class Network:
    """A saliency network. `load` gives it, and is called when the maps are made.

    Two are never equal: what one `load` gives may have learned more when it is called again.
    """

    name: str
    load: "Callable[[], Predictor]"
    knows_answers: bool = False

    def jobs(self, dataset: Dataset, samples: list[Sample]) -> Iterator[Job]:
        # Here, because scoring processes import this module and have no use for what predicts.
        from kerasal.prediction.stream import batch_size

        model = self.load()
        size = batch_size(model)
        # The next batch is read while the network works.
        stimuli = on_all_cores(Sample.read_stimulus, samples, size)
        for start in range(0, len(samples), size):
            maps = model.saliency_maps(list(islice(stimuli, size)))
            for saliency_map, sample in zip(maps, samples[start : start + size], strict=True):
                yield partial(as_it_is, saliency_map, sample)


@dataclass(frozen=True)
class PysaliencyModel:
    """A model of pysaliency: its saliency maps, or, of one that is probabilistic, its densities.

    The maps are made in this process. pysaliency itself is not imported for it.
    """

    name: str
    model: Any
    knows_answers: bool = False

    def jobs(self, dataset: Dataset, samples: list[Sample]) -> Iterator[Job]:
        for sample in samples:
            yield partial(as_it_is, self._map(sample), sample)

    def _map(self, sample: Sample) -> np.ndarray:
        stimulus = sample.read_stimulus()
        if hasattr(self.model, "log_density"):
            saliency_map = np.exp(self.model.log_density(stimulus))
        else:
            saliency_map = np.asarray(self.model.saliency_map(stimulus))
        if saliency_map.shape != sample.size:
            raise InputError(
                f"{sample.name}: {self.name} gives a map of {'x'.join(map(str, saliency_map.shape))} of a "
                f"stimulus of {'x'.join(map(str, sample.size))}"
            )
        if not np.isfinite(saliency_map).all() or saliency_map.min() < 0:
            raise InputError(
                f"{sample.name}: {self.name} gives a map that is negative or not finite somewhere: maps are "
                "taken for densities"
            )
        return saliency_map


@dataclass(frozen=True)
class Function:
    """Any function from a sample to its saliency map (H, W), at the stimulus's size.

    To be scored in other processes it has to be one that pickle can name: not a lambda. Its InputErrors are
    raised with the sample's name before them.
    """

    name: str
    function: Callable[[Sample], np.ndarray]
    knows_answers: bool = False

    def jobs(self, dataset: Dataset, samples: list[Sample]) -> Iterator[Job]:
        return (partial(_made_by, self.function, sample) for sample in samples)


def model(name: str | Path, mirrored: bool = False) -> System:
    """What `kerasal.prediction.find` finds by a name, a run folder or a weights file; loaded when it is used.

    With `mirrored` its maps are the mean over a stimulus and its mirror image. A classical model makes its
    maps in the scoring processes. InputError: as `find`.
    """
    if is_classical(str(name)) and not mirrored:
        classical = classical_model(str(name)).name
        return Function(classical, partial(_classical_map, classical))
    # Here, because scoring processes import this module and training brings TensorFlow.
    from kerasal.prediction import Mirrored, find

    source = find(name)
    # By the path that was given: two runs may have folders of one name.
    name = str(name).removeprefix("run:")
    if mirrored:
        return Network(f"{name}, mirrored", lambda: Mirrored(source.load().predictor))
    return Network(name, lambda: source.load().predictor)


def as_it_is(saliency_map: np.ndarray, sample: Sample) -> list[Case]:
    """The job of a map that is there already, against its own sample."""
    return [(saliency_map, sample)]


def _made_by(function: Callable[[Sample], np.ndarray], sample: Sample) -> list[Case]:
    try:
        return [(function(sample), sample)]
    except InputError as error:
        raise InputError(f"{sample.name}: {error}") from None


def _classical_map(name: str, sample: Sample) -> np.ndarray:
    return CLASSICAL[name].function(sample.read_stimulus())
