"""Work on threads, a few items ahead of whoever takes the results: for what Pillow, OpenCV and hashing do."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TypeVar

from kerasal._processes import available_cores

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(
    pool: Executor, function: Callable[[Item], Result], items: Iterable[Item], depth: int
) -> Iterator[Result]:
    """`function(item)` of each item, in order, while the pool works on the next `depth` of them."""
    pending: deque[Future[Result]] = deque()
    for item in items:
        pending.append(pool.submit(function, item))
        if len(pending) > depth:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()


def on_all_cores(
    function: Callable[[Item], Result], items: Iterable[Item], depth: int | None = None
) -> Iterator[Result]:
    """`function(item)` of each item, in order, with `depth` items ahead in memory; by default one a core."""
    cores = available_cores()
    with ThreadPoolExecutor(cores) as pool:
        try:
            yield from ahead(pool, function, items, depth or cores)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
