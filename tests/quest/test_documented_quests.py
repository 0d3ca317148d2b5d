"""The commands of the pages are those that made the files beside them."""

import json
import re
import shlex
from pathlib import Path

import pytest

from kerasal import quest
from kerasal_cli.quest import quest as command

DOCS = Path(__file__).parents[2] / "docs"
MADE = {  # the command's -o, and what it wrote
    "quests/150x200": "quest-osie-150x200/results.json",
    "quests/150x200-seeds": "quest-osie-150x200-seeds/results.json",
    "quests/150x200-light": "quest-osie-150x200-light/results.json",
    "quests/150x200-perceptual": "quest-osie-150x200-perceptual/results.json",
    "quests/75x100-tuned": "quest-osie-75x100-tuned/results.json",
    "quests/75x100-paper": "quest-osie-75x100-paper/results.json",
    "quests/75x100-paper-long": "quest-osie-75x100-paper-long/results.json",
    "quests/table3-osie": "quest-osie-120x160-table3/results.json",
    "quests/table3-scene": "quest-scene-120x160-table3/results.json",
    "quests/table3-both": "quest-osie+scene-120x160-table3/results.json",
}
COMMANDS = {
    re.search(r"-o (\S+)", line)[1]: line
    for page in ("reproducing.md", "results.md")
    for line in re.findall(r"^kerasal quest .*-o .*$", (DOCS / page).read_text(), re.MULTILINE)
}


@pytest.mark.parametrize("output", MADE)
def test_the_command_is_that_of_the_file(output):
    given = command.make_context("quest", shlex.split(COMMANDS[output])[2:]).params
    results = json.loads((DOCS / "results" / MADE[output]).read_text())
    config = results["config"]
    options, training = config["options"], config["options"]["training"]
    losses, made = (set(quest.parse_losses(text)) for text in (given["losses"], ",".join(config["losses"])))
    search = results.get("search")
    assert losses < made if search else losses == made  # a search adds to them
    assert given["tune"] == (", ".join(search["terms"]) if search else None)
    assert given["input_size"] == "x".join(map(str, training["input_size"]))
    assert (given["epochs"] or 6) == training["epochs"]
    start = (given["start"] or "mse").replace("none", "")
    assert start == (options.get("start") or "")
    assert given["seeds"] == len(config["seeds"])
    assert given["precision"] == config["precision"]
