"""The jobs of a quest's training: some heads of one seed that learn side by side.

A job depends on its description alone, wherever it is computed; those of scoring are in scoring.py.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from kerasal.data.names import counted
from kerasal.errors import InputError
from kerasal.quest.folder import QuestFolder
from kerasal.quest.heads import Heads, is_perceptual
from kerasal.quest.learning import LEARNED, Splits, train_heads
from kerasal.quest.rates import RateSearch

START_DIVISORS = (1, 3, 10, 30)  # of the start's rate, until it learns
MOST_MOVES = 4  # of a search whose best rate lies at its edge

# (job, whether it trains or searches, steps) -> (part) -> called after each step: see `QuestProgress.stage`.
Stages = Callable[["LearningJob", bool, int], Callable[[str], Callable[[], None]]]


@dataclass(frozen=True)
class LearningJob:
    """Losses of one group: those that choose their rate, and those whose heads are then trained."""

    seed: int
    searching: list[str]
    training: list[str]
    rates: dict[str, dict[str, Any]]  # of the losses that have chosen

    @classmethod
    def left(cls, folder: QuestFolder, group: Sequence[str], seed: int) -> "LearningJob | None":
        """What is not done yet of a group; None where all is."""
        rates = {spec: rate for spec in group if (rate := folder.rate(spec))}
        searching = [spec for spec in group if spec not in rates]
        training = [spec for spec in group if folder.head(seed, spec) is None]
        return cls(seed, searching, training, rates) if searching or training else None


@dataclass(frozen=True, eq=False)
class Learning:
    """What all jobs of a quest's training share.

    Attributes:
        bias: the centre bias of the training split.
        starts: seed -> activation -> the weights that heads begin with; empty where they begin at random.
    """

    config: dict[str, Any]
    splits: Splits
    bias: np.ndarray
    starts: dict[int, dict[str, list[np.ndarray]]] = field(default_factory=dict)

    def results(self, job: LearningJob, report: Callable[[str], None], stages: Stages) -> Iterator[tuple]:
        """("rates", spec -> how chosen) and then ("heads", spec -> (record, weights)), as they are found."""
        first, rates, heads = self.config["seeds"][0], dict(job.rates), None
        if job.searching:
            # The search is the first seed's, whichever seed trains.
            found, heads = self._searched(job, first, report, stages)
            rates |= found
            yield "rates", found
        if not job.training:
            return
        activations = [rates[spec]["activation"] for spec in job.training]
        if job.training != job.searching or job.seed != first or heads.activations != activations:
            heads = self.make_heads(job.training, activations, job.seed, report)
        chosen = [rates[spec]["rate"] for spec in job.training]
        trained = train_heads(heads, chosen, self.splits, job.seed, stages(job, True, self.splits.steps))
        yield (
            "heads",
            {
                spec: ({"rate": rate, "activation": activation, **record}, weights)
                for spec, rate, activation, (record, weights) in zip(
                    job.training, chosen, activations, trained, strict=True
                )
            },
        )

    def start(
        self, seed: int, progress: Callable[[str], Callable[[], None]], report: Callable[[str], None]
    ) -> dict[str, tuple]:
        """Where all losses of a seed go on from: activation -> (how the start learned, its weights).

        It begins at random itself, as `starts` has nothing of that seed yet.
        Where it does not learn at the options' rate, it does so at a lower one. InputError: at none.
        """
        options = self.splits.options
        short = replace(options, training=replace(options.training, epochs=options.start_epochs))
        fixed = options.training.activation
        activations = [fixed] if fixed else ["relu", "sigmoid"]
        heads = self.make_heads([options.start] * len(activations), activations, seed, report)
        splits, found = replace(self.splits, options=short), {}
        for rate in [float(f"{options.start_rate / divisor:.2g}") for divisor in START_DIVISORS]:
            trained = train_heads(heads, [rate] * len(activations), splits, seed, progress)
            for activation, (record, weights) in zip(activations, trained, strict=True):
                if activation not in found and record["state"] == LEARNED:
                    found[activation] = ({"loss": options.start, "rate": rate, **record}, weights)
            left = [activation for activation in activations if activation not in found]
            if not left:
                return found
            report(f"the start, {options.start}, learns nothing behind a {left[0]} at a rate of {rate:g}")
        raise InputError(
            f"the common start, {options.start}, learns nothing behind a {left[0]}, down to a rate of "
            f"{rate:g}: choose another with --start, or none"
        )

    def make_heads(
        self,
        specs: Sequence[str],
        activations: Sequence[str] | None,
        seed: int,
        report: Callable[[str], None],
    ) -> Heads:
        """Heads that learn side by side, from their seed's start if there is one."""
        report(f"preparing {counted(len(specs), 'head')}: {', '.join(specs)}")
        return Heads(
            specs,
            self.config["model_options"],
            self.splits.options.training,
            self.bias,
            activations=activations,
            start=self.starts.get(seed),
            seed=seed,
            precision=self.config["precision"],
            fixations=self.splits.dataset.has_fixations,
        )

    def _searched(self, job, seed, report, stages):
        """What each loss of the job chooses, and the heads that searched first."""
        options = self.splits.options
        heads = self.make_heads(job.searching, None, seed, report)
        if not options.search_rates:
            found = {
                spec: {"rate": options.recipe_rate(spec), "activation": activation, "trials": []}
                for spec, activation in zip(heads.specs, heads.activations, strict=True)
            }
            return found, heads
        search = RateSearch(self.splits, seed, stages(job, False, self.splits.trial_steps))
        search.try_all(heads)
        latest = heads
        if not options.training.activation and (dead := search.dead(heads)):
            report(f"only constant maps behind a relu, once more behind a sigmoid: {', '.join(dead)}")
            latest = self.make_heads(dead, ["sigmoid"] * len(dead), seed, report)
            search.try_all(latest)
        for _ in range(MOST_MOVES):
            moving = search.moving()
            if not moving:
                break
            activations = [search.activations[spec] for spec in moving]
            if (latest.specs, latest.activations) != (list(moving), activations):
                latest = self.make_heads(list(moving), activations, seed, report)
            search.move(latest, list(moving.values()))
        return search.found(), heads


def learn(learning: Learning, job: LearningJob) -> list[tuple]:
    """All results of a job, for a worker that has nobody to report to."""
    return list(learning.results(job, lambda _: None, lambda *_: lambda _: lambda: None))


def groups(specs: Sequence[str], size: int) -> list[list[str]]:
    """Losses that share a step, at most `size`: the perceptual ones first, which share a pass of VGG-16."""
    perceptual = [spec for spec in specs if is_perceptual(spec)]
    others = [spec for spec in specs if not is_perceptual(spec)]
    return [part[i : i + size] for part in (perceptual, others) for i in range(0, len(part), size)]
