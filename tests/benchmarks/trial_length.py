"""How long must a trial of a learning rate be? What trials of several lengths choose, and full trainings.

    python tests/benchmarks/trial_length.py OSIE [--losses table2] [--size 64x80] [--images 128] [--epochs 4]

Each loss learns on so many of OSIE's training images at each rate, in trials of several lengths and in a
whole training, all from a common start, each decayed over its own length. Adds to docs/results/trial-
length.json, for each loss, the rate that each length chooses by the loss's own validation value, and what
the choice costs: how far the full training at that rate lies below the one at the rate that it would have
chosen itself, in CC on the validation images. What is there already, of the same setting, is not done
again.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from starts import small

from kerasal import models, quest
from kerasal.quest.jobs import Learning, groups
from kerasal.quest.learning import Splits, train_heads
from kerasal.quest.rates import RateSearch, best_rate
from kerasal.training import default_cache, open_features

RATES = (3e-5, 1e-4, 3e-4, 1e-3)
LENGTHS = (0.5, 1.0, 2.0)  # epochs of a trial
RESULT = Path(__file__).parents[2] / "docs" / "results" / "trial-length.json"


def nothing(*_):
    return lambda: None


def opened(arguments: argparse.Namespace) -> Learning:
    """What the heads learn from, with their start."""
    dataset = small(arguments.osie, arguments.images)
    size = tuple(map(int, arguments.size.split("x")))
    options = quest.options(input_size=size, epochs=arguments.epochs, precision="float32", patience=0)
    bias = dataset.center_bias(size)
    model_options = options.training.network_options(bias, activation=None)
    network = models.build("baseline", **model_options, activation="relu")
    splits = Splits(dataset, open_features(network, dataset, folder=default_cache()), options)
    learning = Learning({"model_options": model_options, "precision": "float32"}, splits, bias)
    found = learning.start(0, nothing, print)
    learning.starts[0] = {activation: weights for activation, (_, weights) in found.items()}
    return learning


def compared(learning: Learning, specs: list[str]) -> dict[str, dict]:
    """For each loss what each length chooses, and what that costs."""
    splits, heads = learning.splits, learning.make_heads(specs, None, 0, print)
    trials = {length: [] for length in LENGTHS}  # [rate][loss]
    full = []
    for rate in RATES:
        rates = [rate] * len(specs)
        for length in LENGTHS:
            shorter = replace(splits, options=replace(splits.options, search_epochs=length))
            search = RateSearch(shorter, 0, nothing)
            search.move(heads, rates)
            trials[length].append([found["trials"][0] for found in search.found().values()])
        full.append([_ended(rate, record) for record, _ in train_heads(heads, rates, splits, 0, nothing)])
        print(f"{rate:g} of {', '.join(specs)}", flush=True)
    results = {}
    for index, spec in enumerate(specs):
        ends = [of_rate[index] for of_rate in full]
        tried = [[of_rate[index] for of_rate in trials[length]] for length in LENGTHS]
        best, cc = best_rate(ends), {trial["rate"]: trial["cc"] for trial in ends}
        chosen = dict(zip(map("{:g}".format, LENGTHS), map(best_rate, tried), strict=True))
        results[spec] = {
            "full": best,
            "trials": chosen,
            "cost": {length: cc[best] - cc[rate] for length, rate in chosen.items()},
            "cc": {f"{rate:g}": value for rate, value in cc.items()},
        }
    return results


def _ended(rate, record):
    """A full training as a trial. One that diverged shows the centre bias at best: its CC is taken for 0."""
    if record["best_epoch"] is None:
        return {"rate": rate, "loss": None, "collapsed": False, "cc": 0.0}
    kept = record["history"][record["best_epoch"]]["validation"]
    return {"rate": rate, "loss": kept["loss"], "collapsed": record["state"] == "collapsed", "cc": kept["cc"]}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("osie")
    parser.add_argument("--losses", default="table2")
    parser.add_argument("--size", default="64x80")
    parser.add_argument("--images", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=4)
    arguments = parser.parse_args()
    setting = f"{arguments.size}, {arguments.images} training images, {arguments.epochs} epochs, seed 0"
    results = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    known = results.setdefault(setting, {})
    learning = None
    for group in groups(quest.parse_losses(arguments.losses), 9)[::-1]:  # the perceptual ones are slow: last
        if specs := [spec for spec in group if spec not in known]:
            learning = learning or opened(arguments)
            known |= compared(learning, specs)
            RESULT.write_text(json.dumps(results, indent=1) + "\n")
    for length in map("{:g}".format, LENGTHS):
        same = np.mean([row["trials"][length] == row["full"] for row in known.values()])
        cost = np.mean([row["cost"][length] for row in known.values()])
        print(f"{length} epochs choose the full training's rate for {same:.0%}; mean cost in CC {cost:.4f}")


if __name__ == "__main__":
    main()
