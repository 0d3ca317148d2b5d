"""Time of a quest over the paper's 27 losses against 27 trainings without shared features, in one run.

    python tests/benchmarks/quest.py [STIMULI] [EPOCHS]

Everything as a user would type it, each command a process of its own: `kerasal quest` against `kerasal train
--no-cache-features` for one loss after the other and `kerasal evaluate` of all runs at once. The paper's
network at 120x160 on STIMULI generated scenes for each split (default 32) and EPOCHS (default 4), each loss
at its recipe's learning rate, batch 8, scored on CC and NSS. Start-up is part of both; what one process needs
for it is given apart, as is the time of the perceptual losses, whose own passes through VGG-16 a quest can
share in small part only.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kerasal import quest
from kerasal.quest.heads import is_perceptual

NETWORK = ["--input-size", "120x160", "--batch-size", "8", "--precision", "float32"]
SCORES = ["--metrics", "cc,nss"]


def seconds(arguments: list[str], folder: Path) -> float:
    """How long a command of kerasal takes; its output is shown if it fails."""
    command = [Path(sys.executable).with_name("kerasal"), *arguments]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return time.perf_counter() - start


def main() -> None:
    stimuli = sys.argv[1] if len(sys.argv) > 1 else "32"
    epochs = sys.argv[2] if len(sys.argv) > 2 else "4"
    data = ["--data", "synthetic", "--limit", stimuli]
    learning = [*data, *NETWORK, "--epochs", epochs]
    specs = quest.parse_losses("table2")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = ["--search-rates", "none", "--cache-in-memory", "-o", "quest"]
        together = seconds(["quest", "--losses", "table2", *learning, *SCORES, *options], folder)
        print(f"quest of {len(specs)} losses      {together:8.1f} s", flush=True)
        apart = {}
        for index, spec in enumerate(specs):
            run = ["--loss", spec, "--run", str(index), "--no-cache-features"]
            apart[spec] = seconds(["train", *learning, *run], folder)
            print(f"{spec:34} {apart[spec]:8.1f} s", flush=True)
        runs = [str(index) for index in range(len(specs))]
        scoring = seconds(["evaluate", *runs, *data, *SCORES], folder)
        starting = seconds(["models"], folder)
    perceptual = sum(value for spec, value in apart.items() if is_perceptual(spec))
    total = sum(apart.values()) + scoring
    print(f"{len(specs)} trainings            {sum(apart.values()):8.1f} s")
    print(f"  of perceptual losses  {perceptual:8.1f} s")
    print(f"their scores            {scoring:8.1f} s")
    print(f"to start one process    {starting:8.1f} s")
    print(f"ratio                   {total / together:8.2f}")


if __name__ == "__main__":
    main()
