"""Two datasets at once from the shell: training, going on with it, scores, the quest."""

import csv
import json

import pytest
from command_line import invoke
from conftest import write_photo_folder
from layouts import LAYOUTS

QUICK = ("--input-size", "32x48", "--epochs", 1, "--model", "tiny", "--cache-in-memory")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_network):
    """Four photographs of OSIE's layout and nine of a folder, and a run on both."""
    root = tmp_path_factory.mktemp("mixture")
    LAYOUTS["osie"](root / "files")
    # OSIE is split by its 700 names' order: four have no test split, and so a prepared copy gets lists.
    (root / "split.json").write_text('{"train": ["1001", "1002"], "validation": ["1003"], "test": ["1004"]}')
    lists = ("--split-file", root / "split.json", "--size", "own", "-o", root / "small-osie")
    assert invoke("data", "prepare", "osie", root / "files", *lists).exit_code == 0
    write_photo_folder(root / "photos")
    mixed = f"{root / 'small-osie'}*3+{root / 'photos'}"
    # Without what takes long to compile.
    result = invoke("train", "--data", mixed, "--run", root / "run", *QUICK, "--ema", 0, "--no-flip")
    assert result.exit_code == 0, result.output
    return root, mixed


@pytest.mark.ci
def test_a_run_on_two_sets_is_repeated_by_its_configuration_and_can_go_on(trained, tmp_path):
    root, _ = trained
    data = json.loads((root / "run/config.json").read_text())["data"]
    assert (data["train"], data["validation"], data["test"]) == (8, 2, 3)
    repeated = invoke(
        "train", "--config", root / "run/options.yaml", "--run", tmp_path / "run", "--cache-in-memory"
    )
    assert repeated.exit_code == 0, repeated.output
    assert json.loads((tmp_path / "run/config.json").read_text())["data"] == data
    resumed = invoke("train", "--resume", root / "run")
    assert resumed.exit_code == 0, resumed.output


@pytest.mark.ci
def test_scores_are_told_for_each_set_and_together(trained, tmp_path):
    root, _ = trained
    result = invoke("evaluate", root / "run", "--metrics", "cc,nss", "--processes", 1, "-o", tmp_path)
    assert result.exit_code == 0, result.output
    values = json.loads((tmp_path / "metrics.json").read_text())
    assert list(values["sets"]) == ["osie", "photos"]
    rows = list(csv.DictReader((tmp_path / "metrics.csv").open()))
    assert [row["image"].split("/")[0] for row in rows] == ["osie", "photos", "photos"]
    cc = {name: summary["metrics"]["cc"]["mean"] for name, summary in values["sets"].items()}
    assert values["metrics"]["cc"]["mean"] == pytest.approx((cc["osie"] + 2 * cc["photos"]) / 3)
    assert [line for line in result.stdout.splitlines() if " split, " in line and "images" in line]


@pytest.mark.ci
def test_a_quest_on_two_sets_scores_each_and_together(trained, tmp_path):
    _, mixed = trained
    command = ("quest", "--data", mixed, "--losses", "mse, cc", "--search-rates", "none", "--start", "none")
    command += ("--processes", 1)
    result = invoke(*command, "--metrics", "cc,nss", *QUICK, "-o", tmp_path / "q")
    assert result.exit_code == 0, result.output
    tests = json.loads((tmp_path / "q/results.json").read_text())["tests"]
    assert list(tests) == ["osie+photos", "osie", "photos"]
    cc = {name: test["losses"]["mse"]["cc"]["mean"] for name, test in tests.items()}
    assert cc["osie+photos"] == pytest.approx((cc["osie"] + 2 * cc["photos"]) / 3)
    other = invoke(
        *command, "--metrics", "cc,nss", *QUICK, "-o", tmp_path / "q", "--data", mixed.replace("*3", "*1")
    )
    assert other.exit_code == 2
    assert "in an epoch" in other.stderr


def test_folders_are_told_by_name(tmp_path):
    for name in ("scene", "osie"):
        LAYOUTS[name](tmp_path / name)
    folders = ("--data-dir", f"osie={tmp_path / 'osie'}", "--data-dir", f"scene={tmp_path / 'scene'}")
    common = (
        "evaluate",
        "--baseline",
        "center-bias",
        "--metrics",
        "cc",
        "--processes",
        1,
        "--split",
        "train",
    )
    result = invoke(*common, "--data", "osie+scene", *folders)
    assert result.exit_code == 0, result.output
    wrong = invoke(*common, "--data", "osie+scene", "--data-dir", tmp_path)
    assert wrong.exit_code == 2
    assert f"--data-dir osie={tmp_path}" in wrong.stderr
    twice = invoke(*common, "--data", "osie+scene", "--data-dir", tmp_path, "--data-dir", tmp_path / "x")
    assert twice.exit_code == 2
    assert "NAME=DIR" in twice.stderr
