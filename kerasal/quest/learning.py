"""How the heads of a quest learn: each loss chooses its learning rate, then all are trained."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kerasal._files import null_for_nan
from kerasal.data.pipeline import batches
from kerasal.data.sample import Dataset
from kerasal.quest.heads import Heads
from kerasal.quest.options import QuestOptions
from kerasal.training.features import FeatureCache

LEARNED, COLLAPSED, DIVERGED = "learned", "collapsed", "diverged"
WATCHED = ("cc", "nss")  # metrics on the validation split that losses of any kind can be compared by


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

    def train(self, seed: int, epochs: int):
        """The batches of the training split, epoch after epoch."""
        options = self.options.training
        return batches(
            self.dataset["train"],
            options.input_size,
            options.batch_size,
            reader=self.features["train"].reader(),
            epochs=epochs,
            seed=seed,
            flip=options.flip,
            parts=self.dataset.draws,
        )

    def trial(self, seed: int):
        """The batches of one trial of a learning rate."""
        return self.train(seed, math.ceil(self.trial_steps / self.steps)).take(self.trial_steps)

    @cached_property
    def validation(self):
        """The batches of the validation split, to go through as often as one likes."""
        options, reader = self.options.training, self.features["validation"].reader()
        return batches(self.dataset["validation"], options.input_size, options.batch_size, reader=reader)

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name != "validation"}


def train_heads(
    heads: Heads, rates: list[float], splits: Splits, seed: int, progress: Callable[[str], Callable]
) -> list[tuple[dict, list[np.ndarray]]]:
    """Train all heads for the options' epochs; the weights kept are those with the best validation loss.

    A head stops learning where `kerasal train` would: after `patience` epochs without a better one, when its
    maps are constant, or when too many steps in a row were left out.

    Returns for each head how it learned, `state`, `best_epoch` (from 0; None where it diverged) and
    `history` (an entry an epoch: `train` and `validation`, means by name), and its weights.
    """
    epochs, patience = splits.options.training.epochs, splits.options.training.patience
    heads.reset()
    records = [dict[str, Any](state=LEARNED, best_epoch=None, history=[]) for _ in heads.specs]
    best: list[tuple[float, list[np.ndarray], bool]] = [(math.inf, [], False)] * len(heads.specs)
    learning = set(range(len(heads.specs)))
    of_all_epochs = iter(splits.train(seed, epochs))
    for epoch in range(epochs):
        step = progress(f"epoch {epoch + 1} of {epochs}")
        of_epoch = itertools.islice(of_all_epochs, splits.steps)
        training = heads.train(of_epoch, rates, epochs, splits.steps, step)
        with heads.averaged():
            validation = heads.validate(splits.validation)
            for index in sorted(learning):
                record, found = records[index], validation[index]
                record["history"].append(null_for_nan({"train": training[index], "validation": found.values}))
                if -math.inf < found.values["loss"] < best[index][0]:  # NaN is not
                    weights = heads.weights(index)
                    if all(np.isfinite(array).all() for array in weights):  # a relu hides NaN
                        best[index] = (found.values["loss"], weights, found.collapsed)
                        record["best_epoch"] = epoch
                waited = epoch - (-1 if record["best_epoch"] is None else record["best_epoch"])
                if heads.is_stuck(index):
                    record["state"] = DIVERGED
                if record["state"] == DIVERGED or found.collapsed or (patience and waited >= patience):
                    learning.remove(index)
        if not learning:
            break
    for index, (record, (_, _, flat)) in enumerate(zip(records, best, strict=True)):
        if record["best_epoch"] is None:
            record["state"], best[index] = DIVERGED, (math.nan, heads.weights(index), False)
        elif flat and record["state"] == LEARNED:
            record["state"] = COLLAPSED
    return [(record, weights) for record, (_, weights, _) in zip(records, best, strict=True)]
