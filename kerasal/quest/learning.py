"""How the heads of a quest learn: each loss chooses its learning rate, then all are trained."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kerasal.data.pipeline import batches
from kerasal.data.sample import Dataset
from kerasal.quest.heads import Heads
from kerasal.quest.options import QuestOptions
from kerasal.training.features import FeatureCache

LEARNED, COLLAPSED, DIVERGED = "learned", "collapsed", "diverged"


@dataclass(frozen=True)
class Splits:
    """The dataset with its features, as batches."""

    dataset: Dataset
    features: dict[str, FeatureCache]
    options: QuestOptions

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return -(-len(self.dataset["train"]) // self.options.training.batch_size)

    @property
    def trial_steps(self) -> int:
        """Steps of one trial of a learning rate."""
        return max(1, round(self.options.search_epochs * self.steps))

    def train(self, seed: int, first_epoch: int, epochs: int = 1):
        its = self.options.training
        return batches(
            self.dataset["train"],
            its.input_size,
            its.batch_size,
            reader=self.features["train"].reader(),
            epochs=epochs,
            first_epoch=first_epoch,
            seed=seed,
            flip=its.flip,
            parts=self.dataset.draws,
        )

    def evaluation(self, split: str):
        its = self.options.training
        return batches(
            self.dataset[split], its.input_size, its.batch_size, reader=self.features[split].reader()
        )


def choose_rates(heads: Heads, splits: Splits, seed: int, progress: Callable[[str], Callable]) -> list[dict]:
    """The learning rate of each head: the one of the options' whose short training ends best.

    Without any to search, the recipe's.

    Best is the lowest loss of its own on the validation split, with maps that are not constant. Returns for
    each head `rate` and `trials`: rate, validation loss (None where it is not finite), collapsed.
    """
    trials: list[list[dict]] = [[] for _ in heads.specs]
    steps = splits.trial_steps
    for number, rate in enumerate(splits.options.search_rates, start=1):
        heads.reset()
        step = progress(f"learning rate {number} of {len(splits.options.search_rates)}")
        epochs = math.ceil(steps / splits.steps)
        part = splits.train(seed, 0, epochs).take(steps)
        heads.train(part, [rate] * len(heads.specs), 0, steps, step)
        with heads.averaged():
            found = heads.validate(splits.evaluation("validation"))
        for its, validation in zip(trials, found, strict=True):
            loss = validation.values["loss"] if validation.finite else None
            its.append({"rate": rate, "loss": loss, "collapsed": validation.collapsed})
    if not splits.options.search_rates:
        return [{"rate": splits.options.recipe_rate(spec), "trials": []} for spec in heads.specs]
    return [{"rate": _best_rate(its), "trials": its} for its in trials]


def train_heads(
    heads: Heads, rates: list[float], splits: Splits, seed: int, progress: Callable[[str], Callable]
) -> list[tuple[dict, list[np.ndarray]]]:
    """Train all heads for the options' epochs; the weights kept are those with the best validation loss.

    Returns for each head how it learned, `state`, `best_epoch` (from 0; None where it diverged) and
    `history` (an entry an epoch: `train` and `validation`, means by name), and its weights.
    """
    epochs = splits.options.training.epochs
    total = epochs * splits.steps
    heads.reset()
    records = [{"state": LEARNED, "best_epoch": None, "history": []} for _ in heads.specs]
    best: list[tuple[float, list[np.ndarray], bool]] = [(math.inf, [], False)] * len(heads.specs)
    for epoch in range(epochs):
        step = progress(f"epoch {epoch + 1} of {epochs}")
        training = heads.train(splits.train(seed, epoch), rates, epoch * splits.steps, total, step)
        with heads.averaged():
            validation = heads.validate(splits.evaluation("validation"))
            for index, (record, its) in enumerate(zip(records, validation, strict=True)):
                record["history"].append({"train": _known(training[index]), "validation": _known(its.values)})
                if its.finite and its.values["loss"] < best[index][0]:
                    best[index] = (its.values["loss"], heads.weights(index), its.collapsed)
                    record["best_epoch"] = epoch
    for index, (record, (_, _, flat)) in enumerate(zip(records, best, strict=True)):
        if record["best_epoch"] is None:
            record["state"], best[index] = DIVERGED, (math.nan, heads.weights(index), False)
        elif flat:
            record["state"] = COLLAPSED
    return [(record, weights) for record, (_, weights, _) in zip(records, best, strict=True)]


def _best_rate(trials: list[dict]) -> float:
    """The rate with the lowest loss; of maps that are constant, or where no loss is a number, the lowest."""
    usable = [trial for trial in trials if trial["loss"] is not None and not trial["collapsed"]]
    if not usable:
        return min(trial["rate"] for trial in trials)
    return min(usable, key=lambda trial: trial["loss"])["rate"]


def _known(values: dict[str, float]) -> dict[str, float | None]:
    """JSON has no NaN."""
    return {name: value if math.isfinite(value) else None for name, value in values.items()}
