"""The exported SavedModel where only TensorFlow is installed."""

import subprocess
import venv

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerasal import models
from kerasal.export import export
from kerasal.prediction import LoadedPredictor

pytestmark = pytest.mark.slow

SIZES = [
    (1, 1),
    (8000, 10),
    (10, 8000),
    (2, 3),
    (480, 640),
    (640, 480),
    (301, 399),
    (33, 1000),
    (97, 128),
    (1080, 1920),
]
PROGRAM = """
import importlib.util, numpy as np, tensorflow as tf
assert importlib.util.find_spec("kerasal") is None
model = tf.saved_model.load("saved")
serve = model.signatures["serving_default"]
images, maps = np.load("images.npz"), {}
for name in images:
    maps[name] = serve(stimuli=tf.constant(images[name][None]))["saliency"].numpy()[0, ..., 0]
np.savez("maps.npz", **maps)
"""


def test_maps_equal_predicts_with_tensorflow_alone(tmp_path):
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin/python"
    command = [
        python,
        "-m",
        "pip",
        "install",
        "-q",
        f"tensorflow=={tf.__version__}",
        f"keras=={keras.__version__}",
    ]
    installed = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    if installed.returncode:
        pytest.skip(f"TensorFlow cannot be installed here: {installed.stderr.strip().splitlines()[-1]}")
    keras.utils.set_random_seed(1)
    network = models.Baseline((96, 128), activation="sigmoid")
    export(LoadedPredictor("one", network), tmp_path / "saved")
    random = np.random.default_rng(0)
    images = {
        f"{rows}x{columns}": random.integers(0, 256, (rows, columns, 3), dtype=np.uint8)
        for rows, columns in SIZES
    }
    np.savez(tmp_path / "images.npz", **images)
    result = subprocess.run(
        [python, "-c", PROGRAM],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert result.returncode == 0, result.stderr
    maps = np.load(tmp_path / "maps.npz")
    for name, image in images.items():
        expected = network.saliency_maps([image])[0]
        assert expected.min() < 0.999 or image.size == 3, "a constant map would prove nothing"
        difference = np.abs(maps[name] - expected).max()
        print(f"{name:>10}: {difference:.1e}")
        assert difference < 1e-4, name
