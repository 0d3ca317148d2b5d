"""Results of quests that were never run: scores drawn about means that the test knows."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from kerasal.evaluation import Scores
from kerasal.quest import Results, results
from kerasal.quest.folder import QuestFolder


@pytest.fixture
def few_resamples(monkeypatch):
    """A twentieth of the usual resamples: enough for what is not about the third digit."""
    for name in ("compare", "resampled_means"):
        monkeypatch.setattr(results, name, partial(getattr(results, name), resamples=500))


def simulated(
    means,
    *,
    metrics=("cc",),
    seeds=1,
    images=100,
    tests=("osie",),
    validation=None,
    bias=None,
    model="baseline",
    states=None,
    noise=0.05,
    seed_noise=0.0,
    folder=Path("nowhere"),
):
    """A quest whose losses score `means[loss]` (a number, or one for each metric) on average.

    Args:
        validation: CC and NSS of each loss on the validation split; default its first mean.
        bias: CC of the centre bias, by test set.
        noise: of a loss on an image, beside what all losses have in common; `seed_noise`: of a loss's seed.
    """
    random = np.random.default_rng(0)
    names = [str(image) for image in range(images)]
    by_loss = {
        spec: dict(zip(metrics, np.broadcast_to(mean, len(metrics)), strict=True))
        for spec, mean in means.items()
    }
    scores = {}
    for test in tests:
        common = random.normal(0, 0.1, images)
        offsets = {spec: seed_noise * random.normal(size=seeds) for spec in means}
        scores[test] = {
            seed: {
                spec: Scores(
                    names,
                    {
                        key: row[key] + offsets[spec][seed] + common + noise * random.normal(size=images)
                        for key in metrics
                    },
                )
                for spec, row in by_loss.items()
            }
            for seed in range(seeds)
        }
    validation = validation or {spec: next(iter(row.values())) for spec, row in by_loss.items()}
    heads = {
        spec: {
            "state": (states or {}).get(spec, "learned"),
            "rate": 1e-3,
            "activation": "relu",
            "best_epoch": 0,
            "history": [{"train": {}, "validation": {"cc": validation[spec], "nss": validation[spec]}}],
        }
        for spec in means
    }
    config = {
        "losses": list(means),
        "seeds": list(range(seeds)),
        "metrics": list(metrics),
        "tests": [{"name": test, "images": images} for test in tests],
        "data": {"name": tests[0], "train": 500},
        "options": {"training": {"model": model}},
    }
    return Results(
        QuestFolder(folder),
        config,
        scores,
        dict.fromkeys(range(seeds), heads),
        {spec: {"rate": 1e-3, "activation": "relu", "trials": []} for spec in means},
        {test: Scores(names, {"cc": np.full(images, cc)}) for test, cc in (bias or {}).items()},
    )
