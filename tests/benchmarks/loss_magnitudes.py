"""What each loss amounts to on real densities, and how a map is best scaled for VGG-16 in DF and GM.

    python tests/benchmarks/loss_magnitudes.py OSIE_FOLDER [IMAGES]

Prints the mean over images of each loss's value, of the norm of its gradient with respect to P, and of the
norm of what averaging over blocks of 8x8 pixels leaves of that gradient: what reaches a network that draws
its map on a grid of 8 pixels. For three predictions: as at the start of a training (even, at the densities'
mean), as in the middle of it (CC about 0.75), and the density itself. DF and GM come for each candidate
scaling, from the plain network on three channels. Needs the OSIE dataset; some minutes for the default of 6
images. The tables of docs/losses.md come from here.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from scipy.ndimage import gaussian_filter

from kerasal import losses
from kerasal.data import load
from kerasal.data.fixations import count_map, density_from_counts
from kerasal.losses import LOSSES
from kerasal.models.vgg16 import vgg16

SIZE = (300, 400)
BLOCK = 8  # pixels
POOLS = tuple(f"block{block}_pool" for block in range(1, 6))
MEAN = tf.constant([103.939, 116.779, 123.68])  # ImageNet, BGR
CANDIDATES = {
    "[0, 1]": lambda x: tf.repeat(x, 3, axis=-1),
    "255 x": lambda x: 255 * tf.repeat(x, 3, axis=-1),
    "255 x - mean": lambda x: 255 * tf.repeat(x, 3, axis=-1) - MEAN,
    "(255 x - mean) / 255": lambda x: tf.repeat(x, 3, axis=-1) - MEAN / 255,
}
WITHOUT_VGG = [name for name in LOSSES if name not in ("df", "gm", "lc2")]


def targets_and_predictions(samples):
    """y_true (B, H, W, 2) and the predictions of the three stages, (B, H, W, 1) float32."""
    rng = np.random.default_rng(0)
    y_true = np.stack([sample.target(SIZE) for sample in samples])
    densities = y_true[..., 0]
    prior = densities.mean(axis=0)
    start, middle = [], []
    for sample in samples:
        noise = gaussian_filter(rng.normal(size=SIZE), 8)
        start.append(densities.mean() * (1 + 0.05 * noise / noise.std()))
        few = np.concatenate(sample.fixations[:3])  # of 15 observers, blurred twice as wide
        coarse = density_from_counts(count_map(few, sample.size, SIZE), sample.size, 2 * sample.sigma)
        middle.append(0.02 + 0.45 * coarse + prior)
    stages = {"start": start, "middle": middle, "density itself": densities}
    return y_true, {stage: np.float32(maps)[..., None] for stage, maps in stages.items()}


def df_and_gm(features_s, features_p):
    """DF and GM from the features of one density and one prediction."""
    df = gm = 0.0
    for layer in POOLS:
        phi_s, phi_p = features_s[layer], features_p[layer]
        df += tf.reduce_mean((phi_s - phi_p) ** 2)
        gm += tf.reduce_sum((gram(phi_s) - gram(phi_p)) ** 2)
    return {"df": df, "gm": gm}


def gram(phi):
    psi = tf.reshape(phi, (-1, phi.shape[-1]))
    return tf.matmul(psi, psi, transpose_a=True) / float(tf.size(psi))


def measure(values_of, p):
    """The values that a function of p has, by name, each with the two norms of its gradient."""
    p = tf.constant(p)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(p)
        values = values_of(p)
    measured = {}
    for name, value in values.items():
        gradient = tape.gradient(value, p).numpy()[0, ..., 0]
        rows, columns = gradient.shape[0] // BLOCK, gradient.shape[1] // BLOCK
        blocks = gradient[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
        coarse = BLOCK * np.linalg.norm(blocks.mean(axis=(1, 3)))
        measured[name] = float(value), np.linalg.norm(gradient), coarse
    return measured


def main(folder, images):
    samples = load("osie", folder)["train"][:images]
    y_true, predictions = targets_and_predictions(samples)
    network = vgg16("imagenet", outputs=POOLS)
    others = {name: losses.get(name) for name in WITHOUT_VGG}
    for stage, p in predictions.items():
        rows = {}
        for image in range(len(samples)):
            y, x = y_true[image : image + 1], p[image : image + 1]
            measured = measure(lambda x, y=y: {name: loss(y, x) for name, loss in others.items()}, x)
            for name, scale in CANDIDATES.items():
                features_s = network(scale(y[..., :1]))
                both = measure(lambda x, s=features_s, f=scale: df_and_gm(s, network(f(x))), x)
                measured |= {f"{term}, {name}": value for term, value in both.items()}
            for term, numbers in measured.items():
                rows.setdefault(term, []).append(numbers)
        print(f"\n{stage}: CC {-np.mean(losses.CC().call(y_true, p)):.3f}, {len(samples)} images")
        print(f"{'term':28}{'value':>12}{'gradient':>12}{'in blocks':>12}")
        for term, measured in rows.items():
            value, norm, coarse = np.mean(measured, axis=0)
            print(f"{term:28}{value:12.2g}{norm:12.2g}{coarse:12.2g}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 6)
