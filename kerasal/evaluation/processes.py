"""Scoring on all cores, in processes without TensorFlow."""

import contextlib
import math
import multiprocessing
import os
import pickle
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import resource_tracker
from pathlib import Path

import cv2

from kerasal.errors import InputError
from kerasal.evaluation.scoring import Job, Scorer

# A process loads for about two seconds, in which one core scores this many images of 600x800.
IMAGES_WORTH_A_PROCESS = 10

# What the processes find in their environment. With Keras's numpy backend `import kerasal` loads no
# TensorFlow; and one thread each, since there is a process for every core.
ENVIRONMENT = {
    "KERAS_BACKEND": "numpy",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}

_scorer: Scorer | None = None  # of a scoring process


def available_cores() -> int:
    """How many cores this process may use."""
    with contextlib.suppress(AttributeError):  # not on every system
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def worthwhile_processes(images: int) -> int:
    """As many processes as there are cores, fewer for few images: 1 means in this process."""
    return max(1, min(available_cores(), math.ceil(images / IMAGES_WORTH_A_PROCESS)))


def score_all(jobs: Iterable[Job], scorer: Scorer, processes: int) -> Iterator[list[float]]:
    """The scores of jobs in their order, whatever the number of processes; a few jobs wait at a time.

    InputError: what a job raised; a process that was killed, mostly for lack of memory.
    """
    if processes == 1:
        yield from map(scorer.score, jobs)
        return
    resource_tracker.ensure_running()  # its start would lift the block of SIGINT below
    with tempfile.TemporaryDirectory() as folder:
        # In a file: what is passed directly has to be read before the next process can start.
        file = Path(folder) / "scorer.pickle"
        file.write_bytes(pickle.dumps(scorer))
        pool = ProcessPoolExecutor(
            processes, multiprocessing.get_context("spawn"), initializer=_start, initargs=(str(file),)
        )
        yield from _in_order(pool, jobs, most_waiting=2 * processes)


def _in_order(pool: ProcessPoolExecutor, jobs: Iterable[Job], most_waiting: int) -> Iterator[list[float]]:
    waiting = deque()
    try:
        for job in jobs:
            with _inherited_by_processes():  # submitting starts them, one by one
                waiting.append(pool.submit(_score, job))
            if len(waiting) > most_waiting:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise InputError(
            "a scoring process was killed, perhaps for lack of memory: try fewer with --processes"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _inherited_by_processes() -> Iterator[None]:
    """The environment of scoring processes, and no Ctrl-C for them: this process ends them in order.

    Nor does one interrupt this process while it starts another, of which it would lose sight; it is raised
    afterwards.
    """
    saved = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update(ENVIRONMENT)
    in_main_thread = threading.current_thread() is threading.main_thread()
    pending = []
    if in_main_thread:
        before = signal.signal(signal.SIGINT, lambda *arguments: pending.append(arguments))
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        for name, value in saved.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        if in_main_thread:
            signal.signal(signal.SIGINT, before)
        if pending:
            raise KeyboardInterrupt


def _start(file: str) -> None:
    global _scorer
    _scorer = pickle.loads(Path(file).read_bytes())
    cv2.setNumThreads(1)


def _score(job: Job) -> list[float]:
    return _scorer.score(job)
