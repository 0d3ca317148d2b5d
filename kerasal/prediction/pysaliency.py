"""A predictor as a model of pysaliency."""

from pathlib import Path
from typing import TYPE_CHECKING

from kerasal import prediction
from kerasal.data.images import as_rgb
from kerasal.data.pysaliency import import_pysaliency
from kerasal.prediction.predictor import Predictor

if TYPE_CHECKING:
    import pysaliency


def pysaliency_model(model: Predictor | str | Path | None = None, **options) -> "pysaliency.SaliencyMapModel":
    """A `pysaliency.SaliencyMapModel` of a predictor, or of what `kerasal.load` finds by a name.

    options: of pysaliency's class, such as `caching`. Its maps are in [0, 1]; they are no densities.
    InputError: pysaliency is not installed, or as `kerasal.load`.
    """
    pysaliency = import_pysaliency()
    predictor = model if isinstance(model, Predictor) else prediction.load(model)

    class KerasalModel(pysaliency.SaliencyMapModel):
        def _saliency_map(self, stimulus):
            return predictor.saliency_maps([as_rgb(stimulus)])[0]

    return KerasalModel(**options)
