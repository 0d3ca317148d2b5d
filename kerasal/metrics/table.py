"""The metrics as data: what tables, the choice of a checkpoint and reports read."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from kerasal.metrics._sweep import Start
from kerasal.metrics.auc import auc_judd, start_auc_judd
from kerasal.metrics.auc_thresholds import auc_borji, sauc
from kerasal.metrics.density import cc, kld, sim, start_cc, start_kld, start_sim
from kerasal.metrics.fixation import information_gain, nss
from kerasal.metrics.transport import emd


@dataclass(frozen=True)
class MetricInfo:
    """One metric.

    Attributes:
        key: the function's name, also the column of a table file.
        name: as printed, like "AUC-Judd".
        function: the array function, called as function(saliency_map, target, *also_needs).
        start: the same for `kerasal.metrics._sweep`: the function itself where it needs no pass of its own.
        target: what the map is compared with, "density" or "fixations".
        also_needs: names of the further arguments that the function cannot do without.
        higher_is_better: the direction.
        best: the value of a perfect prediction, infinite where there is none.
        range: lowest and highest possible value.
        unit: "" for none.
    """

    key: str
    name: str
    function: Callable[..., float]
    start: Start
    target: str
    also_needs: tuple[str, ...]
    higher_is_better: bool
    best: float
    range: tuple[float, float]
    unit: str


_SHARE = (0.0, 1.0)
_UNBOUNDED = (-math.inf, math.inf)

# The seven of the paper's Table 2 in its order, then two that the paper leaves out.
METRICS: dict[str, MetricInfo] = {
    info.key: info
    for info in (
        MetricInfo("cc", "CC", cc, start_cc, "density", (), True, 1.0, (-1.0, 1.0), ""),
        MetricInfo("sim", "SIM", sim, start_sim, "density", (), True, 1.0, _SHARE, ""),
        MetricInfo("auc_judd", "AUC-Judd", auc_judd, start_auc_judd, "fixations", (), True, 1.0, _SHARE, ""),
        MetricInfo("auc_borji", "AUC-Borji", auc_borji, auc_borji, "fixations", (), True, 1.0, _SHARE, ""),
        MetricInfo(
            "nss", "NSS", nss, nss, "fixations", (), True, math.inf, _UNBOUNDED, "standard deviations"
        ),
        MetricInfo("emd", "EMD", emd, emd, "density", (), False, 0.0, (0.0, math.inf), "grid cells"),
        MetricInfo("kld", "KLD", kld, start_kld, "density", (), False, 0.0, (0.0, math.inf), "nats"),
        MetricInfo("sauc", "sAUC", sauc, sauc, "fixations", ("other_fixations",), True, 1.0, _SHARE, ""),
        MetricInfo(
            "information_gain",
            "IG",
            information_gain,
            information_gain,
            "fixations",
            ("baseline",),
            higher_is_better=True,
            best=math.inf,
            range=_UNBOUNDED,
            unit="bits per fixation",
        ),
    )
}
