"""The losses' formulas again, in float64 numpy, and maps to try them on. Nothing here comes from kerasal."""

from pathlib import Path

import keras
import numpy as np
from scipy.ndimage import gaussian_filter

# ---- formulas: s, f, p are (H, W) float64, the value is a float. They guard nothing: p is positive. ----


def share(x):
    return x / x.sum()


def kld(s, f, p):
    s, p = share(s), share(p)
    there = s > 0
    return float(np.sum(s[there] * np.log(s[there] / p[there])))


def kld_reverse(s, f, p):
    return kld(p, f, s)


def kld_mit(s, f, p):
    """KLdiv.m of the MIT benchmark: the score of the map p against the density s."""
    eps = np.finfo("float64").eps
    s, p = s / s.sum(), p / p.sum()
    return float(np.sum(s * np.log(eps + s / (p + eps))))


def cross_entropy(s, p, missed=1.0, false=1.0):
    return float(np.mean(-missed * s * np.log(p) - false * (1 - s) * np.log1p(-p)))


def sigmoid_weight(s, lam, k=10):
    return k / (1 + np.exp(-k * (s - lam)))


def correlation(s, f, p):
    return float(np.corrcoef(s.ravel(), p.ravel())[0, 1])


def nss(s, f, p):
    standardised = (p - p.mean()) / p.std(ddof=1)
    rows, columns = np.nonzero(f)
    return float(np.mean([standardised[row, column] for row, column in zip(rows, columns, strict=True)]))


def nll(s, f, p):
    p = share(p)
    rows, columns = np.nonzero(f)
    return float(-np.mean([np.log(p[row, column]) for row, column in zip(rows, columns, strict=True)]))


def gaussian_bias(s, f, p):
    height, width = p.shape
    row, column = np.mgrid[:height, :width] + 0.5
    y, x = (row - height / 2) / (0.21 * height), (column - width / 2) / (0.23 * width)
    return float(0.1 * np.mean((p - 0.15 * np.exp(-(x**2 + y**2) / 2)) ** 2))


def lc1(s, f, p):
    return 10 * kld(s, f, p) - 2 * correlation(s, f, p) - nss(s, f, p) + gaussian_bias(s, f, p)


FORMULAS = {
    "mse": lambda s, f, p: float(np.mean((s - p) ** 2)),
    "ead": lambda s, f, p: float(np.mean(np.exp(np.abs(s - p)) - 1)),
    "ae": lambda s, f, p: float(np.mean(np.abs(s - p))),
    "mlnet-mse": lambda s, f, p: float(np.mean((s - p / p.max()) ** 2 / (1.1 - s))),
    "sig-mse": lambda s, f, p: float(np.mean(sigmoid_weight(s, 0.55) * (s - p) ** 2)),
    "sig-mse(0.25)": lambda s, f, p: float(np.mean(sigmoid_weight(s, 0.25) * (s - p) ** 2)),
    "kld": kld,
    "bhat": lambda s, f, p: float(-np.log(np.sum(np.sqrt(share(s) * share(p))))),
    "bce": lambda s, f, p: cross_entropy(s, p),
    "w-bce": lambda s, f, p: cross_entropy(s, p, 0.5, 0.5),
    "w-bce(0.9)": lambda s, f, p: cross_entropy(s, p, 0.9, 1 - 0.9),
    "focal": lambda s, f, p: cross_entropy(s, p, 1 - p**2, p**2),
    "focal(0.5)": lambda s, f, p: cross_entropy(s, p, 1 - p**0.5, p**0.5),
    "nll": nll,
    "cc": lambda s, f, p: -correlation(s, f, p),
    "nss": lambda s, f, p: -nss(s, f, p),
    "sim": lambda s, f, p: float(np.abs(share(s) - share(p)).sum() / 2 - 1),
    "r": gaussian_bias,
    "lc1": lc1,
    "10*kld+2*cc+nss": lambda s, f, p: 10 * kld(s, f, p) - 2 * correlation(s, f, p) - nss(s, f, p),
}

# Options that the loss language cannot say: class name, arguments, formula.
VARIANTS = {
    "kld reverse": ("KLD", {"reverse": True}, kld_reverse),
    "mlnet-mse as printed": (
        "MLNetMSE",
        {"normalize": False},
        lambda s, f, p: float(np.mean((s - p) ** 2 / (1.1 - s))),
    ),
    "sig-mse k 4": (
        "SigmoidMSE",
        {"k": 4},
        lambda s, f, p: float(np.mean(sigmoid_weight(s, 0.55, 4) * (s - p) ** 2)),
    ),
    "focal of Lin": (
        "FocalLoss",
        {"modulation": "lin"},
        lambda s, f, p: cross_entropy(s, p, (1 - p) ** 2, p**2),
    ),
}

# ---- maps ----


def scene(seed, size, sigma=None, fixations=40):
    """A density with exact zeros, peak 1, its fixation map, and a prediction in (0, 1) that is half right."""
    rng = np.random.default_rng(seed)
    height, width = size
    sigma = sigma or max(height, width) / 20
    points = np.zeros(size)
    centres = rng.uniform(0.2, 0.8, (4, 2))
    for row, column in centres[rng.integers(0, 4, fixations)] + rng.normal(0, 0.05, (fixations, 2)):
        points[int(np.clip(row, 0, 0.999) * height), int(np.clip(column, 0, 0.999) * width)] += 1
    density = gaussian_filter(points, sigma, truncate=3, mode="constant")
    density /= density.max()
    elsewhere = gaussian_filter(rng.random(size) ** 8, 2 * sigma)
    prediction = 0.02 + 0.5 * np.roll(density, 2, axis=1) + 0.4 * elsewhere / elsewhere.max()
    return density, (points > 0).astype("float64"), prediction


def stored_maps(step=1):
    """The maps of maps.npz (see store_maps.py), as (s, f, p), every `step`-th pixel of them."""
    with np.load(Path(__file__).parent / "maps.npz") as stored:
        for index in range(len(stored.files) // 3):
            s = stored[f"density{index}"] / 255
            p = (1.0 + stored[f"prediction{index}"]) / 257
            f = np.zeros(s.shape)
            x, y = stored[f"fixations{index}"].T
            f[y // step * step, x // step * step] = 1
            yield s[::step, ::step], f[::step, ::step], p[::step, ::step]


def small_maps(seed, size):
    """Random maps in (0.05, 0.95) with two to five fixations."""
    rng = np.random.default_rng(seed)
    s, p = rng.uniform(0.05, 0.95, (2, *size))
    f = np.zeros(size)
    f.flat[rng.choice(f.size, rng.integers(2, 6), replace=False)] = 1
    return s, f, p


def tensors(*scenes):
    """y_true (B, H, W, 2) and y_pred (B, H, W, 1), float32, of maps (s, f, p)."""
    y_true = np.stack([np.stack([s, f], axis=-1) for s, f, _ in scenes]).astype("float32")
    return y_true, np.stack([p[..., None] for _, _, p in scenes]).astype("float32")


def central_differences(formula, s, f, p, step=1e-5):
    """The gradient of a formula with respect to p, (H, W)."""
    gradient = np.zeros_like(p)
    for index in np.ndindex(p.shape):
        up, down = p.copy(), p.copy()
        up[index] += step
        down[index] -= step
        gradient[index] = (formula(s, f, up) - formula(s, f, down)) / (2 * step)
    return gradient


# ---- calling a loss on whichever backend is running ----


def values(loss, y_true, y_pred):
    """A loss's values per image, (B,), as numpy."""
    y_true, y_pred = keras.ops.convert_to_tensor(y_true), keras.ops.convert_to_tensor(y_pred)
    return keras.ops.convert_to_numpy(loss.call(y_true, y_pred))


def values_and_gradient(loss, y_true, y_pred):
    """Values per image and the gradient of their sum with respect to y_pred, as numpy."""
    if keras.backend.backend() == "jax":
        import jax

        def total(prediction):
            per_image = loss.call(jax.numpy.asarray(y_true), prediction)
            return per_image.sum(), per_image

        gradient, per_image = jax.grad(total, has_aux=True)(jax.numpy.asarray(y_pred))
        return np.asarray(per_image), np.asarray(gradient)
    import tensorflow as tf

    prediction = tf.constant(y_pred)
    with tf.GradientTape() as tape:
        tape.watch(prediction)
        per_image = loss.call(tf.constant(y_true), prediction)
    return per_image.numpy(), tape.gradient(per_image, prediction).numpy()
