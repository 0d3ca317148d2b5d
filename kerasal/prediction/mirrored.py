"""Maps that are the mean of two looks: at the stimulus, and at its mirror image."""

from collections.abc import Sequence

import numpy as np

from kerasal._stimuli import as_stimuli
from kerasal.prediction.predictor import Predictor
from kerasal.prediction.stream import batch_size


class Mirrored:
    """A predictor at twice the time, whose maps of a mirrored stimulus are the mirrored maps."""

    def __init__(self, predictor: Predictor):
        self.predictor = predictor

    @property
    def inference_batch(self) -> int:
        """As the predictor's own."""
        return batch_size(self.predictor)

    def saliency_maps(self, stimuli: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Maps (H, W), float32, in [0, 1], of stimuli (H, W, 3): the mean of both, its maximum at 1."""
        stimuli = as_stimuli(stimuli)
        plain = self.predictor.saliency_maps(stimuli)
        mirrored = self.predictor.saliency_maps([stimulus[:, ::-1] for stimulus in stimuli])
        return [_to_peak(a + b[:, ::-1]) for a, b in zip(plain, mirrored, strict=True)]


def _to_peak(saliency_map):
    peak = saliency_map.max()
    return saliency_map / peak if peak > 0 else saliency_map
