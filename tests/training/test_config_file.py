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
