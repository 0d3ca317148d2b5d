"""Draw each loss's pull on a prediction: minus its gradient with respect to the map, on one stimulus of OSIE.

The pull is smoothed with sigma 3 pixels: NSS and NLL pull at single pixels, DF and GM in patterns of one
or two.

python docs/figures/losses.py OSIE_FOLDER OUTPUT.png [STIMULUS]
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from matplotlib import pyplot as plt
from scipy.ndimage import gaussian_filter

from kerasal import data, losses
from kerasal.data.fixations import count_map, density_from_counts
from kerasal.losses import LOSSES

SIZE = (300, 400)
ROWS, COLUMNS = 3, 8


def prediction(sample: data.Sample, prior: np.ndarray) -> np.ndarray:
    """A map as from the middle of a training: three observers, blurred twice as wide, and the centre bias."""
    counts = count_map(np.concatenate(sample.fixations[:3]), sample.size, SIZE)
    return 0.02 + 0.45 * density_from_counts(counts, sample.size, 2 * sample.sigma) + prior


def value_and_pull(loss, y_true: np.ndarray, p: np.ndarray) -> tuple[float, np.ndarray]:
    """A loss's value and minus its gradient, (H, W), smoothed."""
    p = tf.constant(p[None, ..., None], "float32")
    with tf.GradientTape() as tape:
        tape.watch(p)
        value = loss(y_true[None], p)
    return float(value), gaussian_filter(-tape.gradient(value, p).numpy()[0, ..., 0], 3)


def show(axis, picture: np.ndarray, title: str, **style) -> None:
    """One panel."""
    axis.imshow(picture, **style)
    axis.set_title(title, fontsize=9, pad=3)
    axis.set_axis_off()


def main(folder: str, output: str, stimulus: str | None = None) -> None:
    """Write the figure: stimulus, density, prediction, and a panel for each loss."""
    osie = data.load("osie", folder)
    sample = next((sample for sample in osie.samples if sample.name == stimulus), osie["test"][0])
    prior = data.center_bias(osie["train"][:50], SIZE)
    y_true, p = sample.target(SIZE), prediction(sample, prior)
    rows, columns = np.nonzero(y_true[..., 1])
    figure, axes = plt.subplots(ROWS, COLUMNS, figsize=(2.3 * COLUMNS, 5.9), layout="constrained")
    panels = iter(axes.ravel())
    stimulus_panel = next(panels)
    show(stimulus_panel, sample.read_stimulus(), f"{sample.name}, fixations", extent=(0, 400, 300, 0))
    stimulus_panel.plot(columns, rows, ".", color="gold", markersize=2)
    show(next(panels), y_true[..., 0], "density S", cmap="magma", vmin=0, vmax=1)
    show(next(panels), p, f"prediction P, peak {p.max():.2f}", cmap="magma", vmin=0, vmax=1)
    for name, panel in zip(LOSSES, panels, strict=False):
        value, pull = value_and_pull(losses.get(name, center_bias=prior), y_true, p)
        limit = np.percentile(np.abs(pull), 99.5)
        show(panel, pull, f"{name}: {value:.3g}", cmap="RdBu_r", vmin=-limit, vmax=limit)
    for panel in panels:
        panel.set_axis_off()
    figure.savefig(output, dpi=90)


if __name__ == "__main__":
    main(*sys.argv[1:])
