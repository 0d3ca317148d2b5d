"""Maps of many stimuli, in several processes."""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager

import cv2
import numpy as np

from kerasal.classical.table import CLASSICAL
from kerasal.errors import InputError


def saliency_maps(
    model: str,
    stimuli: Iterable[np.ndarray],
    *,
    processes: int | None = None,
    on_error: Callable[[int, InputError], None] | None = None,
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (index, map) for each stimulus, in order, with a model of `CLASSICAL` at its defaults.

    Only a few stimuli are in memory at a time. A script that calls this needs the usual
    `if __name__ == "__main__":`, as the processes import it.

    Args:
        model: a name.
        stimuli: images as the model takes them.
        processes: how many work at a time; None is one a core; 1 works in this process.
        on_error: called with the index and the error of a stimulus that the model refuses; such a one is
            left out. Without it the error is raised.

    InputError: an unknown name, fewer than one process, a stimulus that the model refuses.
    """
    if model not in CLASSICAL:
        raise InputError(f"unknown classical model {model!r}: one of {', '.join(CLASSICAL)}")
    if processes is not None and processes < 1:
        raise InputError(f"at least one process must work, got {processes}")
    processes = processes or _cores()
    results = _here(model, stimuli) if processes == 1 else _elsewhere(model, stimuli, processes)
    for index, result in enumerate(results):
        try:
            yield index, result()
        except InputError as error:
            if on_error is None:
                raise
            on_error(index, error)


def _here(model: str, stimuli: Iterable[np.ndarray]) -> Iterator[Callable[[], np.ndarray]]:
    for stimulus in stimuli:
        yield lambda stimulus=stimulus: CLASSICAL[model].function(stimulus)


def _elsewhere(
    model: str, stimuli: Iterable[np.ndarray], processes: int
) -> Iterator[Callable[[], np.ndarray]]:
    # Spawned, not forked: TensorFlow's threads do not survive a fork.
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _prepare)
    waiting: deque[Future] = deque()
    try:
        for stimulus in stimuli:
            with _light_keras():  # the first submission starts the processes
                waiting.append(pool.submit(_saliency_map, model, stimulus))
            if len(waiting) > 2 * processes:
                yield waiting.popleft().result
        while waiting:
            yield waiting.popleft().result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _saliency_map(model: str, stimulus: np.ndarray) -> np.ndarray:
    return CLASSICAL[model].function(stimulus)


def _prepare() -> None:
    """In a new process: one thread, as every core has a process; Ctrl-C is the parent's to answer."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _light_keras() -> Iterator[None]:
    """Let processes that start now import kerasal without TensorFlow, which the models do not need."""
    before = os.environ.get("KERAS_BACKEND")
    os.environ["KERAS_BACKEND"] = "numpy"
    try:
        yield
    finally:
        if before is None:
            del os.environ["KERAS_BACKEND"]
        else:
            os.environ["KERAS_BACKEND"] = before


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
