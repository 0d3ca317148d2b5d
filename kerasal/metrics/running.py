"""Means of metrics over images that come one by one or in batches, with numpy alone."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from kerasal.metrics.measure import measure


class Running:
    """The means of several metrics over images: `update` with each, `compute`, `reset`; as in torchmetrics.

    Args:
        metrics: keys of `METRICS`.

    An image without a value, such as the NSS of one without fixations, is left out of that metric's mean.
    The values are those of the array functions, in float64, where the Keras metrics are for batches of
    tensors in training.
    """

    def __init__(self, metrics: Iterable[str] = ("cc", "sim", "kld", "nss", "auc_judd")):
        self.metrics = tuple(metrics)
        self.reset()

    def reset(self) -> None:
        """Forget all images."""
        self.values: dict[str, list[float]] = {key: [] for key in self.metrics}

    def update(self, saliency_maps: ArrayLike | Sequence[ArrayLike], **targets) -> None:
        """Take a map (H, W), or several as a list or an array (N, H, W).

        targets: as `measure` takes them for a map (density, fixations, other_fixations, baseline); for
        several maps a list of each, as long. Nothing is kept if one is refused.
        ValueError: as `measure`; or lists of other lengths.
        """
        if getattr(saliency_maps, "ndim", 3) == 2:
            saliency_maps, targets = [saliency_maps], {name: [target] for name, target in targets.items()}
        for name, target in targets.items():
            if len(target) != len(saliency_maps):
                raise ValueError(f"{len(saliency_maps)} maps and {len(target)} of {name}: give one for each")
        measured = [
            measure(self.metrics, saliency_map, **{name: target[i] for name, target in targets.items()})
            for i, saliency_map in enumerate(saliency_maps)
        ]
        for values in measured:
            for key, value in values.items():
                self.values[key].append(value)

    def compute(self) -> dict[str, float]:
        """The mean of each metric over the images that have a value; NaN where none has."""
        valid = {key: [v for v in values if not np.isnan(v)] for key, values in self.values.items()}
        return {key: float(np.mean(values)) if values else float("nan") for key, values in valid.items()}
