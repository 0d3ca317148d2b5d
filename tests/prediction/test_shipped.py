"""Networks that come with kerasal: a run's head as float16 over the shipped backbone."""

import dataclasses
import json
import re

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from conftest import write_photo

from kerasal import data, models, training
from kerasal.errors import InputError
from kerasal.prediction import shipped
from kerasal_cli import main

SILENT = {"report": lambda _: None, "verbose": 0}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    options = training.options(input_size=(32, 48), epochs=1, batch_size=2)
    dataset = data.load("synthetic").limited(2)
    return training.train(dataset, options, tmp_path_factory.mktemp("run") / "run", **SILENT)


def test_a_shipped_network_predicts_the_runs_maps_to_float16s_digits(run, tmp_path):
    shipped.write_head(run, tmp_path / "head.h5")
    stimulus = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    (expected,) = run.load_model().saliency_maps([stimulus])
    (found,) = shipped.read_network(tmp_path / "head.h5").saliency_maps([stimulus])
    np.testing.assert_allclose(found, expected, atol=5e-3)
    assert np.ptp(expected) > 0.01
    with h5py.File(tmp_path / "head.h5") as file:
        assert json.loads(file.attrs["network"])["model_options"]["input_size"] == [32, 48]
        assert file["reduction/kernel"].dtype == np.float16


def test_the_same_run_gives_the_same_bytes(run, tmp_path):
    for name in "ab":
        shipped.write_head(run, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_run_with_a_backbone_of_its_own_is_refused(run, tmp_path):
    config = run.config
    config["options"]["backbone_weights"] = "random"
    other = training.RunFolder(tmp_path)
    other.write_config(config)
    with pytest.raises(InputError, match="backbone of its own"):
        shipped.write_head(other, tmp_path / "head.h5")


@pytest.mark.parametrize("name", shipped.SHIPPED)
def test_a_damaged_file_is_named(name, monkeypatch):
    entry = dataclasses.replace(shipped.REGISTRY[name], sha256="0" * 64)
    monkeypatch.setitem(shipped.REGISTRY, name, entry)
    with pytest.raises(InputError, match=f"{re.escape(entry.file)} is damaged"):
        shipped.load_shipped(name)


@pytest.mark.parametrize(("precision", "expected"), [(None, "float32"), ("bfloat16", "bfloat16")])
def test_predict_computes_in_the_precision_that_is_asked_for(precision, expected, monkeypatch, tmp_path):
    seen = []

    def stopped(self, stimuli):
        seen.append(self.head.get_layer("reduction").compute_dtype)
        return [np.zeros(stimulus.shape[:2], "float32") for stimulus in stimuli]

    monkeypatch.setattr(models.SaliencyModel, "saliency_maps", stopped)
    write_photo(tmp_path / "photo.jpg", (20, 30))
    options = [] if precision is None else ["--precision", precision]
    result = CliRunner().invoke(
        main, ["predict", str(tmp_path / "photo.jpg"), "-o", str(tmp_path / "maps"), *options]
    )
    assert result.exit_code == 0, result.output
    assert set(seen) == {expected}
