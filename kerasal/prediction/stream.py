"""Stimuli through a predictor in batches of the right size, in constant memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

import numpy as np

from kerasal.errors import InputError
from kerasal.prediction.predictor import Predictor

BATCH = 4  # of a predictor that does not say `inference_batch`

Key = TypeVar("Key")


def batch_size(predictor: Predictor) -> int:
    """How many stimuli the predictor gets at once: as `SaliencyModel.inference_batch` says, else 4."""
    return getattr(predictor, "inference_batch", BATCH)


def predicted(
    predictor: Predictor,
    stimuli: Iterable[tuple[Key, np.ndarray]],
    refused: Callable[[Key, InputError], None],
    processes: int | None = None,
) -> Iterator[tuple[Key, np.ndarray, np.ndarray]]:
    """(key, stimulus, saliency map) for each (key, stimulus (H, W, 3) uint8 RGB), in order.

    A predictor that has `stream`, as `ClassicalPredictor`, takes all, for that number of `processes`; others
    get batches. `refused` is called with the key and the error of a stimulus that the predictor refuses, and
    which is left out.
    """
    stimuli = iter(stimuli)
    if hasattr(predictor, "stream"):
        yield from _streamed(predictor, stimuli, refused, processes)
    while batch := list(islice(stimuli, batch_size(predictor))):
        yield from _batch(predictor, batch, refused)


def _batch(predictor, batch, refused):
    try:
        maps = predictor.saliency_maps([stimulus for _, stimulus in batch])
    except InputError as error:
        if len(batch) == 1:
            refused(batch[0][0], error)
        else:  # one by one it shows which is refused
            for one in batch:
                yield from _batch(predictor, [one], refused)
        return
    for (key, stimulus), saliency_map in zip(batch, maps, strict=True):
        yield key, stimulus, saliency_map


def _streamed(predictor, stimuli, refused, processes):
    taken: deque = deque()  # what the predictor was given and has not answered yet

    def pixels() -> Iterator[np.ndarray]:
        for key, stimulus in stimuli:
            taken.append((key, stimulus))
            yield stimulus

    def on_error(_: int, error: InputError) -> None:
        refused(taken.popleft()[0], error)

    for saliency_map in predictor.stream(pixels(), on_error=on_error, processes=processes):
        yield (*taken.popleft(), saliency_map)
