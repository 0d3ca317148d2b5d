"""Independent jobs on a Dask cluster: workers started here, or those of a scheduler on the network.

A job is a function of the package with arguments that pickle; workers have the code in installations of their
own. A worker that dies takes along only what it was doing, which Dask gives to another: what is finished has
gone to the client already. Dask is imported when a cluster is opened, and not before.
"""

import contextlib
import logging
import pickle
import re
import socket
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

from kerasal._processes import ONE_THREAD
from kerasal.errors import InputError, one_line

# On which results depend: a worker must have the client's versions of these.
PACKAGES = ("kerasal", "tensorflow", "keras", "numpy")
CONNECTING = 20.0  # seconds that a scheduler has to answer
WAITING = 120.0  # seconds until a cluster without a worker is given up

# For workers started here, each a process.
ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    **ONE_THREAD,
}


@contextlib.contextmanager
def connect(where: str, report: Callable[[str], None] = lambda _: None) -> Iterator["Cluster"]:
    """A cluster, for as long as the block lasts.

    Args:
        where: a scheduler's address, such as tcp://10.0.0.1:8786, or local:N for N workers started here, of
            one process and one thread each, which share the machine's memory evenly. A script that starts
            them needs its own start under `if __name__ == "__main__"`.
        report: takes a line that says what there is.

    InputError: Dask is not installed, nobody answers, no worker comes.
    """
    local = re.fullmatch(r"local:([1-9]\d*)", where)
    if not local and ":" not in where.removeprefix("local:"):
        raise InputError(f"--cluster is a scheduler's address, tcp://HOST:8786, or local:N; got {where!r}")
    try:
        import distributed
    except ImportError:
        raise InputError("a cluster needs Dask: pip install 'kerasal[cluster]'") from None
    # Its warnings about workers that come and go are for who runs the cluster.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with contextlib.ExitStack() as stack:
        if local:
            count = int(local[1])
            memory = distributed.system.MEMORY_LIMIT // count
            where = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=count,
                    threads_per_worker=1,
                    processes=True,
                    memory_limit=memory,
                    dashboard_address=None,
                    silence_logs=logging.CRITICAL,
                    env=ENVIRONMENT,
                )
            )
            report(f"{count} worker processes here, each with one thread and {memory / 1e9:.1f} GB of memory")
        try:
            client = stack.enter_context(distributed.Client(where, timeout=CONNECTING, set_as_default=False))
        except (OSError, ValueError) as error:
            raise InputError(f"no Dask scheduler at {where}: {one_line(error)}") from None
        cluster = Cluster(client)
        if not local:
            if not cluster.workers:
                report(f"{where} has no worker yet: start some with dask worker {where}; waiting")
            try:
                client.wait_for_workers(1, timeout=WAITING)
            except TimeoutError:
                raise InputError(f"{where} has no worker: start some with dask worker {where}") from None
            report(f"{cluster.workers} workers at {where}")
        yield cluster


class Cluster:
    """Workers to send jobs to. `client` is the Dask client."""

    def __init__(self, client):
        self.client = client

    @property
    def workers(self) -> int:
        """How many there are now; some may come and go."""
        return len(self.client.scheduler_info(n_workers=-1)["workers"])

    def share(self, value: Any) -> Any:
        """A value that many jobs take, as their argument: sent once, and again to others where it is lost."""
        import cloudpickle  # Dask's own: it takes functions that have no name
        import dask

        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "10GB"}):
            return self.client.submit(pickle.loads, cloudpickle.dumps(value), pure=False)

    def jobs(self) -> "Jobs":
        """Jobs to add to and to take results from."""
        return Jobs(self.client)


class Jobs:
    """Jobs on a cluster. Iterating gives (name, result) as they finish; meanwhile more may be added.

    Raises what a job raised. InputError: a job that killed its worker again and again, a scheduler that is
    gone, a worker with other versions.
    """

    def __init__(self, client):
        from distributed import as_completed

        self._client = client
        self._names: dict[str, Any] = {}
        self._running = as_completed(loop=client.loop, with_results=True)  # ours is not the default client

    def add(self, name: Any, function: Callable, *arguments: Any) -> None:
        """Have `function(*arguments)` computed; `name` comes back with its result."""
        future = self._client.submit(_compute, versions(), function, *arguments, pure=False)
        self._names[future.key] = name
        self._running.add(future)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        from distributed import KilledWorker

        try:
            for future, result in self._running:
                if future.status != "finished":
                    raise InputError(f"the cluster is gone ({result}): call again, on another or without")
                yield self._names.pop(future.key), result
        except KilledWorker as error:
            raise InputError(
                f"a job killed {error.allowed_failures + 1} workers, perhaps for lack of memory: give them "
                "more, or let fewer share a machine"
            ) from None


def _compute(wanted: dict[str, str], function: Callable, *arguments: Any) -> Any:
    """What a worker does."""
    for package, found in versions().items():
        if found != wanted[package]:
            raise InputError(
                f"the worker on {socket.gethostname()} has {package} {found}, and the client has "
                f"{wanted[package]}: install the same on both"
            )
    return function(*arguments)


def versions() -> dict[str, str]:
    """Those of `PACKAGES` that are installed here; "unknown" of a checkout that is not."""
    found = dict.fromkeys(PACKAGES, "unknown")
    for package in PACKAGES:
        with contextlib.suppress(Exception):  # no run is lost for that: a broken installation raises much
            found[package] = version(package) or found[package]
    return found
