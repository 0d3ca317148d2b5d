"""The jobs of a quest: some heads of one seed that learn side by side, and some that are scored.

A job depends on its description alone, wherever it is computed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasal import losses
from kerasal.evaluation import Scores
from kerasal.quest.folder import QuestFolder, restored_head
from kerasal.quest.heads import Heads, is_perceptual
from kerasal.quest.learning import DIVERGED, Splits, choose_rates, train_heads
from kerasal.quest.scoring import TestSet, no_scores, score_heads
from kerasal.training.features import Progress

MAPS_BATCH = 8

# (job, whether it trains or searches, steps) -> (part) -> called after each step: see `QuestProgress.stage`.
Stages = Callable[["LearningJob", bool, int], Callable[[str], Callable[[], None]]]


@dataclass(frozen=True)
class LearningJob:
    """Losses of one group: those that choose their rate, and those whose heads are then trained."""

    seed: int
    searching: list[str]
    training: list[str]
    rates: dict[str, dict[str, Any]]  # of the losses in `training` that have chosen

    @classmethod
    def left(cls, folder: QuestFolder, group: Sequence[str], seed: int) -> "LearningJob | None":
        """What is not done yet of a group; None where all is."""
        rates = {spec: folder.rate(spec) for spec in group}
        searching = [spec for spec in group if rates[spec] is None]
        training = [spec for spec in group if folder.head(seed, spec) is None]
        known = {spec: rates[spec] for spec in training if rates[spec]}
        return cls(seed, searching, training, known) if searching or training else None


@dataclass(frozen=True, eq=False)
class Learning:
    """What all jobs of a quest's training share. `bias`: the centre bias of the training split."""

    config: dict[str, Any]
    splits: Splits
    bias: np.ndarray

    def results(self, job: LearningJob, report: Callable[[str], None], stages: Stages) -> Iterator[tuple]:
        """("rate", spec, how it was chosen) and ("head", spec, record, weights), as they are found."""
        first, rates, heads = self.config["seeds"][0], dict(job.rates), None
        if job.searching:
            # The search is the first seed's, whichever seed trains.
            found, heads = self._searched(job, first, report, stages)
            for spec in job.searching:
                rates[spec] = found[spec]
                yield "rate", spec, found[spec]
        if not job.training:
            return
        activations = [rates[spec]["activation"] for spec in job.training]
        if job.training != job.searching or job.seed != first or heads.activations != activations:
            heads = self._heads(job.training, activations, job.seed, report)
        chosen = [rates[spec]["rate"] for spec in job.training]
        stage = stages(job, True, self.splits.steps)
        trained = train_heads(heads, chosen, self.splits, job.seed, stage)
        for spec, rate, activation, (record, weights) in zip(
            job.training, chosen, activations, trained, strict=True
        ):
            yield "head", spec, {"rate": rate, "activation": activation, **record}, weights

    def _searched(self, job, seed, report, stages):
        """The rate and the activation that each loss of the job chooses, and the heads that searched.

        Behind a relu a map of zeros has no gradient and stays one. A loss that ends there with every rate
        searches once more behind a sigmoid.
        """
        training = self.splits.options.training
        activations = [
            training.activation or losses.activation_for(losses.get(spec)) for spec in job.searching
        ]
        heads = self._heads(job.searching, activations, seed, report)
        found = self._search(heads, job, seed, stages)
        dead = [
            spec
            for spec, its in found.items()
            if its["activation"] == "relu"
            and its["trials"]
            and all(trial["collapsed"] for trial in its["trials"])
        ]
        if dead and not training.activation:
            report(f"only constant maps behind a relu, once more behind a sigmoid: {', '.join(dead)}")
            again = self._heads(dead, ["sigmoid"] * len(dead), seed, report)
            for spec, its in self._search(again, job, seed, stages).items():
                found[spec] = {**its, "trials": found[spec]["trials"] + its["trials"]}
        return found, heads

    def _search(self, heads, job, seed, stages):
        chosen = choose_rates(heads, self.splits, seed, stages(job, False, self.splits.trial_steps))
        return {
            spec: {
                "rate": its["rate"],
                "activation": activation,
                "trials": [{"activation": activation, **trial} for trial in its["trials"]],
            }
            for spec, activation, its in zip(heads.specs, heads.activations, chosen, strict=True)
        }

    def _heads(self, specs, activations, seed, report):
        report(f"preparing {len(specs)} heads: {', '.join(specs)}")
        options = self.config["model_options"]
        return Heads(
            specs,
            {**options, "input_size": tuple(options["input_size"])},
            self.splits.options.training,
            self.bias,
            activations=activations,
            seed=seed,
            precision=self.config["precision"],
            fixations=self.splits.dataset.has_fixations,
        )


def learn(learning: Learning, job: LearningJob) -> list[tuple]:
    """All results of a job, for a worker that has nobody to report to."""
    return list(learning.results(job, lambda _: None, lambda *_: lambda _: lambda: None))


def score(
    config: dict[str, Any],
    test_set: TestSet,
    seed: int,
    heads: dict[str, tuple[dict[str, Any], list[np.ndarray]]],
    processes: int | None = 1,
    progress: Progress = lambda items, _: items,
) -> dict[str, Scores]:
    """The scores of finished heads, spec -> (record, weights); no value where one diverged."""
    learned = {
        spec: restored_head(config, seed, *its) for spec, its in heads.items() if its[0]["state"] != DIVERGED
    }
    scores = {spec: no_scores(test_set, config["metrics"]) for spec in heads}
    if learned:
        maps = test_set.maps(learned.values(), tuple(config["model_options"]["input_size"]), MAPS_BATCH)
        choice = {"metrics": config["metrics"], "processes": processes, "progress": progress}
        scores |= score_heads(test_set, list(learned), maps, **choice)
    return scores


def groups(specs: Sequence[str], size: int) -> list[list[str]]:
    """Losses that share a step, at most `size`: the perceptual ones first, which share a pass of VGG-16."""
    perceptual = [spec for spec in specs if is_perceptual(spec)]
    others = [spec for spec in specs if not is_perceptual(spec)]
    return [part[i : i + size] for part in (perceptual, others) for i in range(0, len(part), size)]
