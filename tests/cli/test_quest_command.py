"""kerasal quest from the shell: two losses, the files it leaves, a second call that trains nothing."""

import csv
import json

import pytest
from command_line import invoke
from layouts import LAYOUTS


def quest(*arguments):
    return invoke("quest", *arguments)


@pytest.mark.usefixtures("tiny_network")
def test_a_quest_writes_its_results_and_the_same_command_again_changes_none(photo_folder, tmp_path):
    LAYOUTS["scene"](tmp_path / "elsewhere")
    command = ("--data", photo_folder, "--test", "scene", "--data-dir", f"scene={tmp_path / 'elsewhere'}")
    command += ("--losses", "mse, kld+cc", "--epochs", "1", "--input-size", "64x96", "--model", "tiny")
    command += ("--search-rates", "none", "--processes", "1", "--cache-in-memory", "-o", tmp_path / "q")
    first = quest(*command)
    assert first.exit_code == 0, first.output
    rows = list(csv.DictReader((tmp_path / "q/results.csv").open()))
    assert {row["loss"] for row in rows} == {"mse", "10*kld+2*cc"}
    # A --data-dir may be of a test set.
    assert set(json.loads((tmp_path / "q/results.json").read_text())["tests"]) == {"photos", "scene"}
    assert "<table" in (tmp_path / "q/report.html").read_text()
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
