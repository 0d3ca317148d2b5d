"""The table of training options: the command line, its help and the checks say what it says."""

import dataclasses
import re

import pytest

from kerasal import training
from kerasal.data.options import ReadingOptions
from kerasal.data.sample import SPLITS
from kerasal.errors import InputError
from kerasal.evaluation import BASELINES
from kerasal.models import BACKBONES, NETWORKS
from kerasal.prediction.lite import RUNTIMES
from kerasal.quest import LISTS
from kerasal.training.table import PRECISIONS
from kerasal.visualize import STRETCHES
from kerasal_cli import main

OURS = list(NETWORKS)  # without those that other tests add
# The last value that does and the first that does not, by hand.
BORDERS = {
    "epochs": (1, 0),
    "batch_size": (1, 0),
    "gradient_accumulation": (1, 0),
    "learning_rate": (1e-30, 0.0),
    "decay_rate": (1e-30, 0.0),
    "decay_epochs": (1e-30, 0.0),
    "ema": (0.999, 1.0),
    "dropout": (0.999, 1.0),
    "feature_dropout": (0.0, -1e-9),
    "momentum": (0.0, 1.0),
    "crop": (0.999, 1.0),
    "scale": (0.0, -0.1),
    "color": (0.999, 1.0),
    "weight_decay": (0.0, -1e-9),
    "patience": (0, -1),
    "seed": (0, -1),
    "warmup": (0.0, -0.5),
    "clip_norm": (0.0, -1.0),
    "clip_value": (0.0, -1.0),
    "checkpoint_minutes": (0.0, -1.0),
}


def command(*names):
    found = main
    for name in names:
        found = found.commands[name]
    return {parameter.name: parameter for parameter in found.params}


@pytest.mark.parametrize("name", BORDERS)
def test_a_number_is_taken_up_to_its_border_and_refused_beyond_it_and_where_it_is_none(name):
    good, bad = BORDERS[name]
    assert getattr(training.options(**{name: good}), name) == good
    for value in (bad, float("nan")) if isinstance(bad, float) else (bad,):
        with pytest.raises(InputError, match=rf"^{name} must (be|lie|not)[^\n]*, got {value}$"):
            training.options(**{name: value})


def test_every_number_has_a_border():
    numbers = {
        field.name for field in dataclasses.fields(training.TrainingOptions) if field.type in (int, float)
    }
    assert numbers == set(BORDERS)


def test_train_takes_every_option_and_leaves_to_the_recipe_what_is_not_given():
    options = command("train")
    for field in dataclasses.fields(training.TrainingOptions):
        option = options[field.name]
        assert option.default is None
        assert option.opts[0] in (f"--{field.name.replace('_', '-')}", "--freeze-backbone")
        assert bool(option.secondary_opts) == (field.type in (bool, bool | None)), field.name


@pytest.mark.parametrize(
    ("names", "option", "known"),
    [
        ("train", "model", OURS),
        ("train", "recipe", training.RECIPES),
        ("train", "backbone", BACKBONES),
        ("quest", "backbone", BACKBONES),
        ("quest", "losses", LISTS),
        ("evaluate", "baselines", BASELINES),
        ("predict", "precision", PRECISIONS),
        *((names, "split", [*SPLITS, "all"]) for names in ("evaluate", "compare", "data show")),
    ],
)
def test_help_names_what_the_tables_have(names, option, known):
    assert set(known) <= set(re.findall(r"[\w.-]*\w", command(*names.split())[option].help))


def test_choices_are_those_of_the_tables():
    for names, option, known in (
        ("predict", "runtime", RUNTIMES),
        ("serve", "runtime", RUNTIMES),
        ("predict", "stretch", STRETCHES),
    ):
        assert list(command(names)[option].type.choices) == list(known), option


def test_help_names_the_choices_of_a_training():
    options = command("train")
    for name in ("precision", "optimizer", "decay", "activation"):
        with pytest.raises(InputError, match=f"unknown {name} 'other': one of ") as caught:
            training.options(**{name: "other"})
        for choice in str(caught.value).split("one of ")[1].split(", "):
            assert choice in options[name].help


def test_every_command_that_reads_a_folder_takes_how_it_is_read():
    reading = {field.name for field in dataclasses.fields(ReadingOptions)}
    for names in ("train", "quest", "evaluate", "compare", "data check", "data show", "data prepare"):
        assert set(command(*names.split())) >= reading, names


def test_metrics_are_a_list_of_names():
    for names in ("evaluate", "compare", "quest"):
        option = command(names)["metrics"]
        assert option.callback(None, option, " cc , nss") == ["cc", "nss"]
        assert option.callback(None, option, None) is None
