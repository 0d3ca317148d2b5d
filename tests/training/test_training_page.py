"""The page on training: its Python runs, its options exist."""

import re
from pathlib import Path

import click
import numpy as np
import pytest

from kerasal_cli.data import data
from kerasal_cli.quest import quest
from kerasal_cli.train import train

PAGE = (Path(__file__).parents[2] / "docs/training.md").read_text()


@pytest.mark.ci
def test_the_pages_python_runs_as_it_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(block, "docs/training.md", "exec"), names)
    assert names["saliency_map"].shape == (300, 400)
    assert np.isfinite(names["history"][0]["val_loss"])
    assert (tmp_path / "runs/mine/best.weights.h5").is_file()


def test_the_pages_configuration_and_options_are_the_commands(tmp_path):
    from kerasal.training import read_config

    (tmp_path / "options.yaml").write_text(re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[1])
    assert read_config(tmp_path / "options.yaml")["warmup"] == 0.5
    commands = [train, quest, data.commands["cache"]]
    options = [
        option for command in commands for option in command.params if isinstance(option, click.Option)
    ]
    known = {name for option in options for name in (*option.opts, *option.secondary_opts)}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE)) - {"--help", "--logdir"}
    assert named <= known
