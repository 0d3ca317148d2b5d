"""The model of Itti, Koch and Niebur 1998, in the three forms that circulate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from kerasal.classical._threads import one_blas_thread
from kerasal.classical.itti_1998 import itti_1998
from kerasal.classical.itti_gbvs_toolbox import itti_gbvs_toolbox
from kerasal.classical.itti_saliency_toolbox import itti_saliency_toolbox
from kerasal.errors import InputError

VARIANTS: dict[str, Callable[..., np.ndarray]] = {
    "gbvs-toolbox": itti_gbvs_toolbox,
    "saliency-toolbox": itti_saliency_toolbox,
    "1998": itti_1998,
}


@one_blas_thread
def itti(image: ArrayLike, variant: str = "gbvs-toolbox", **parameters) -> np.ndarray:
    """Where intensity, colour and orientation differ from their surround, at several scales.

    Args:
        image: (H, W, 3) RGB or (H, W) grey; uint8, or floats in [0, 1]. A grey image has no colour maps; an
            RGB image of equal channels has, and they are 0.
        variant: "gbvs-toolbox", the GBVS toolbox's `ittikochmap`, exact to 1e-4 of the range (sides of 128
            pixels and more); "saliency-toolbox", the SaliencyToolbox at its defaults, exact but for the
            frame of the orientation maps (32 and more); "1998", after the paper, which leaves much open
            (64 and more).
        parameters: of the variant, under their published names: see `itti_gbvs_toolbox`,
            `itti_saliency_toolbox` and `itti_1998`.

    Returns (H, W) float64 in [0, 1], its maximum 1; all 0 for a constant image.
    InputError: an unknown variant, an image too small or of another form, a parameter out of range.
    """
    if variant not in VARIANTS:
        raise InputError(f"unknown variant of itti {variant!r}: one of {', '.join(VARIANTS)}")
    return VARIANTS[variant](image, **parameters)
