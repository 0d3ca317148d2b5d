"""The classical models as data: what commands, tables and documents read."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from kerasal.classical.aws import aws
from kerasal.classical.gbvs import gbvs
from kerasal.classical.itti import itti
from kerasal.classical.rare2012 import rare2012
from kerasal.errors import InputError


@dataclass(frozen=True)
class ClassicalModel:
    """One model that learns nothing.

    Attributes:
        name: on the command line.
        title: as printed.
        function: from an image (H, W, 3) RGB or (H, W) grey to a map (H, W), at its defaults.
        year: of the reference.
        reference: the paper.
        kind: what it computes, in a few words.
        source: the program or text that this implementation follows.
        exact: what equals the original, how closely, and what does not.
        original_licence: of the authors' program, from which nothing was taken.
        smallest: pixels that either side of an image must have.
        variant: of `itti`.
        licence: of this implementation.
    """

    name: str
    title: str
    function: Callable[..., np.ndarray]
    year: int
    reference: str
    kind: str
    source: str
    exact: str
    original_licence: str
    smallest: int
    variant: str = ""
    licence: str = "MIT"


_ITTI = (
    "Itti, Koch and Niebur, A model of saliency-based visual attention for rapid scene analysis, PAMI 1998"
)
_CONTRAST = "centre-surround contrast"
_NOT_OPEN = "Nothing promised: the authors' program is not open, and this one was written from the paper."

# Rows look alike, each written out in full, as in `kerasal/models/table.py`.
CLASSICAL: dict[str, ClassicalModel] = {
    entry.name: entry
    for entry in (
        ClassicalModel(
            name="itti",
            title="Itti (GBVS toolbox)",
            function=itti,
            year=1998,
            reference=_ITTI,
            kind=_CONTRAST,
            source="ittikochmap of the GBVS toolbox, 24 July 2012",
            exact="All of it, to 1e-4 of the range (measured: 3e-8).",
            original_licence="none stated",
            smallest=128,
            variant="gbvs-toolbox",
        ),
        ClassicalModel(
            name="itti-saliency-toolbox",
            title="Itti (SaliencyToolbox)",
            function=partial(itti, variant="saliency-toolbox"),
            year=1998,
            reference=_ITTI,
            kind=_CONTRAST,
            source="the SaliencyToolbox (Walther and Koch), commit 097daa4, from a description",
            exact="All but the frame of the orientation maps, where the toolbox divides rounding errors.",
            original_licence="research only, not to be passed on",
            smallest=32,
            variant="saliency-toolbox",
        ),
        ClassicalModel(
            name="itti-1998",
            title="Itti (1998 paper)",
            function=partial(itti, variant="1998"),
            year=1998,
            reference=_ITTI,
            kind=_CONTRAST,
            source="the paper",
            exact="The paper's formulas; it leaves much open, and there is no original to compare with.",
            original_licence="",
            smallest=64,
            variant="1998",
        ),
        ClassicalModel(
            name="gbvs",
            title="GBVS",
            function=gbvs,
            year=2006,
            reference="Harel, Koch and Perona, Graph-based visual saliency, NIPS 2006",
            kind="random walk on features",
            source="gbvs of the GBVS toolbox, 24 July 2012, default parameters",
            exact="All of it, to 1e-4 of the range (measured: 5e-6).",
            original_licence="none stated",
            smallest=128,
        ),
        ClassicalModel(
            name="rare2012",
            title="RARE2012 (re-implemented)",
            function=rare2012,
            year=2013,
            reference="Riche, Mancas, Duvinage, Mibulumukini, Gosselin and Dutoit, RARE2012: a multi-scale "
            "rarity-based saliency detection with its comparative statistical analysis, Signal Processing: "
            "Image Communication 2013",
            kind="self-information of features",
            source="the paper, and the parameter file beside the authors' program",
            exact=_NOT_OPEN,
            original_licence="research only, not commercial",
            smallest=32,
        ),
        ClassicalModel(
            name="aws",
            title="AWS (re-implemented)",
            function=aws,
            year=2012,
            reference="Garcia-Diaz, Fdez-Vidal, Pardo and Dosil, Saliency from hierarchical adaptation "
            "through decorrelation and variance normalization, Image and Vision Computing 2012",
            kind="distance from the average",
            source="the paper, and the help text of the authors' program",
            exact=_NOT_OPEN,
            original_licence="a permissive notice",
            smallest=32,
        ),
    )
}

# The variants of itti by the name that `itti` knows them by, too.
_BY_NAME = CLASSICAL | {f"itti:{entry.variant}": entry for entry in CLASSICAL.values() if entry.variant}


def is_classical(name: str) -> bool:
    """Whether `classical_model` knows the name."""
    return name in _BY_NAME


def classical_model(name: str) -> ClassicalModel:
    """The model of a name of `CLASSICAL`, or of one such as "itti:1998". InputError: an unknown name."""
    if not is_classical(name):
        raise InputError(f"unknown classical model {name!r}: one of {', '.join(_BY_NAME)}")
    return _BY_NAME[name]
