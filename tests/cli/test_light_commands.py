"""Commands that need no network load neither TensorFlow nor Keras, and print JSON where it is asked for."""

import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from command_line import invoke
from conftest import write_photo_folder

from kerasal import losses, models
from kerasal.classical import CLASSICAL
from kerasal.data import INFO
from kerasal.losses.table import LOSSES
from kerasal.metrics import METRICS
from kerasal.model_list import ready
from kerasal.prediction import DEFAULT
from kerasal.weights import PUBLISHED, REGISTRY, SHIPPED
from kerasal_cli import main

NETWORKS = list(models.NETWORKS)  # without those that other tests add
PROGRAM = """
import json, sys
from kerasal_cli import main
for command in json.loads(sys.argv[1]):
    try:
        main(command)
    except SystemExit as end:
        assert not end.code, (command, end.code)
    heavy = {"tensorflow", "keras", "jax", "torch"} & set(sys.modules)
    assert not heavy, (command, heavy)
"""


def light(*commands, cwd):
    """Runs the commands in a process that ends when one of them has loaded what it need not."""
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps([[str(arg) for arg in command] for command in commands])],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_listings_load_neither_tensorflow_nor_keras(tmp_path):
    listings = [
        ["losses"],
        ["losses", "--json"],
        ["models"],
        ["models", "gbvs"],
        ["models", "baseline"],
        ["metrics"],
        ["data", "list"],
        ["data", "info", "osie"],
        ["weights", "list"],
        *([*name.split(), "--help"] for name in ("train", "quest", "evaluate", "export", "data check")),
    ]
    printed = light(*listings, cwd=tmp_path)
    for name in (*LOSSES, *CLASSICAL, *NETWORKS, *INFO, *METRICS, *PUBLISHED, *REGISTRY):
        assert name in printed


def test_the_module_starts_as_light_as_the_script():
    command = [sys.executable, "-X", "importtime", "-m", "kerasal", "losses"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "kerasal.losses.table" in imported
    assert not {"tensorflow", "keras"} & imported
    assert "kld" in result.stdout


def test_checking_data_and_scoring_maps_and_classical_models_load_neither(tmp_path):
    folder = write_photo_folder(tmp_path / "photos")
    (tmp_path / "maps").mkdir()
    for path in (folder / "images").iterdir():
        size = (60, 90) if int(path.stem[1:]) % 2 == 0 else (80, 50)
        np.save(tmp_path / "maps" / f"{path.stem}.npy", np.random.default_rng(0).uniform(size=size))
    scored = ["evaluate", "--data", folder, "--metrics", "cc,nss", "--processes", "1"]
    light(
        ["data", "check", folder, "--sigma", "5"],
        [*scored, "--maps", tmp_path / "maps", "--baseline", "center-bias", "-o", tmp_path / "out"],
        [*scored, "--model", "aws"],
        cwd=tmp_path,
    )
    assert set(json.loads((tmp_path / "out/comparison.json").read_text())["systems"]) == {
        str(tmp_path / "maps"),
        "center-bias",
    }


@pytest.mark.ci
def test_a_network_is_found_after_a_light_start_and_nothing_imports_dask_unasked(photo_folder, tmp_path):
    program = (
        "import sys\n"
        "from kerasal_cli import main\n"
        "from kerasal_cli.loading import load_library\n"
        f"options = ['--data', {str(photo_folder)!r}, '--metrics', 'cc', '--processes', '1']\n"
        "main(['evaluate', '--baseline', 'chance', *options], standalone_mode=False)\n"
        "assert 'keras' not in sys.modules\n"
        "from kerasal.classical import CLASSICAL\n"
        "load_library()\n"
        "import keras, kerasal.cluster, kerasal.quest\n"
        "assert keras.saving.get_registered_object('kerasal>Baseline') is kerasal.models.Baseline\n"
        "assert not {'dask', 'distributed'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path)


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (["losses"], list(LOSSES)),
        (["metrics"], list(METRICS)),
        (["data", "list"], list(INFO)),
        (["weights", "list"], [*REGISTRY, *PUBLISHED]),
    ],
)
def test_json_of_a_listing_holds_every_name(command, names):
    result = invoke(*command, "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert [row.get("spec") or row.get("key") or row["name"] for row in rows] == names


def test_json_of_models_and_of_one_thing():
    listed = json.loads(invoke("models", "--json").stdout)
    assert [row["name"] for row in listed["models"]] == [*models.NETWORKS, *CLASSICAL]
    assert {row["name"]: row["parameters"] for row in listed["models"]}["baseline"] == 16_337_089
    assert listed["trained"] == ready()
    assert json.loads(invoke("models", "gbvs", "--json").stdout)["name"] == "gbvs"
    assert json.loads(invoke("data", "info", "osie", "--json").stdout)["images"] == 700
    told = json.loads(invoke("losses", "kld+0.5*sig-mse(0.25)", "--json").stdout)
    assert told["spec"] == losses.canonical("kld+0.5*sig-mse(0.25)")
    assert [(term["spec"], term["coefficient"]) for term in told["terms"]] == [("kld", 10), ("sig-mse", 0.5)]
    assert told["terms"][1]["argument"] == 0.25


def test_help_names_the_network_that_predict_takes():
    shown = " ".join(invoke("predict", "--help").output.split())
    assert f"[default: {DEFAULT}, which comes with kerasal]" in shown


def test_trained_networks_are_listed_as_predictors_know_them():
    assert ready().items() >= {name: REGISTRY[name].about for name in SHIPPED}.items()
    assert not ready().keys() & CLASSICAL.keys()


@pytest.mark.parametrize(
    ("words", "incomplete", "found", "missing"),
    [
        ("kerasal train --loss", "kld+c", "kld+cc", "kld+nss"),
        ("kerasal train --loss", "10*s", "10*sim", "10*cc"),
        ("kerasal train --loss", "sig-m", "sig-mse", "sig-mlnet-mse"),  # no term ends at a hyphen
        ("kerasal quest --losses", "kld,w-b", "kld,w-bce", "kld,w-bhat"),
        ("kerasal predict --model", "gb", "gbvs", "itti"),
        ("kerasal export", "baseline.", "baseline.fine-tuned", "baseline"),
        ("kerasal train --data", "sc", "scene", "osie"),
        ("kerasal data info", "o", "osie", "scene"),
    ],
)
def test_the_shell_completes_losses_models_and_datasets(words, incomplete, found, missing):
    environment = {
        "_KERASAL_COMPLETE": "bash_complete",
        "COMP_WORDS": f"{words} {incomplete}",
        "COMP_CWORD": str(len(words.split())),
    }
    result = CliRunner(env=environment).invoke(main, [], prog_name="kerasal")
    lines = result.stdout.splitlines()
    assert f"plain,{found}" in lines
    assert f"plain,{missing}" not in lines


def test_a_path_is_completed_by_the_shell_where_no_name_fits():
    environment = {
        "_KERASAL_COMPLETE": "bash_complete",
        "COMP_WORDS": "kerasal predict --model runs/",
        "COMP_CWORD": "3",
    }
    result = CliRunner(env=environment).invoke(main, [], prog_name="kerasal")
    assert result.stdout.splitlines() == ["file,runs/"]
