"""`kerasal models`, and the tables that it reads."""

import keras
import pytest
from command_line import invoke

from kerasal import models
from kerasal.model_list import all_models, text_table
from kerasal.training.options import RECIPES

OURS = list(models.NETWORKS)  # without those that other tests add


def test_models_lists_every_network_and_every_classical_model():
    result = invoke("models")
    assert result.exit_code == 0
    table, _, trained = result.stdout.partition("\nTrained, by name:\n")
    assert trained.startswith("light.fine-tuned ")
    listed = {line.split()[0] for line in table.splitlines()[1:]}
    assert listed == {
        *models.NETWORKS,
        "itti",
        "itti-saliency-toolbox",
        "itti-1998",
        "gbvs",
        "rare2012",
        "aws",
    }


@pytest.mark.ci
def test_every_network_has_an_entry_with_its_number_of_parameters(monkeypatch):
    # 250 million numbers need not be drawn to be counted.
    zeros = lambda self, shape, dtype=None: keras.ops.zeros(shape, dtype)  # noqa: E731
    monkeypatch.setattr(keras.initializers.VarianceScaling, "__call__", zeros)
    for name in OURS:
        network = models.build(name, backbone_weights="random")
        assert network.count_params() == models.NETWORKS[name].parameters


def test_every_row_names_a_recipe_and_a_class_that_keras_knows():
    for name in OURS:
        info = models.NETWORKS[name]
        assert info.recipe in RECIPES
        assert RECIPES[info.recipe].model in ("baseline", *OURS)
        registered = keras.saving.get_registered_object(f"kerasal>{info.network.split(':')[1]}")
        assert registered is info.network_class


def test_the_table_s_columns_stand_under_their_heads():
    lines = text_table(all_models().values()).splitlines()
    start = lines[0].index("year")
    assert all(line[start : start + 4].isdigit() for line in lines[1:])
    assert max(map(len, lines)) <= 120


def test_details_tell_source_and_exactness():
    result = invoke("models", "gbvs")
    for words in ("Harel", "2006", "24 July 2012", "1e-4 of the range", "128 pixels"):
        assert words in result.stdout


@pytest.mark.parametrize("name", ["gvbs", "GBVS"])
def test_an_unknown_name_is_one_line(name):
    result = invoke("models", name)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: unknown model {name!r}: one of baseline, ")
    assert result.stderr.count("\n") == 1
