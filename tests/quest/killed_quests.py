"""Runs a small quest once without a break, and again while killing it at random moments.

python killed_quests.py FOLDER KILLS SEED [TERMS]

With TERMS it searches for a combination of these losses, on density maps alone: without fixations there are
no LC1 and LC2 to compare with, whose VGG-16 takes longer than all else. Makes FOLDER/unbroken and
FOLDER/broken-N, a new one whenever one came to its end before KILLS kills, and prints a JSON list: for each
kill, how many files the quest had finished at that moment.
"""

import json
import os
import random
import sys
import time
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.path.insert(0, str(Path(__file__).parents[1]))

import tensorflow as tf
from conftest import add_tiny_network, without_fixations
from killing import after, fork, killed_at, never

from kerasal import data, quest

SPECS = "mse, kld+cc+nss, cc, bce"


def start(path: Path, terms: str | None) -> int:
    """The process id of a child that begins or goes on with the quest `path`."""

    def work():
        tf.config.experimental.enable_op_determinism()
        options = quest.options(
            model="tiny", input_size=(32, 48), epochs=2, batch_size=3, search_rates=[1e-2, 1e-3]
        )
        dataset, specs, choice = data.load("synthetic").limited(6), SPECS, {"seeds": 2, "side_by_side": 2}
        if terms:
            dataset, specs = without_fixations(dataset), terms
            choice = {"tuning": quest.Tuning(tuple(quest.parse_losses(terms)), trials=12, batch=4)}
        quest.run(
            dataset,
            quest.parse_losses(specs),
            options,
            path,
            metrics=["cc", "sim", "kld"] if terms else ["cc", "nss", "kld"],
            report=lambda _: None,
            **choice,
        )

    return fork(work)


def main() -> None:
    root, kills, chance = Path(sys.argv[1]), int(sys.argv[2]), random.Random(int(sys.argv[3]))
    terms = sys.argv[4] if len(sys.argv) > 4 else None
    add_tiny_network()
    begin = time.monotonic()
    killed_at(start(root / "unbroken", terms), never)
    duration = time.monotonic() - begin
    finished: list[int] = []
    while len(finished) < kills:
        path = root / f"broken-{len(finished)}"
        while killed_at(
            start(path, terms), after(chance.uniform(0, duration)) if len(finished) < kills else never
        ):
            finished.append(sum(1 for _ in path.rglob("*.*")))
    print(json.dumps(finished))


if __name__ == "__main__":
    main()
