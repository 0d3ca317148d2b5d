import json

import pytest

from kerasal import training
from kerasal.errors import InputError
from kerasal.training.config_file import config_text, read_config


def config(tmp_path, text, name="options.yaml"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_yaml_and_json_are_read_with_the_types_that_the_options_have(tmp_path):
    text = (
        "loss: 10*kld+cc\nlearning-rate: 1e-3\ninput_size: 96x128\nflip: false\nactivation: null\nlimit: 4\n"
    )
    expected = {
        "loss": "10*kld+cc",
        "learning_rate": 0.001,
        "input_size": (96, 128),
        "flip": False,
        "activation": None,
        "limit": 4,
    }
    assert read_config(config(tmp_path, text)) == expected
    as_json = json.dumps({**expected, "activation": None})
    assert read_config(config(tmp_path, as_json, "options.json")) == expected


def test_keys_of_the_data_have_types_as_the_options_do_and_may_be_blank_where_they_may_be_left_out(tmp_path):
    text = "data-dir: {osie: ~/osie, scene: /scene}\nsigma: '9.5'\npixels_per_degree: 30\nlimit: 2e1\n"
    assert read_config(config(tmp_path, text + "normalized: true\nsplit_file: my.json")) == {
        "data_dir": {"osie": "~/osie", "scene": "/scene"},
        "sigma": 9.5,
        "pixels_per_degree": 30.0,
        "limit": 20,
        "normalized": True,
        "split_file": "my.json",
    }
    blank = ("data_dir", "sigma", "pixels_per_degree", "split_file", "limit")
    assert read_config(config(tmp_path, "".join(f"{name}:\n" for name in blank))) == dict.fromkeys(blank)


def test_a_home_folder_before_weights_is_the_users(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    values = read_config(config(tmp_path, "weights: ~/runs/a\nbackbone_weights: ~/vgg.h5"))
    assert values == {"weights": f"{tmp_path}/runs/a", "backbone_weights": f"{tmp_path}/vgg.h5"}
    names = {"weights": "baseline.fine-tuned", "backbone_weights": "imagenet"}
    assert read_config(config(tmp_path, json.dumps(names))) == names
    assert read_config(config(tmp_path, "weights:")) == {"weights": None}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("learning_rte: 0.1", ["learning_rte", "did you mean learning_rate"]),
        ("epoch: 3", ["epoch", "did you mean epochs"]),
        ("zzz: 3", ["zzz", "known:"]),
        ("epochs: many", ["epochs", "whole number", "many"]),
        ("epochs: true", ["epochs", "whole number"]),
        ("flip: 1", ["flip", "true or false"]),
        ("input_size: 300", ["input_size", "ROWSxCOLUMNS"]),
        ("input_size: [300.5, 400]", ["input_size", "ROWSxCOLUMNS"]),
        ("input_size: [300, true]", ["input_size", "ROWSxCOLUMNS"]),
        ("data:", ["data must be a word", "None"]),
        ("data: [osie, scene]", ["data must be a word", "a list of 2"]),
        ("recipe: 3", ["recipe must be a word", "3"]),
        ("recipe:", ["recipe must be a word", "None"]),
        ("data_dir: 5", ["data_dir must be a word", "5"]),
        ("data_dir: [/a, /b]", ["data_dir must be a word", "a list of 2"]),
        ("data_dir: {osie: }", ["data_dir of 'osie' must be a word", "None"]),
        ("data_dir: {1: /osie}", ["data_dir must be a word", "1"]),
        ("limit: 1.9", ["limit must be a whole number", "1.9"]),
        ("limit: true", ["limit must be a whole number", "True"]),
        ("sigma: true", ["sigma must be a number", "True"]),
        ("sigma: wide", ["sigma must be a number", "wide"]),
        ("pixels_per_degree: [30]", ["pixels_per_degree must be a number", "a list of 1"]),
        ("split_file: 5", ["split_file must be a word", "5"]),
        ("crop-borders: 1", ["crop_borders must be true or false", "1"]),
        ("normalized: 2", ["normalized must be true or false", "2"]),
        ("normalized:", ["normalized must be true or false", "None"]),
        ("cache_features:", ["cache_features must be true or false", "None"]),
        ("cache_features: sometimes", ["cache_features must be true or false", "sometimes"]),
        ("- a\n- b", ["epochs: 10"]),
        ("loss: [", ["neither YAML nor JSON"]),
        ("", ["epochs: 10"]),
    ],
)
def test_a_mistake_is_named_with_its_file_and_what_was_meant(tmp_path, text, words):
    path = config(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read_config(path)
    assert "\n" not in str(caught.value)
    for word in [str(path), *words]:
        assert word in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.yaml: No such file"):
        read_config(tmp_path / "nowhere.yaml")


def test_what_is_written_is_read_back_as_it_was(tmp_path):
    options = training.options(recipe="paper", loss="mse", input_size=(64, 96), xla=True, clip_norm=0.5)
    path = config(tmp_path, config_text({**options.as_dict(), "data": "osie", "sigma": None}))
    values = read_config(path)
    assert values.pop("data") == "osie"
    assert training.TrainingOptions.from_dict(values) == options
