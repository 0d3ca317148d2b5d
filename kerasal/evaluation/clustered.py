"""Scoring on a cluster: chunks of images, whose maps networks make where they are scored."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from kerasal.cluster import Cluster
from kerasal.data.sample import Dataset
from kerasal.evaluation.scoring import Job, Scorer
from kerasal.evaluation.systems import Network, System

if TYPE_CHECKING:  # not needed by scoring processes
    from kerasal.prediction import Predictor

CHUNKS = 4  # for each worker, so that a slow one does not keep the others waiting for long


def score_on(
    cluster: Cluster, systems: Sequence[System], dataset: Dataset, split: str, scorer: Scorer
) -> Iterator[tuple[int, list[float]]]:
    """(place, scores) of all images of all systems as they come; the places go on from system to system.

    The jobs of systems that are no networks are made here, as one may depend on all samples.
    """
    # Here, because `evaluate` imports this module and may do without what predicts.
    from kerasal.prediction.stream import BATCH

    samples, jobs, shared = dataset[split], cluster.jobs(), cluster.share(scorer)
    # In whole batches, so that a network sees the same ones as without a cluster.
    size = BATCH * math.ceil(len(samples) / (BATCH * CHUNKS * max(1, cluster.workers)))
    for number, system in enumerate(systems):
        network = isinstance(system, Network)
        of_system = cluster.share((system, dataset, split)) if network else [*system.jobs(dataset, samples)]
        for start in range(0, len(samples), size):
            place = number * len(samples) + start
            if network:
                jobs.add(place, _score_network, shared, of_system, start, start + size)
            else:
                jobs.add(place, _score, shared, of_system[start : start + size])
    for place, rows in jobs:
        yield from enumerate(rows, start=place)


def _score(scorer: Scorer, jobs: Iterable[Job]) -> list[list[float]]:
    return [scorer.score(job) for job in jobs]


def _score_network(
    scorer: Scorer, shared: tuple[Network, Dataset, str], start: int, stop: int
) -> list[list[float]]:
    network, dataset, split = shared
    loaded = replace(network, load=partial(_loaded, network))
    return _score(scorer, loaded.jobs(dataset, dataset[split][start:stop]))


@lru_cache(maxsize=1)  # a worker keeps what is shared, so one network is one object in all jobs
def _loaded(network: Network) -> "Predictor":
    return network.load()
