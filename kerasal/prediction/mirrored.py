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
        self.inference_batch = batch_size(predictor)

    def saliency_maps(self, stimuli: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Maps (H, W), float32, in [0, 1], of stimuli (H, W, 3): the mean of both, its maximum at 1."""
        stimuli = as_stimuli(stimuli)
        plain = self.predictor.saliency_maps(stimuli)
        mirrored = self.predictor.saliency_maps([stimulus[:, ::-1] for stimulus in stimuli])
        sums = [one + other[:, ::-1] for one, other in zip(plain, mirrored, strict=True)]
        return [total / (total.max() or 1) for total in sums]
