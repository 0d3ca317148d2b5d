"""The losses as data: what the loss language, `kerasal losses` and docs/losses.md say of each.

A loss's family and whether it needs fixations are attributes of its class, too.
"""

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the listing of the losses does without
    import keras


@dataclass(frozen=True)
class LossInfo:
    """What a name of the loss language stands for.

    Attributes:
        class_name: in `kerasal.losses`.
        family: as the paper groups them.
        equation: in the paper: "5", "14, 15", or the section of a combination, "3.2.6"; None: not there.
        formula: of one image; sums and means go over its pixels. For a combination its terms, as a spec.
        best: the value of a perfect prediction; None where it depends on the density or the fixations.
        needs_density: whether the value depends on channel 0 of `y_true` ...
        needs_fixations: ... and on channel 1.
        parameter: the one that an argument in brackets goes to.
        default: the parameter's.
        coefficient: of the bare name in a sum: the paper's.
    """

    class_name: str
    family: str
    equation: str | None
    formula: str
    best: float | None = None
    needs_density: bool = True
    needs_fixations: bool = False
    parameter: str | None = None
    default: float | None = None
    coefficient: float = 1.0

    @property
    def loss(self) -> "type[keras.losses.Loss]":
        """The class."""
        found: type[keras.losses.Loss] = getattr(importlib.import_module("kerasal.losses"), self.class_name)
        return found

    @property
    def ground_truth(self) -> str:
        """What of `y_true` the value depends on: "density", "fixations", "both" or "none"."""
        if self.needs_fixations:
            return "both" if self.needs_density else "fixations"
        return "density" if self.needs_density else "none"


LOSSES: dict[str, LossInfo] = {
    "mse": LossInfo("MSE", "pixel", "1", "mean (S - P)^2", best=0),
    "ead": LossInfo("EAD", "pixel", "2", "mean (exp|S - P| - 1)", best=0),
    "ae": LossInfo("AE", "pixel", "3", "mean |S - P|", best=0),
    "mlnet-mse": LossInfo(
        "MLNetMSE",
        "pixel",
        "4",
        "mean (S - P / max P)^2 / (alpha - S)",
        best=0,
        parameter="alpha",
        default=1.1,
    ),
    "sig-mse": LossInfo(
        "SigmoidMSE",
        "pixel",
        "4",
        "mean w (S - P)^2, w = k / (1 + exp(-k (S - lam))), k = 10",
        best=0,
        parameter="lam",
        default=0.55,
    ),
    "kld": LossInfo(
        "KLD", "distribution", "5", "sum dist(S) log(dist(S) / dist(P))", best=0, coefficient=10.0
    ),
    "bhat": LossInfo("Bhattacharyya", "distribution", "6", "-log sum sqrt(dist(S) dist(P))", best=0),
    "bce": LossInfo("BCE", "distribution", "7", "-mean (S log P + (1 - S) log(1 - P))"),
    "w-bce": LossInfo(
        "WeightedBCE",
        "distribution",
        "8",
        "-mean (weight S log P + (1 - weight) (1 - S) log(1 - P))",
        parameter="weight",
        default=0.5,
    ),
    "focal": LossInfo(
        "FocalLoss",
        "distribution",
        "9",
        "-mean ((1 - P^gamma) S log P + P^gamma (1 - S) log(1 - P))",
        parameter="gamma",
        default=2.0,
    ),
    "nll": LossInfo(
        "NLL", "distribution", "10", "-1/(sum F) sum F log dist(P)", needs_density=False, needs_fixations=True
    ),
    "cc": LossInfo("CC", "saliency", "12", "-cov(S, P) / (std S std P)", best=-1, coefficient=2.0),
    "nss": LossInfo(
        "NSS",
        "saliency",
        "11",
        "-1/(sum F) sum F (P - mean P) / std P",
        needs_density=False,
        needs_fixations=True,
    ),
    "sim": LossInfo("SIM", "saliency", None, "-sum min(dist(S), dist(P))", best=-1),
    "df": LossInfo(
        "DeepFeatures",
        "perceptual",
        "13",
        "sum over layers j of ||phi_j(S) - phi_j(P)||^2 / (C_j H_j W_j)",
        best=0,
    ),
    "gm": LossInfo(
        "GramMatrices",
        "perceptual",
        "14, 15",
        "sum over layers j of ||G_j(S) - G_j(P)||_F^2, G = psi psi^T / (C H W)",
        best=0,
    ),
    "r": LossInfo(
        "CenterBias",
        "regularization",
        "16",
        "alpha mean (P - B)^2",
        best=0,
        needs_density=False,
        parameter="alpha",
        default=0.1,
    ),
    "lc1": LossInfo("LC1", "combination", "3.2.6", "10*kld+2*cc+nss+r", needs_fixations=True),
    "lc2": LossInfo("LC2", "combination", "3.2.6", "10*kld+2*cc+nss+df+gm+sig-mse+r", needs_fixations=True),
}
