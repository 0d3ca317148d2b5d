"""Scoring on all cores."""

import pickle
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from kerasal._processes import in_processes
from kerasal.evaluation.scoring import Job, Scorer

_scorer: Scorer  # of a scoring process


def score_all(jobs: Iterable[Job], scorer: Scorer, processes: int) -> Iterator[list[float]]:
    """The scores of jobs in their order, whatever the number of processes; a few jobs wait at a time.

    InputError: what a job raised; a process that was killed.
    """
    if processes == 1:
        yield from map(scorer.score, jobs)
        return
    with tempfile.TemporaryDirectory() as folder:
        # In a file: what is passed directly has to be read before the next process can start.
        file = Path(folder) / "scorer.pickle"
        file.write_bytes(pickle.dumps(scorer))
        for result in in_processes(_score, jobs, processes, start=_start, arguments=(str(file),)):
            yield result()


def _start(file: str) -> None:
    global _scorer
    _scorer = pickle.loads(Path(file).read_bytes())


def _score(job: Job) -> list[float]:
    return _scorer.score(job)
