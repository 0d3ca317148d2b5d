"""kerasal quest from the shell: two losses, the files it leaves, a second call that trains nothing."""

import csv
import json
from pathlib import Path

import pytest
from command_line import invoke
from conftest import write_photo_folder
from layouts import LAYOUTS

from kerasal.errors import InputError
from kerasal.training import read_config


def quest(*arguments):
    return invoke("quest", *arguments)


@pytest.mark.usefixtures("tiny_network")
def test_a_quest_writes_its_results_and_the_same_command_again_changes_none(photo_folder, tmp_path):
    LAYOUTS["scene"](tmp_path / "elsewhere")
    command = ("--data", photo_folder, "--test", "scene", "--data-dir", f"scene={tmp_path / 'elsewhere'}")
    command += ("--losses", "mse, kld+cc", "--epochs", "1", "--input-size", "64x96", "--model", "tiny")
    command += ("--search-rates", "none", "--processes", "1", "--cache-in-memory", "-o", tmp_path / "q")
    command += ("--limit", "4")
    first = quest(*command)
    assert first.exit_code == 0, first.output
    rows = list(csv.DictReader((tmp_path / "q/results.csv").open()))
    assert {row["loss"] for row in rows} == {"mse", "10*kld+2*cc"}
    # A --data-dir may be of a test set.
    assert set(json.loads((tmp_path / "q/results.json").read_text())["tests"]) == {"photos", "scene"}
    assert "<table" in (tmp_path / "q/report.html").read_text()
    # The best network's folder names the data, as a run's does.
    named = read_config(tmp_path / "q/best/options.yaml")
    assert (Path(named["data_dir"]), named["limit"]) == (photo_folder, 4)
    assert named["data"] == "folder"
    assert json.loads((tmp_path / "q/best/config.json").read_text())["data"]["limit"] == 4
    before = (tmp_path / "q/results.csv").read_bytes()
    assert quest(*command).exit_code == 0
    assert (tmp_path / "q/results.csv").read_bytes() == before


def test_a_wrong_loss_is_one_line(tmp_path):
    result = quest("--losses", "mse, kdl", "-o", tmp_path / "q")
    assert result.exit_code == 2
    assert "kld" in result.stderr
    assert not (tmp_path / "q").exists()


@pytest.mark.parametrize(
    ("terms", "message"),
    [("kld, 2*cc", "finds the coefficients"), ("kld", "two losses"), ("", "name of a loss")],
)
def test_losses_that_cannot_be_searched_are_one_line(tmp_path, terms, message):
    result = quest("--tune", terms, "-o", tmp_path / "q")
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "q").exists()


@pytest.mark.usefixtures("tiny_network")
def test_an_unknown_metric_is_one_line(photo_folder, tmp_path):
    result = quest("--data", photo_folder, "--losses", "mse", "--metrics", "cc,ccc", "-o", tmp_path / "q")
    assert result.exit_code == 2
    assert "unknown metric 'ccc'" in result.stderr
    assert not (tmp_path / "q").exists()


@pytest.fixture
def sets(tmp_path, monkeypatch):
    """A function: the data and the test sets of a quest that ends when it has them; and its error's line."""
    given = []

    def run(dataset, *_, tests, **__):
        given.extend([dataset, *tests])
        raise InputError("enough")

    def sets(*arguments):
        given.clear()
        result = quest(*arguments, "-o", tmp_path / "q")
        assert result.exit_code == 2
        return list(given), result.stderr

    monkeypatch.setattr("kerasal.quest.run", run)
    return sets


def normalized_folder(folder):
    """The photo folder of so many pixels, its fixations as shares of the width and height."""
    write_photo_folder(folder)
    for file in folder.glob("fixations/*.csv"):
        file.write_text("x,y,observer\n0.25,0.5,a\n0.75,0.1,b\n")
    return folder


def test_test_sets_are_read_by_the_options_that_they_have(sets, tmp_path):
    one, two = (normalized_folder(tmp_path / name) for name in ("one", "two"))
    LAYOUTS["scene"](tmp_path / "scene-files")
    scene = ("scene", "--data-dir", f"scene={tmp_path / 'scene-files'}")
    found, _ = sets("--data", one, "--test", two, "--test", *scene, "--normalized", "--sigma", "7")
    assert [dataset.name for dataset in found] == ["one", "two", "scene"]
    for dataset in found[:2]:
        sample = next(sample for sample in dataset.samples if sample.name == "p0")  # 60 rows, 90 columns
        assert sample.sigma == 7
        assert [xy.tolist() for xy in sample.fixations] == [[[22.5, 30]], [[67.5, 6]]]
    assert {sample.sigma for sample in found[2].samples} != {7}
    # The data need not have what a test set has.
    found, _ = sets("--data", *scene, "--test", f"{one}+{two}", "--normalized", "--pixels-per-degree", "9")
    assert [sample.sigma for part in found[1].sets for sample in part.samples] == [9] * 18
    assert {sample.sigma for sample in found[0].samples} != {9}
    found, error = sets("--data", *scene, "--test", "synthetic", "--normalized")
    assert not found
    assert "normalized coordinates are for folders of your own, not for scene" in error
