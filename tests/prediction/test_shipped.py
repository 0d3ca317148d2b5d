"""Networks that come with kerasal: what a run trained, as float16."""

import dataclasses
import json
import re
import shutil

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from conftest import write_photo

from kerasal import models, training
from kerasal.errors import InputError
from kerasal.prediction import shipped
from kerasal.weights import SHIPPED
from kerasal_cli import main


def learned(folder, recipe="default", **changes):
    """A run of a network as if it had learned: all that would have is a little beside where it starts."""
    options = training.options(recipe, input_size=(32, 48), **changes)
    model_options = options.network_options(np.full((32, 48), 0.1), "sigmoid")
    network = models.build(options.model, backbone_weights="imagenet", **model_options)
    kernel = network.head.get_layer("saliency").kernel
    kernel.assign(5 * kernel)  # maps that are not flat
    random = np.random.default_rng(0)
    for variable in (network.head if options.freeze_backbone else network).weights:
        if variable.dtype == "float32":  # not the dropouts' random state
            variable.assign(variable * random.normal(1, 0.01, variable.shape))
    run = training.RunFolder(folder)
    run.write_config(
        {
            "loss": options.loss,
            "model": options.model,
            "model_options": model_options,
            "precision": "float32",
            "options": options.as_dict(),
            "cache_features": options.freeze_backbone,
            "data": {"arguments": {}, "fingerprint": "", "limit": None},
        }
    )
    run.save_weights(network, run.best_weights)
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return learned(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def fine_tuned(tmp_path_factory):
    return learned(tmp_path_factory.mktemp("tuned"), "fine-tuned")


@pytest.fixture(scope="module")
def light(tmp_path_factory):
    return learned(tmp_path_factory.mktemp("light"), model="light", freeze_backbone=False)


@pytest.mark.ci
@pytest.mark.parametrize("name", ["run", "fine_tuned", "light"])
def test_a_shipped_network_predicts_the_runs_maps_to_float16s_digits(name, request, tmp_path):
    run = request.getfixturevalue(name)
    shipped.write_network(run, tmp_path / "network.h5")
    stimulus = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    (expected,) = run.load_model().saliency_maps([stimulus])
    (found,) = shipped.read_network(tmp_path / "network.h5").saliency_maps([stimulus])
    np.testing.assert_allclose(found, expected, atol=5e-3)
    assert np.ptp(expected) > 0.01
    with h5py.File(tmp_path / "network.h5") as file:
        assert json.loads(file.attrs["network"])["model_options"]["input_size"] == [32, 48]
        assert file["reduction/kernel"].dtype == (np.float16 if name == "run" else np.int8)
        # A backbone that did not learn is the shipped one, and not written again.
        assert any(layer.startswith(("block", "stem")) for layer in file) == (name != "run")


def test_the_same_run_gives_the_same_bytes(run, tmp_path):
    for name in "ab":
        shipped.write_network(run, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("options", [{"backbone_weights": "random"}, {"weights": "another/run"}])
def test_a_run_with_a_backbone_of_its_own_is_refused(run, tmp_path, options):
    config = run.config
    config["options"] |= options
    other = training.RunFolder(tmp_path)
    other.write_config(config)
    with pytest.raises(InputError, match="did not start from a shipped backbone"):
        shipped.write_network(other, tmp_path / "network.h5")


@pytest.mark.ci
def test_a_run_that_went_on_from_another_and_learned_all_layers_is_written_whole(light, tmp_path):
    config = light.config
    config["options"]["weights"] = "another/run"
    other = training.RunFolder(tmp_path)
    other.write_config(config)
    shutil.copy(light.best_weights, other.best_weights)
    for folder, name in ((light, "one"), (other, "two")):
        shipped.write_network(folder, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.ci
def test_kernels_that_learned_are_within_a_step_of_their_filters(fine_tuned, tmp_path):
    shipped.write_network(fine_tuned, tmp_path / "network.h5")
    found = shipped.read_network(tmp_path / "network.h5").backbone
    start = models.Baseline((32, 48)).backbone
    for layer in ("block1_conv1", "block5_conv3"):
        kernels = [
            network.get_layer("vgg16").get_layer(layer).kernel.numpy()
            for network in (fine_tuned.load_model().backbone, found, start)
        ]
        learned, read, before = kernels
        change = np.abs(learned - before).max(axis=(0, 1, 2))
        assert change.max() > 1e-4
        assert (np.abs(read - learned).max(axis=(0, 1, 2)) <= 0.5 * change / 127 + 1e-6).all()


def test_a_missing_weight_is_named(run, tmp_path):
    shipped.write_network(run, tmp_path / "network.h5")
    with h5py.File(tmp_path / "network.h5", "a") as file:
        del file["reduction/kernel"]
    with pytest.raises(ValueError, match="reduction/kernel"):
        shipped.read_network(tmp_path / "network.h5")


@pytest.mark.parametrize("name", SHIPPED)
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
    options = ["--runtime", "tensorflow", *([] if precision is None else ["--precision", precision])]
    result = CliRunner().invoke(
        main, ["predict", str(tmp_path / "photo.jpg"), "-o", str(tmp_path / "maps"), *options]
    )
    assert result.exit_code == 0, result.output
    assert set(seen) == {expected}
