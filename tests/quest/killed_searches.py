"""Runs a search, formulas for its trainings, once unbroken and again while killing it at random moments.

python killed_searches.py FOLDER KILLS SEED

Makes FOLDER/unbroken and FOLDER/broken-N, a new one whenever one came to its end before KILLS kills, and
prints a JSON list: for each kill, whether it fell into the writing of a batch.
"""

import json
import os
import random
import sys
import time
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
sys.path.insert(0, str(Path(__file__).parents[1]))

import optuna  # noqa: F401 - once, and not in every child
from killing import after, fork, killed_at, never
from test_tuning import searched


def start(path: Path) -> int:
    """The process id of a child that begins or goes on with the search in `path`."""

    def work():
        for partial in path.rglob(".*.partial*"):  # as a quest does when it begins
            partial.unlink(missing_ok=True)
        searched(path, 6)

    return fork(work)


def main() -> None:
    root, kills, chance = Path(sys.argv[1]), int(sys.argv[2]), random.Random(int(sys.argv[3]))
    begin = time.monotonic()
    killed_at(start(root / "unbroken"), never)
    duration = time.monotonic() - begin
    writing: list[bool] = []
    for number in range(1000):
        if len(writing) >= kills:
            break
        path = root / f"broken-{number}"
        while killed_at(start(path), after(chance.uniform(0, duration)) if len(writing) < kills else never):
            writing.append(any(path.glob(".*.partial*")))
    print(json.dumps(writing))


if __name__ == "__main__":
    main()
