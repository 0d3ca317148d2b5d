"""Trainings that begin with weights that have learned, wherever these lie."""

import json
import shutil

import numpy as np
import pytest

from kerasal import data, models, training
from kerasal.errors import InputError
from kerasal.export.card import model_card
from kerasal.prediction import LoadedPredictor, find
from kerasal.prediction.shipped import load_shipped
from kerasal.training import RunFolder
from kerasal.training.loop import Loop
from kerasal.weights import PUBLISHED, SHIPPED

SILENT = {"report": lambda _: None, "verbose": 0}
TINY = {"model": "tiny", "loss": "kld", "input_size": (32, 48), "epochs": 1, "batch_size": 2}
# A training that leaves the weights where they were.
STILL = {"optimizer": "sgd", "learning_rate": 1e-30, "weight_decay": 0.0, "ema": 0.0}


@pytest.fixture(scope="module")
def dataset():
    return data.load("synthetic").limited(2)


@pytest.fixture(scope="module")
def run(dataset, tiny_network, tmp_path_factory):
    path = tmp_path_factory.mktemp("first") / "run"
    return training.train(dataset, training.options(**TINY, learning_rate=1e-2), path, **SILENT)


class Begun(Exception):
    """Carries out the network and the configuration of a training that is about to take its first step."""


def trained_from(weights, dataset, path, **changes):
    options = training.options(**{**TINY, **STILL, **changes}, weights=str(weights))
    return training.train(dataset, options, path, **SILENT)


def begun_with(weights, dataset, path, **changes):
    def begin(loop):
        raise Begun(loop.network, loop.run_folder.config)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Loop, "run", begin)
        with pytest.raises(Begun) as caught:
            trained_from(weights, dataset, path, **changes)
    return caught.value.args


def assert_same_weights(network, other):
    for one, two in zip(network.get_weights(), other.get_weights(), strict=True):
        if one.dtype.kind == "f":  # not the dropouts' random state
            np.testing.assert_allclose(one, two, rtol=0, atol=1e-20)  # zeros move at any rate


@pytest.mark.ci
@pytest.mark.parametrize("place", ["run", "run/best.weights.h5", "run/last.weights.h5", "alone.weights.h5"])
def test_a_training_begins_with_a_runs_weights_or_a_files(run, dataset, tmp_path, monkeypatch, place):
    folder = tmp_path / "there"
    shutil.copytree(run.path, folder / "run")
    shutil.copy(run.best_weights, folder / "alone.weights.h5")
    monkeypatch.chdir(folder)
    network, config = begun_with(place, dataset, tmp_path / "second", seed=7)
    last = run.load_model(weights=run.last_weights) if "last" in place else run.load_model()
    assert_same_weights(network, last)
    # It can go on from anywhere.
    assert config["options"]["weights"] == str(folder / place)


@pytest.mark.ci
def test_a_run_goes_on_from_another_folder_with_the_backbone_s_file_that_it_began_with(
    dataset, tmp_path, monkeypatch
):
    folder = tmp_path / "there"
    folder.mkdir()
    backbone = models.vgg16("random")
    backbone.save(folder / "vgg.h5")
    monkeypatch.chdir(folder)
    changes = {**TINY, **STILL, "model": "baseline", "backbone_weights": "vgg.h5"}
    run = training.train(dataset, training.options(**changes), tmp_path / "run", **SILENT)
    monkeypatch.chdir(tmp_path)
    assert training.resume(run.path, epochs=2, **SILENT).options.epochs == 2
    kernel = run.load_model().backbone.get_layer("vgg16").get_layer("block1_conv1").kernel
    np.testing.assert_array_equal(kernel, backbone.get_layer("block1_conv1").kernel)


@pytest.mark.ci
def test_a_training_that_leaves_the_weights_ends_with_those_that_it_began_with(run, dataset, tmp_path):
    ended = trained_from(run.path, dataset, tmp_path / "second", seed=7)
    assert_same_weights(ended.load_model(), run.load_model())


@pytest.mark.ci
def test_a_training_begins_with_the_shipped_network_and_keeps_its_activation(dataset, tmp_path):
    name = SHIPPED[0]
    shipped = load_shipped(name)
    network, config = begun_with(name, dataset, tmp_path / "run", model="light", loss="mse", seed=7)
    assert_same_weights(network, shipped)
    assert config["model_options"]["activation"] == shipped.activation == "sigmoid"
    assert config["options"]["weights"] == name


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ("gbvs", ["gbvs is no network"]),
        ("nowhere", ["nowhere is neither a run folder nor a weights file"]),
        ("sam-vgg.salicon2015", ["sam-vgg.salicon2015 is not on this machine"]),
        (SHIPPED[0], [SHIPPED[0], "light", "tiny"]),
    ],
)
def test_what_has_no_weights_for_a_network_is_one_line_and_leaves_nothing(
    dataset, tiny_network, tmp_path, monkeypatch, weights, words
):
    monkeypatch.setenv("KERASAL_CACHE", str(tmp_path / "cache"))
    with pytest.raises(InputError) as caught:
        trained_from(weights, dataset, tmp_path / "run")
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_file_of_a_run_is_a_predictor_of_its_own(run):
    source = find(run.last_weights)
    assert source.name == "run-last"
    assert_same_weights(source.load().predictor, run.load_model(weights=run.last_weights))


@pytest.fixture
def card_of(tmp_path, monkeypatch):
    """The model card of a run on 40 images of "photos" that began with these weights, and its facts."""
    monkeypatch.setenv("KERASAL_CACHE", str(tmp_path / "cache"))
    published = tmp_path / "cache/weights" / PUBLISHED["salgan.salicon"].file
    published.parent.mkdir(parents=True)
    published.write_bytes(b"")

    def card(name, weights, model="light"):
        arguments = {"name": "photos", "data_dir": None, "sigma": None, "pixels_per_degree": None}
        arguments |= {"split_file": None, "crop_borders": False}
        config = {
            "loss": "kld",
            "model": model,
            "model_options": {},
            "precision": "float32",
            "options": training.options(model=model, weights=weights).as_dict(),
            "cache_features": True,
            "data": {"description": "40 photographs", "licence": "CC0", "fingerprint": "", "limit": None},
        }
        config["data"] |= {"arguments": arguments, "train": 40}
        run = RunFolder.create(tmp_path / name, config, np.ones((2, 2), "float32"))
        run.best_weights.write_bytes(b"")
        facts = find(run.path).facts
        return model_card(LoadedPredictor(name, None, facts), "onnx", stored="float32", size=None), facts

    return card


def test_the_card_of_a_network_that_went_on_names_what_it_had_learned_from_and_its_licence(card_of):
    card, facts = card_of("first", "light.fine-tuned")
    before = "; from the weights of light.fine-tuned, trained on OSIE (500 images) and Scene (350 images)"
    assert f"Trained on: 40 photographs; its licence: CC0{before}\n" in card
    assert facts["training_images"] == f"40 images of photos{before}"
    assert card.endswith(find("light.fine-tuned").facts["licence"] + "\n")
    card, _ = card_of("salgan", "salgan.salicon", "salgan")
    assert "; from the weights of salgan.salicon, trained on SALICON\n" in card
    assert card.endswith(PUBLISHED["salgan.salicon"].licence + "\n")
    card, facts = card_of("alone", None)
    assert facts["training_images"] == "40 images of photos"
    assert "Apache-2.0" in card.rpartition("## Licence")[2]


def test_what_a_network_had_learned_from_is_known_wherever_the_run_is_now(card_of, tmp_path):
    card_of("first", "light.fine-tuned")
    card, _ = card_of("second", str(tmp_path / "first"))
    learned = (
        "from the weights of first, trained on 40 photographs; its licence: CC0; from the weights of light."
    )
    assert learned in card
    (tmp_path / "first").rename(tmp_path / "old")
    (tmp_path / "second").rename(tmp_path / "first")  # it went on from a run that had this name
    assert learned in find(tmp_path / "first").facts["trained_on"]


def test_an_origin_that_is_damaged_is_one_line(card_of, tmp_path):
    card_of("run", "light.fine-tuned")
    file = tmp_path / "run/config.json"
    for name in ("origin", "licence"):
        file.write_text(json.dumps({**json.loads(file.read_text()), name: ["OSIE"]}))
        with pytest.raises(InputError, match=r"config\.json is damaged: origin is a list of 1"):
            find(tmp_path / "run")
