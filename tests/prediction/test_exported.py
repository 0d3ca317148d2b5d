"""Exports as predictors; tests/cli runs each format."""

import keras
import numpy as np
import pytest

from kerasal import models
from kerasal.errors import InputError
from kerasal.prediction import find, runtimes

PHOTO = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)


def test_a_keras_file_is_its_network(tmp_path):
    network = models.Baseline((32, 48), backbone_weights="random")
    network.save(tmp_path / "it.keras")
    source = find(tmp_path / "it.keras")
    assert (source.name, source.files) == ("it", (tmp_path / "it.keras",))
    (found,) = source.load().predictor.saliency_maps([PHOTO])
    np.testing.assert_allclose(found, network.saliency_maps([PHOTO])[0], atol=1e-6)


def test_a_keras_file_of_another_model_is_refused(tmp_path):
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]).save(tmp_path / "it.keras")
    with pytest.raises(InputError, match=r"it.keras is no export of kerasal's: it holds a Sequential"):
        find(tmp_path / "it.keras").load()


def wrong_size(stimuli):
    return {"saliency": np.zeros((1, 7, 7, 1), "float32")}


def wrong_names(stimuli):
    return {"scores": np.zeros(5)}


def refuses(stimuli):
    raise RuntimeError("[ONNXRuntimeError] : 2 :\n Got: 40 Expected: 32")


@pytest.mark.parametrize(
    ("run", "words"),
    [(wrong_size, "another size"), (wrong_names, "saliency"), (refuses, "of 40x50: .*Expected: 32")],
)
def test_what_takes_no_such_image_or_is_another_programs_is_one_line(tmp_path, monkeypatch, run, words):
    (tmp_path / "it.onnx").write_bytes(b"")
    monkeypatch.setattr(runtimes, "onnx", lambda path: run)
    with pytest.raises(InputError, match=words) as caught:
        find(tmp_path / "it.onnx").load().predictor.saliency_maps([PHOTO])
    assert "\n" not in str(caught.value)


def test_a_missing_runtime_is_named(tmp_path, monkeypatch):
    (tmp_path / "it.tflite").write_bytes(b"")

    def missing(path):
        raise ImportError("No module named 'ai_edge_litert'", name="ai_edge_litert")

    monkeypatch.setattr(runtimes, "tflite", missing)
    with pytest.raises(InputError, match=r"needs ai_edge_litert to run: pip install ai_edge_litert"):
        find(tmp_path / "it.tflite").load()
