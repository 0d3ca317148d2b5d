"""The paper's findings as docs/reproducing.md has them: made of the results of quests."""

import runpy
from pathlib import Path

import pytest
from simulated_quest import few_resamples, simulated

from kerasal.quest import paper

SCRIPT = Path(__file__).parents[2] / "docs/figures/reproducing_tables.py"


pytestmark = pytest.mark.usefixtures(few_resamples.__name__)


@pytest.fixture(scope="module")
def findings():
    return runpy.run_path(str(SCRIPT))["findings"]


def quest(folder, means, **options):
    folder.mkdir()
    simulated(means, folder=folder, **options).write()
    return folder


def rows(text):
    return [line.strip("| ").split(" | ") for line in text.splitlines()[2:] if line.startswith("|")]


def test_each_answer_has_the_quests_that_give_it_and_a_finding_that_none_asks_stands_once(findings, tmp_path):
    first = quest(tmp_path / "first", {"mse": 0.5, paper.LC2: 0.7})
    second = quest(tmp_path / "second", {"mse": 0.7, paper.LC2: 0.5})
    third = quest(tmp_path / "quest-third", {"mse": 0.4, paper.LC2: 0.6}, seeds=3)
    found = rows(findings([first, second, third]))
    gain = [row[1:] for row in found if row[0] == "LC2 is ahead of MSE in CC (4.3)"]
    assert [row[:2] for row in gain] == [["holds", "third, first"], ["does not hold", "second"]]
    assert "ahead of mse (0.4" in gain[0][2]  # the numbers of the quest with the most seeds
    df = [row[1:] for row in found if row[0].startswith("DF alone")]
    assert df == [["cannot be told", "–", "the quest has no df"]]


def test_a_table_that_one_quest_asks_about_is_not_lacking_in_another(findings, tmp_path):
    means = {"mlnet-mse": 0.5, paper.LC1: 0.6, paper.LC2: 0.7}
    own = quest(tmp_path / "own", means)
    both = quest(tmp_path / "both", means, tests=("osie", "scene", "fiwi"))
    found = [
        row
        for row in rows(findings([own, both]))
        if "LC2 is ahead of LC1" in row[0] and "(Table 3)" in row[0]
    ]
    assert [(row[0].split()[8].strip(","), row[2]) for row in found] == [("scene", "both"), ("fiwi", "both")]


def test_results_of_before_are_named_and_stars_are_no_markup(findings, tmp_path, capsys):
    old = tmp_path / "old"
    old.mkdir()
    (old / "results.json").write_text('{"schema": 1}')
    text = findings([old, quest(tmp_path / "new", {"mse": 0.5, paper.LC2: 0.7})])
    assert capsys.readouterr().err == f"{old}: from before quests answered findings\n"
    assert findings([old]) == ""
    assert r"CC: 10\*kld+2\*cc+nss+df+gm+sig-mse+r (0." in text
