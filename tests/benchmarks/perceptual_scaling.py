"""How to scale a saliency map for VGG-16 in DF and GM: each term's value and gradient under the candidates.

    python tests/benchmarks/perceptual_scaling.py OSIE_FOLDER [IMAGES]

Prints, for a prediction as at the start of a training (even, at the densities' mean) and one as in the middle
of it (CC about 0.75), the mean over images of each term's value and of the norm of its gradient with respect
to P, with the coefficients that LC2 gives them. The features here are those of the plain network on three
channels. Needs the OSIE dataset; some minutes for the default of 6 images.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from scipy.ndimage import gaussian_filter

from kerasal import losses
from kerasal.data import load
from kerasal.data.fixations import count_map, density_from_counts
from kerasal.models.vgg16 import vgg16

SIZE = (300, 400)
POOLS = tuple(f"block{block}_pool" for block in range(1, 6))
MEAN = tf.constant([103.939, 116.779, 123.68])  # ImageNet, BGR
CANDIDATES = {
    "[0, 1]": lambda x: tf.repeat(x, 3, axis=-1),
    "255 x": lambda x: 255 * tf.repeat(x, 3, axis=-1),
    "255 x - mean": lambda x: 255 * tf.repeat(x, 3, axis=-1) - MEAN,
    "(255 x - mean) / 255": lambda x: tf.repeat(x, 3, axis=-1) - MEAN / 255,
}
TERMS = ["10*kld", "2*cc", "nss", "sig-mse", "r"]


def targets_and_predictions(samples):
    """y_true (B, H, W, 2) and the predictions of both stages, (B, H, W, 1) float32."""
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
    return y_true, {"start": np.float32(start)[..., None], "middle": np.float32(middle)[..., None]}


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
    """The values that a function of p has, by name, each with the norm of its gradient."""
    p = tf.constant(p)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(p)
        values = values_of(p)
    return {name: (float(value), float(tf.norm(tape.gradient(value, p)))) for name, value in values.items()}


def main(folder, images):
    samples = load("osie", folder)["train"][:images]
    y_true, predictions = targets_and_predictions(samples)
    network = vgg16("imagenet", outputs=POOLS)
    others = {spec: losses.get(spec) for spec in TERMS}
    for stage, p in predictions.items():
        rows = {}
        for image in range(len(samples)):
            y, x = y_true[image : image + 1], p[image : image + 1]
            measured = measure(lambda x, y=y: {spec: loss(y, x) for spec, loss in others.items()}, x)
            for name, scale in CANDIDATES.items():
                features_s = network(scale(y[..., :1]))
                both = measure(lambda x, s=features_s, f=scale: df_and_gm(s, network(f(x))), x)
                measured |= {f"{term}, {name}": value for term, value in both.items()}
            for term, value_and_norm in measured.items():
                rows.setdefault(term, []).append(value_and_norm)
        print(f"\n{stage}: CC {-np.mean(losses.CC().call(y_true, p)):.3f}, {len(samples)} images")
        print(f"{'term':28}{'value':>12}{'gradient':>12}")
        for term, measured in rows.items():
            value, norm = np.mean(measured, axis=0)
            print(f"{term:28}{value:12.2g}{norm:12.2g}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 6)
