"""Maps of images in a program's memory, and of pysaliency's."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from kerasal import prediction
from kerasal._stimuli import as_array, is_array
from kerasal.data.images import as_rgb
from kerasal.data.pysaliency import import_pysaliency
from kerasal.errors import InputError
from kerasal.prediction.inputs import as_stimulus
from kerasal.prediction.predictor import Predictor
from kerasal.prediction.stream import predicted

if TYPE_CHECKING:
    import pysaliency

ImageLike = np.ndarray | Image.Image | Path | str  # or a tensor


def predict(
    images: ImageLike | Iterable[ImageLike], model: Predictor | str | Path | None = None
) -> np.ndarray | list[np.ndarray]:
    """Saliency maps of images, each at its image's size.

    Args:
        images: one image or several: paths, Pillow images, or arrays (H, W), (H, W, 1), (H, W, 3) RGB or
            (H, W, 4), uint8, uint16 or float, 0..255. An array (N, H, W, 3) is N images. Tensors of
            TensorFlow, JAX and PyTorch are taken as their arrays.
        model: a name of `kerasal models` such as "gbvs", the run folder of a trained network or a weights
            file, which is then loaded; or what `kerasal.load` returned, or any object with `saliency_maps`,
            for many calls.

    Returns a map (H, W), float32, in [0, 1], its maximum at 1, or a list of them.
    All in this process: `kerasal.classical.saliency_maps` uses several for the classical models.
    InputError: an image that cannot be read or that the model refuses, or a model that cannot be found.
    """
    if is_array(images):
        images = as_array(images)
    if isinstance(images, ImageLike) and getattr(images, "ndim", 0) != 4:
        return predict([images], model)[0]
    if not isinstance(images, Iterable):
        raise InputError(f"predict takes an image or a list of images, got {type(images).__name__}")
    predictor = _predictor(model)
    stimuli = (
        (str(image) if isinstance(image, str | Path) else f"image {index}", as_stimulus(image))
        for index, image in enumerate(images)
    )
    return [saliency_map for _, _, saliency_map in predicted(predictor, stimuli, _refuse, processes=1)]


def pysaliency_model(
    model: Predictor | str | Path | None = None, **options: Any
) -> "pysaliency.SaliencyMapModel":
    """A `pysaliency.SaliencyMapModel` of a predictor, or of what `kerasal.load` finds by a name.

    options: of pysaliency's class, such as `caching`. Its maps are in [0, 1]; they are no densities.
    InputError: pysaliency is not installed, or as `kerasal.load`.
    """
    package: Any = import_pysaliency()
    predictor = _predictor(model)

    class KerasalModel(package.SaliencyMapModel):
        def _saliency_map(self, stimulus: np.ndarray) -> np.ndarray:
            return predictor.saliency_maps([as_rgb(stimulus)])[0]

    return KerasalModel(**options)


def _predictor(model: Predictor | str | Path | None) -> Predictor:
    return model if isinstance(model, Predictor) else prediction.load(model)


def _refuse(name: str, error: InputError) -> None:
    raise InputError(f"{name}: {error}")
