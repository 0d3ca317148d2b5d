"""Whether the losses of two quests rank alike, as of one network on two backbones.

    python tests/benchmarks/quest_ranks.py NAME=QUEST NAME=QUEST RESULT.json

QUEST is the folder of a finished quest; both have the test set, and as many seeds, of which the losses that
both have count. Writes each loss's means in both, with the lowest and highest of a seed, and Spearman's rank
correlations with 95 % intervals: both quests' means are resampled over the same images and seeds, and the
percentiles of the correlations moved so that their median is that of the means, as resampled means are
noisier and correlate less. docs/figures/results_table.py prints docs/results/backbone-ranks.json as a table.
"""

import json
import sys
from pathlib import Path

import numpy as np
from scipy import stats

from kerasal.evaluation.resampling import resampled_means
from kerasal.quest import Results


def main() -> None:
    *given, result = sys.argv[1:]
    quests = {name: Results.read(Path(folder)) for name, folder in (one.split("=", 1) for one in given)}
    first, second = quests.values()
    (test,) = set(first.tests) & set(second.tests)
    losses = [spec for spec in first.config["losses"] if spec in second.config["losses"]]
    found = {
        "test": test,
        "seeds": first.config["seeds"],
        "losses": {loss: {} for loss in losses},
        "ranks": {},
    }
    for metric in [key for key in first.config["metrics"] if key in second.config["metrics"]]:
        values = {name: quest.known(test, metric, losses) for name, quest in quests.items()}
        for name, scores in values.items():  # (losses, seeds, images)
            for loss, of_loss in zip(losses, scores, strict=True):
                by_seed = of_loss.mean(axis=-1)
                means = {"mean": by_seed.mean(), "low": by_seed.min(), "high": by_seed.max()}
                found["losses"][loss].setdefault(name, {})[metric] = {k: float(v) for k, v in means.items()}
        one, other = (scores.mean(axis=(1, 2)) for scores in values.values())
        rho = stats.spearmanr(one, other)
        drawn = [
            stats.spearmanr(*pair).statistic
            for pair in zip(*(resampled_means(scores).T for scores in values.values()), strict=True)
        ]
        low, median, high = np.quantile(drawn, (0.025, 0.5, 0.975))
        interval = np.clip(rho.statistic - median + np.array([low, high]), -1, 1)
        found["ranks"][metric] = {"rho": rho.statistic, "p": rho.pvalue, "interval": interval.tolist()}
    Path(result).write_text(json.dumps(found, indent=1) + "\n")
    for metric, rank in found["ranks"].items():
        print(f"{metric}: rho {rank['rho']:+.2f} ({rank['interval'][0]:+.2f} to {rank['interval'][1]:+.2f})")


if __name__ == "__main__":
    main()
