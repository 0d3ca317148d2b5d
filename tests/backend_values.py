"""What networks, losses and metrics give for the same weights and maps, under whatever backend Keras has.

As a program, `backend_values.py FOLDER`: reads the weights that `write` left there and writes values.npz.
"""

import sys
from pathlib import Path

import keras
import numpy as np

from kerasal import losses, metrics, models

SMALL = {"backbone_weights": "random"}
NETWORKS = {
    "baseline": lambda: models.Baseline((64, 80), "sigmoid", dropout=0, feature_dropout=0, **SMALL),
    "light": lambda: models.Light((64, 80), "sigmoid", **SMALL),
    "sam-vgg": lambda: models.SAMVGG((64, 80), filters=6, backbone_filters=4, gaussians=3, steps=2, **SMALL),
    "mlnet": lambda: models.MLNet((80, 80), backbone_filters=4, **SMALL),
    "salgan": lambda: models.SalGAN((64, 80), filters=4, **SMALL),
    "deepconvnet": lambda: models.DeepConvNet((80, 96), **SMALL),
}
LOSSES = (
    *("mse", "ead", "ae", "mlnet-mse", "sig-mse", "bce", "w-bce(0.7)", "focal", "kld", "bhat", "nll", "cc"),
    *("nss", "sim", "df", "gm", "10*kld+2*cc+nss+r"),
)
METRICS = (metrics.CC, metrics.SIM, metrics.NSS, metrics.KLD, metrics.AUCJudd)
SIZE = (64, 80)


def write(folder: Path) -> None:
    """The weights of every network, drawn here."""
    for name, make in NETWORKS.items():
        keras.utils.set_random_seed(0)
        np.savez(folder / f"{name}.npz", *make().get_weights())


def values(folder: Path) -> dict[str, np.ndarray]:
    """By name what each network, loss and metric gives, and a network's kernels after a step of training."""
    found = {}
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (90, 120, 3), dtype=np.uint8)
    smooth = np.kron(random.random((2, 8, 10, 1)), np.ones((1, 8, 8, 1)))
    y_pred = (smooth + 0.1 * random.random((2, *SIZE, 1))).astype("float32")
    density = np.roll(smooth, 3, axis=2)[..., 0]
    y_true = np.stack([density / density.max(), random.random((2, *SIZE)) < 0.01], axis=-1).astype("float32")
    for name, make in NETWORKS.items():
        network = make()
        with np.load(folder / f"{name}.npz") as weights:
            network.set_weights([weights[key] for key in weights.files])
        found[f"{name}: batch"] = np.array(network.inference_batch)
        found[f"{name}: map"] = network.saliency_maps([image])[0]
        if name == "baseline":
            network.backbone.trainable = False
            network.compile(keras.optimizers.SGD(0.1), losses.get("kld+cc+nss"))
            network.train_on_batch(np.stack([image[:64, :80]] * 2).astype("float32"), y_true)
            found["baseline: kernels after a step"] = np.concatenate(
                [np.asarray(weight).ravel() for weight in network.head.get_weights()]
            )
    for spec in LOSSES:
        loss = losses.get(spec, center_bias=np.full(SIZE, 0.05, "float32"))
        found[f"loss {spec}"] = np.asarray(keras.ops.convert_to_numpy(loss(y_true, y_pred)))
    for kind in METRICS:
        metric = kind()
        metric.update_state(y_true, y_pred)
        found[f"metric {kind.__name__}"] = np.asarray(keras.ops.convert_to_numpy(metric.result()))
    return found


if __name__ == "__main__":
    given = Path(sys.argv[1])
    np.savez(given / "values.npz", **values(given))
    assert "tensorflow" not in sys.modules or keras.backend.backend() == "tensorflow"
