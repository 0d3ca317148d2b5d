"""Threads of the classical models: none within linear algebra, a few for independent filters.

The matrices are small, and on a busy machine BLAS threads wait for each other: GBVS took seconds, not a tenth
of one.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import cv2
import scipy.linalg.blas  # noqa: F401  loads its BLAS, so that the controller below finds it
from threadpoolctl import ThreadpoolController

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_THREADS = 4  # each holds the responses that it works on, which are most of a model's memory

one_blas_thread = ThreadpoolController().wrap(limits=1, user_api="blas")


def in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """The values of a function, in order, on as many threads as OpenCV may have.

    That is one where every core has a process. The function should spend its time in numpy, SciPy and OpenCV,
    which leave the interpreter to others meanwhile.
    """
    with ThreadPoolExecutor(max(1, min(cv2.getNumThreads(), MOST_THREADS))) as threads:
        return list(threads.map(function, items))
