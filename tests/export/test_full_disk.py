"""Exports onto a disk that takes no more: one line, and no file."""

import keras
import pytest
from conftest import no_file_above

from kerasal import models
from kerasal.errors import InputError
from kerasal.export import FORMATS, export
from kerasal.prediction.predictors import LoadedPredictor

TINY = {"input_size": (32, 48), "activation": "sigmoid", "dropout": 0, "initial_density": 0.1}


@pytest.mark.usefixtures("tiny_network")
@pytest.mark.parametrize(
    "name",
    [*("keras", "saved_model"), *(pytest.param(name, marks=pytest.mark.slow) for name in ("onnx", "tflite"))],
)
def test_an_export_that_the_disk_does_not_take_is_one_line_and_no_file(name, tmp_path):
    keras.utils.set_random_seed(0)
    source = LoadedPredictor("tiny", models.build("tiny", **TINY))
    path = tmp_path / f"model{FORMATS[name].suffix}"
    for limit in (0, 700):
        with no_file_above(limit), pytest.raises(InputError, match=f"^cannot write {path}: File too large$"):
            export(source, path, name)
        assert not list(tmp_path.iterdir()), limit
