"""Work spread over processes that load no Keras: scoring, and the classical models."""

import contextlib
import math
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import resource_tracker
from typing import Any

from kerasal.errors import InputError

# One thread for each process, since there is one for every core: more would wait for one another.
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}

# What the processes find in their environment: `import kerasal` is to load no Keras, which takes seconds with
# TensorFlow under it.
ENVIRONMENT = {"KERASAL_WITHOUT_KERAS": "1", **ONE_THREAD}

# A process starts within two seconds, in which one core scores about this many images of 600x800.
IMAGES_WORTH_A_PROCESS = 40


def available_cores() -> int:
    """How many cores this process may use."""
    with contextlib.suppress(AttributeError):  # not on every system
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def worthwhile_processes(images: int) -> int:
    """As many processes as there are cores, fewer for few images: 1 means in this process."""
    return max(1, min(available_cores(), math.ceil(images / IMAGES_WORTH_A_PROCESS)))


def in_processes(
    function: Callable[[Any], Any], items: Iterable[Any], processes: int
) -> Iterator[Callable[[], Any]]:
    """For each item, in order, a callable that gives `function(item)` or raises what it raised.

    A few items are read ahead. The processes are spawned, not forked, as TensorFlow's threads do not survive
    a fork; so a script needs `if __name__ == "__main__":`. A single one is this process.
    InputError, from the iterator or a callable: fewer than one process; a process was killed, mostly for lack
    of memory.
    """
    if processes < 1:
        raise InputError(f"at least one process must work, got {processes}")
    if processes == 1:
        yield from (partial(function, item) for item in items)
        return
    if hasattr(signal, "pthread_sigmask"):  # Windows has neither this nor the tracker
        resource_tracker.ensure_running()  # its start would lift the block of SIGINT below
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=_start)
    waiting: deque[Callable[[], Any]] = deque()
    try:
        for item in items:
            with _inherited_by_processes(), _killed_is_an_input_error():  # submitting starts them, one by one
                waiting.append(partial(_result, pool.submit(function, item)))
            if len(waiting) > 2 * processes:
                yield waiting.popleft()
        while waiting:
            yield waiting.popleft()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _result(future: Future[Any]) -> Any:
    with _killed_is_an_input_error():
        return future.result()


def _start() -> None:
    import cv2  # here, as the process that starts others may do without

    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)  # which no variable of ENVIRONMENT does


def _end_with_parent() -> None:
    """A process whose parent was killed would wait for its next item for ever."""
    if parent := multiprocessing.parent_process():
        parent.join()
    os._exit(1)


@contextlib.contextmanager
def _killed_is_an_input_error() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool:
        raise InputError(
            "a process was killed, perhaps for lack of memory: try fewer processes, or smaller images"
        ) from None


@contextlib.contextmanager
def _inherited_by_processes() -> Iterator[None]:
    """The environment of new processes, and no Ctrl-C for them: this process ends them in order.

    Nor does one interrupt this process while it starts another, of which it would lose sight; it is raised
    afterwards.
    """
    saved = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
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
        for name in ENVIRONMENT:
            del os.environ[name]
        os.environ.update(saved)
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        if in_main_thread:
            signal.signal(signal.SIGINT, before)
        if pending:
            raise KeyboardInterrupt
