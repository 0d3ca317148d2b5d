"""The classical models as predictors."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from kerasal import classical
from kerasal._stimuli import as_stimuli
from kerasal.errors import InputError

FEW = 10  # images are done here before other processes, which load for about two seconds, would be


@dataclass(frozen=True)
class ClassicalPredictor:
    """A model of `kerasal.classical` that predicts as networks do, many images in several processes."""

    name: str

    def saliency_maps(self, stimuli: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Maps (H, W), float32, in [0, 1], of stimuli (H, W, 3), uint8 RGB, of any sizes.

        InputError: one is too small or too large for the model, or none as `kerasal.models` take it.
        """
        return list(self.stream(as_stimuli(stimuli), processes=1))

    def stream(
        self,
        stimuli: Iterable[np.ndarray],
        *,
        on_error: Callable[[int, InputError], None] | None = None,
        processes: int | None = None,
    ) -> Iterator[np.ndarray]:
        """The maps of any number of stimuli, of which a few are in memory at a time.

        `on_error` and `processes` as in `kerasal.classical.saliency_maps`; by default a few stimuli are done
        in this process, more in one for each core.
        """
        stimuli = iter(stimuli)
        first = list(islice(stimuli, FEW))
        if len(first) < FEW:
            processes = 1
        maps = classical.saliency_maps(
            self.name, chain(first, stimuli), processes=processes, on_error=on_error
        )
        for _, saliency_map in maps:
            yield saliency_map.astype("float32")
