"""Networks, losses and metrics are Keras's alone: under JAX they give what they give under TensorFlow."""

import os
import subprocess
import sys
from pathlib import Path

import backend_values
import numpy as np
import pytest

pytest.importorskip("jax")


@pytest.fixture(scope="module")
def by_backend(tmp_path_factory):
    """The values under TensorFlow and under JAX, of a process of its own, which imports no TensorFlow."""
    folder = tmp_path_factory.mktemp("backends")
    backend_values.write(folder)
    script = Path(backend_values.__file__)
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, script, folder], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with np.load(folder / "values.npz") as found:
        return backend_values.values(folder), {name: found[name] for name in found.files}


@pytest.mark.ci
def test_jax_gives_what_tensorflow_gives(by_backend):
    expected, found = by_backend
    assert list(found) == list(expected)
    assert {"sam-vgg: map", "loss gm", "metric AUCJudd"} < set(found)
    for name, value in expected.items():
        # float32's last digits, in other orders of addition; perceptual losses are sums of thousands of them.
        np.testing.assert_allclose(found[name], value, rtol=2e-3, atol=2e-4, err_msg=name)
        assert name.endswith("batch") or np.ptp(value) > 0 or "loss" in name or "metric" in name, name
