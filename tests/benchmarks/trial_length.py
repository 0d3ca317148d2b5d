"""Is half an epoch long enough to choose a learning rate? What trials choose, and full trainings would.

    python tests/benchmarks/trial_length.py OSIE

The paper's 27 losses at 64x80 on 128 of OSIE's training images: each of three rates in trials of half an
epoch and of one, and in a whole training of four epochs, all from a common start; each decayed over its own
length. Writes docs/results/trial-length.json: for each loss the rate that each length chooses by the loss's
own validation value, and what the choice costs: how far the full training at the chosen rate lies from the
best of the three, in CC on the validation images.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from starts import IMAGES, SIZE, small

from kerasal import models, quest
from kerasal.quest.jobs import Learning, groups
from kerasal.quest.learning import Splits, train_heads
from kerasal.quest.rates import best_rate, try_rates
from kerasal.training import default_cache, open_features

LENGTHS = (0.5, 1.0, 2.0)  # epochs of a trial
EPOCHS = 4
RESULT = Path(__file__).parents[2] / "docs" / "results" / "trial-length.json"


def nothing(*_):
    return lambda: None


def main() -> None:
    dataset = small(sys.argv[1])
    options = quest.options(input_size=SIZE, epochs=EPOCHS, precision="float32", patience=0)
    bias = dataset.center_bias(SIZE)
    model_options = options.training.network_options(bias, activation=None)
    network = models.build("baseline", **model_options, activation="relu")
    splits = Splits(dataset, open_features(network, dataset, folder=default_cache()), options)
    config = {"model_options": model_options, "precision": "float32", "seeds": [0]}
    learning = Learning(config, splits, bias)
    found = learning.start(0, nothing, print)
    learning.starts[0] = {activation: weights for activation, (_, weights) in found.items()}
    results = json.loads(RESULT.read_text())["losses"] if RESULT.is_file() else {}
    for group in groups(quest.LISTS["table2"], 9)[::-1]:  # the perceptual ones, which are slow, last
        specs = [spec for spec in group if spec not in results]
        if not specs:
            continue
        heads = learning.make_heads(specs, None, 0, print)
        trials = {length: [[] for _ in specs] for length in LENGTHS}
        full = [[] for _ in specs]
        for rate in options.search_rates:
            rates = [rate] * len(specs)
            for length in LENGTHS:
                its = replace(splits, options=replace(options, search_epochs=length))
                for each, trial in zip(
                    trials[length], try_rates(heads, rates, its, 0, nothing()), strict=True
                ):
                    each.append(trial)
            for each, (record, _) in zip(full, train_heads(heads, rates, splits, 0, nothing), strict=True):
                kept = record["history"][record["best_epoch"]]["validation"]
                each.append({"rate": rate, "loss": kept["loss"], "collapsed": False, "cc": kept["cc"]})
            print(f"{rate:g} of {', '.join(specs)}", flush=True)
        for index, spec in enumerate(specs):
            cc = {its["rate"]: its["cc"] for its in full[index]}
            chosen = {f"{length:g}": best_rate(trials[length][index]) for length in LENGTHS}
            results[spec] = {
                "full": best_rate(full[index]),
                **chosen,
                "cc": {f"{rate:g}": value for rate, value in cc.items()},
                "cost": {length: cc[best_rate(full[index])] - cc[rate] for length, rate in chosen.items()},
            }
        setting = {"size": SIZE, "training images": IMAGES, "epochs": EPOCHS, "seed": 0}
        RESULT.write_text(json.dumps({"setting": setting, "losses": results}, indent=1) + "\n")
    for length in map("{:g}".format, LENGTHS):
        same = np.mean([its[length] == its["full"] for its in results.values()])
        costs = [its["cost"][length] for its in results.values()]
        print(
            f"{length} epochs: the full training's rate for {same:.0%}; mean loss of CC {np.mean(costs):+.4f}"
        )


if __name__ == "__main__":
    main()
