"""Maps of many stimuli, in several processes."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from kerasal._processes import available_cores, in_processes
from kerasal.classical.table import classical_model
from kerasal.errors import InputError


def saliency_maps(
    model: str,
    stimuli: Iterable[np.ndarray],
    *,
    processes: int | None = None,
    on_error: Callable[[int, InputError], None] | None = None,
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (index, map) for each stimulus, in order, with a classical model at its defaults.

    Only a few stimuli are in memory at a time. A script that calls this needs the usual
    `if __name__ == "__main__":`, as the processes import it.

    Args:
        model: a name of `CLASSICAL`, or such as "itti:1998".
        stimuli: images as the model takes them.
        processes: how many work at a time; None is one a core; 1 works in this process.
        on_error: called with the index and the error of a stimulus that the model refuses; such a one is
            left out. Without it the error is raised.

    InputError: an unknown name, fewer than one process, a stimulus that the model refuses.
    """
    function = classical_model(model).function
    processes = available_cores() if processes is None else processes
    for index, result in enumerate(in_processes(function, stimuli, processes)):
        try:
            yield index, result()
        except InputError as error:
            if on_error is None:
                raise
            on_error(index, error)
