"""What a quest found: means with intervals, places, paired differences, the agreement with the paper."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from kerasal.data.names import counted
from kerasal.errors import InputError
from kerasal.evaluation import Comparison, Scores, compare, tables
from kerasal.evaluation.ranks import MeanRanks, mean_ranks
from kerasal.evaluation.resampling import resampled_means
from kerasal.evaluation.scores import finite_mean
from kerasal.quest import findings, paper
from kerasal.quest.folder import QuestFolder
from kerasal.quest.learning import COLLAPSED, DIVERGED, LEARNED, WATCHED
from kerasal.quest.specs import called_as, family
from kerasal.reports import ReportedResults, agreement_table, agreements

UNTRAINED = "untrained"  # learned, and yet not above the centre bias


@dataclass(frozen=True, eq=False)
class Results(ReportedResults):
    """The scores of a quest's losses on its test sets, and what follows from them.

    Attributes:
        scores: [test set][seed][spec].
        heads: [seed][spec], how each head learned.
        rates: [spec], how each loss chose its learning rate.
        center_bias: [test set], the scores of the training split's mean density; of older quests there are
            none.
    """

    folder: QuestFolder
    scores: dict[str, dict[int, dict[str, Scores]]]
    heads: dict[int, dict[str, dict[str, Any]]]
    rates: dict[str, dict[str, Any]]
    center_bias: dict[str, Scores] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: QuestFolder | Path | str) -> "Results":
        """What a finished quest's folder holds. InputError: no such folder, or it is not finished."""
        folder = folder if isinstance(folder, QuestFolder) else QuestFolder(folder)
        config = folder.config
        losses, seeds = config["losses"], config["seeds"]
        tests = [test["name"] for test in config["tests"]]
        bias = {name: one for name in tests if (one := folder.read_scores(center_bias_file(name)))}
        scores = {}
        for name in tests:
            found = {(seed, spec): folder.scores(seed, name, spec) for seed in seeds for spec in losses}
            # A test set of an earlier call has no scores of what was trained since.
            if all(have_all(one, config["metrics"]) for one in found.values()):
                scores[name] = {
                    seed: {spec: _of(found[seed, spec], config["metrics"]) for spec in losses}
                    for seed in seeds
                }
        heads = {seed: {spec: folder.head(seed, spec) for spec in losses} for seed in seeds}
        if not scores or not all(all(of_seed.values()) for of_seed in heads.values()):
            raise InputError(f"the quest in {folder.path} is not finished: call it again, and it goes on")
        rates = {spec: folder.rate(spec) for spec in losses}
        return cls(folder, config, scores, heads, rates, bias)

    @property
    def tests(self) -> list[str]:
        """The test sets' names; the first is the test split of the training data."""
        return list(self.scores)

    @property
    def sets_apart(self) -> list[str]:
        """The test sets that share no image: a mixture's own is its sets' together."""
        return [
            test
            for test in self.tests
            if not ("+" in test and all(part in self.tests for part in test.split("+")))
        ]

    @cached_property
    def states(self) -> dict[str, str]:
        """What became of each loss: "learned", or the worst that happened to one of its seeds."""
        worse = (LEARNED, COLLAPSED, DIVERGED)
        return {
            spec: max((heads[spec]["state"] for heads in self.heads.values()), key=worse.index)
            for spec in self.config["losses"]
        }

    def states_on(self, test: str) -> dict[str, str]:
        """The same on a test set, where a loss whose CC is not above the centre bias's is "untrained"."""
        bias, states = self.center_bias_mean(test), dict(self.states)
        if bias is not None:
            for spec, scores in self.mean_scores(test).items():
                if states[spec] == LEARNED and not finite_mean(scores.values["cc"]) > bias:
                    states[spec] = UNTRAINED
        return states

    def center_bias_mean(self, test: str) -> float | None:
        """The centre bias's CC on a test set; None where that, or the losses', is not known."""
        bias = self.center_bias.get(test)
        known = bias is not None and "cc" in bias.values and "cc" in self.config["metrics"]
        return finite_mean(bias.values["cc"]) if known else None

    def competing(self, test: str) -> list[str]:
        """The losses that have a place on a test set: those that learned, and are above the centre bias."""
        return [spec for spec, state in self.states_on(test).items() if state == LEARNED]

    def mean_scores(self, test: str) -> dict[str, Scores]:
        """The scores of each loss, image by image: means over the seeds that did not diverge."""
        return {spec: self._over_seeds(test, spec) for spec in self.config["losses"]}

    def comparison(self, test: str, reference: str | None = None) -> Comparison:
        """Means with intervals, and paired differences from `reference` (default: mse).

        Intervals and corrected tests are over images and seeds; with one seed over images alone.
        """
        reference = reference or self.reference

        def made() -> Comparison:
            by_seed = self.scores[test].values()
            scores = {spec: [scores[spec] for scores in by_seed] for spec in self.config["losses"]}
            unranked = set(self.config["losses"]) - set(self.competing(test))
            return compare(scores, reference, unranked=unranked)

        return self.once(("comparison", test, reference), made)

    @property
    def uncertainty(self) -> str:
        """What the intervals and tests take into account, a sentence."""
        count = len(self.config["seeds"])
        if count == 1:
            return (
                "Intervals and tests are over images alone: with one seed they say nothing of what another "
                "seed would change."
            )
        return f"Intervals and corrected tests are over images and {count} seeds."

    @cached_property
    def mean_ranks(self) -> MeanRanks | None:
        """The ranks of the losses that have a place everywhere, over all images of all test sets.

        Of scores averaged over seeds.
        """
        everywhere = [
            spec
            for spec in self.config["losses"]
            if all(spec in self.competing(test) for test in self.sets_apart)
        ]
        means = [self.mean_scores(test) for test in self.sets_apart]
        return mean_ranks([{spec: scores[spec] for spec in everywhere} for scores in means])

    @property
    def reference(self) -> str:
        """What every loss is compared with: mse, or the first loss where it is not among them."""
        return "mse" if "mse" in self.config["losses"] else self.config["losses"][0]

    @property
    def mean_places(self) -> dict[str, float]:
        """The mean place over the metrics of the first test set of each loss that has one in all."""
        return self.comparison(self.tests[0]).mean_places

    @cached_property
    def validation(self) -> dict[str, dict[str, float]]:
        """CC, and NSS where there are fixations, on the validation split: means over the seeds.

        Of the weights that were kept; those losses that learned alone.
        """
        found = {}
        for spec in self.config["losses"]:
            if self.states[spec] == LEARNED:
                heads = [heads[spec] for heads in self.heads.values()]
                kept = [head["history"][head["best_epoch"]]["validation"] for head in heads]
                found[spec] = {
                    key: float(np.mean([means[key] for means in kept]))
                    for key in WATCHED
                    if kept[0].get(key) is not None
                }
        return found

    @cached_property
    def best(self) -> str | None:
        """The best of all losses: see `best_of`."""
        return self.best_of(self.config["losses"])

    def best_of(self, specs: Iterable[str]) -> str | None:
        """The loss with the lowest mean place in CC and NSS on the validation split; of equals, in CC.

        The test sets have no say in it, so that their scores of the best loss stay honest. None where none
        learned.
        """
        found = {spec: self.validation[spec] for spec in specs if spec in self.validation}
        if not found:
            return None
        metrics = next(iter(found.values()))
        values = {key: np.array([means[key] for means in found.values()]) for key in metrics}
        places = np.mean([stats.rankdata(-column, method="min") for column in values.values()], axis=0)
        return list(found)[np.lexsort((-values["cc"], places))[0]]

    @cached_property
    def search(self) -> dict[str, Any] | None:
        """What the search for a combination found, see `kerasal.quest.tuning`; None where there was none."""
        if not (found := self.folder.read_json("tuning.json")):
            return None
        losses, scaled = self.config["losses"], bool(self.config["options"]["search_rates"])
        best = called_as(losses, [found["best"]], scaled=scaled)[0]
        return {**found, "best": best} if best in losses else None

    @property
    def references(self) -> list[str]:
        """What every other loss is compared with in pairs: `reference`, `best`, and the searched sum."""
        tuned = [self.search["best"]] if self.search else []
        return list(dict.fromkeys([*super().references, *tuned]))

    def seed_spread(self, test: str, spec: str, metric: str) -> dict[str, float] | None:
        """How a mean differs from seed to seed: lowest, highest, standard deviation; None for one seed."""
        means = [finite_mean(scores[spec].values[metric]) for scores in self.scores[test].values()]
        means = [mean for mean in means if math.isfinite(mean)]
        if len(means) < 2:
            return None
        return {"low": min(means), "high": max(means), "standard_deviation": float(np.std(means, ddof=1))}

    def agreement(self, test: str) -> dict[str, dict[str, Any]]:
        """Rank correlation of the losses' means with the paper's Table 2, for each metric that both have.

        Of the losses that have a place, "losses" is their number; with intervals over images and seeds where
        there are two images. See `kerasal.reports.rank_correlations`.
        """
        competing = [row for row in paper.TABLE_2 if row.spec in self.competing(test)]
        printed = {metric: {row.spec: row.value(metric) for row in competing} for metric in paper.METRICS}
        resampled = partial(self._resampled, test)
        return self.once(
            ("agreement", test), lambda: agreements(self.comparison(test), printed, "losses", resampled)
        )

    def found(self) -> dict[str, Any]:
        return {
            "uncertainty": self.uncertainty,
            "critical_difference": self.mean_ranks and asdict(self.mean_ranks),
            "paper_findings": [asdict(finding) for finding in findings.of_the_paper(self)],
            "search": self.search,
            "losses": {
                spec: {
                    "family": family(spec),
                    "state": self.states[spec],
                    "mean_rank": self.mean_places.get(spec),
                    "validation": self.validation.get(spec),
                    **self.rates[spec],
                    "best_epoch": {seed: heads[spec]["best_epoch"] for seed, heads in self.heads.items()},
                }
                for spec in self.config["losses"]
            },
            "tests": {test: self._test_as_dict(test) for test in self.tests},
        }

    def table(self, test: str, *, errors: bool = True) -> tables.Table:
        """Table 2 for a test set: the mean of each loss, marked as in the paper, and what became of it."""
        table, states = tables.means(self.comparison(test), errors=errors), self.states_on(test)
        for row in table.rows:
            rate = self.rates[spec := row[0].text]
            notes = [states[spec]] if states[spec] != LEARNED else []
            if any(trial["activation"] != rate["activation"] for trial in rate["trials"]):
                notes.append("behind a sigmoid")  # since a relu had died at every rate
            if notes:
                row[0] = tables.Cell(f"{spec} ({', '.join(notes)})")
        return tables.Table(table.title, ["loss", *table.header[1:]], table.rows)

    def ranks_table(self) -> tables.Table | None:
        """The mean ranks of `mean_ranks`, and by their numbers the cliques that each loss is in."""
        found = self.mean_ranks
        if found is None:
            return None
        rows = []
        for spec, rank in found.ranks.items():
            groups = [str(number) for number, clique in enumerate(found.cliques, start=1) if spec in clique]
            rows.append([tables.Cell(spec), tables.Cell(f"{rank:.2f}"), tables.Cell(" ".join(groups) or "–")])
        title = (
            f"mean ranks over {found.images} images and {counted(len(found.metrics), 'metric')}; losses of "
            f"one group are not told apart (Nemenyi's critical distance {found.distance:.2f}, Friedman's p "
            f"{found.p_value:.2g})"
        )
        return tables.Table(title, ["loss", "mean rank ↓", "groups"], rows)

    def title(self, test: str) -> str:
        """What a test set's table shows, for its head."""
        test_set = next(test_set for test_set in self.config["tests"] if test_set["name"] == test)
        training = self.config["data"]
        return (
            f"trained on {training['name']} ({counted(training['train'], 'image')}, "
            f"{counted(len(self.config['seeds']), 'seed')}, {self.beginning}), tested on {test} "
            f"({counted(test_set['images'], 'image')})"
        )

    @property
    def beginning(self) -> str:
        """Where all losses began, in words."""
        start, epochs = (self.config["options"].get(key) for key in ("start", "start_epochs"))
        if weights := self.config["options"]["training"].get("weights"):
            return f"from the weights of {Path(weights).name}"
        return f"from {counted(epochs, 'epoch')} of {start}" if start else "from random weights"

    def document(self, write: Callable[[tables.Table], str], comment: str = "") -> str:
        parts = [f"{comment}{self.uncertainty}\n"]
        if table := self.ranks_table():
            sets = " and ".join(self.sets_apart)
            parts.append(tables.under(f"{sets}: {table.title}", table, write, comment))
        for test in self.tests:
            shown = [self.table(test)]
            shown += [tables.differences(self.comparison(test, reference)) for reference in self.references]
            if agreement := self.agreement(test):
                shown.append(agreement_table(agreement, "the paper's Table 2", "losses"))
            parts += [
                tables.under(f"{self.title(test)}: {table.title}", table, write, comment) for table in shown
            ]
        return "\n".join(parts)

    def _over_seeds(self, test: str, spec: str) -> Scores:
        kept = [
            scores[spec]
            for seed, scores in self.scores[test].items()
            if self.heads[seed][spec]["state"] != DIVERGED
        ] or [next(iter(self.scores[test].values()))[spec]]
        means = {key: np.mean([each.values[key] for each in kept], axis=0) for key in kept[0].values}
        return Scores(kept[0].names, means)

    def known(self, test: str, metric: str, specs: Sequence[str]) -> np.ndarray:
        """Scores (specs, seeds, images) of some losses, on the images that all of them have one of."""
        by_seed = self.scores[test].values()
        values = np.stack([[scores[spec].values[metric] for scores in by_seed] for spec in specs])
        return values[..., np.isfinite(values).all(axis=(0, 1))]

    def _resampled(self, test: str, metric: str, specs: Sequence[str]) -> np.ndarray | None:
        """Means of losses (specs, resamples) over the same resampled seeds and images; None under two."""
        if not specs or (values := self.known(test, metric, specs)).shape[-1] < 2:
            return None
        return resampled_means(values)

    def _test_as_dict(self, test: str) -> dict[str, Any]:
        bias = self.center_bias.get(test)
        return {
            "states": self.states_on(test),
            "center_bias": bias and {key: finite_mean(values) for key, values in bias.values.items()},
            "losses": {
                spec: {
                    metric: {**values, "seeds": self.seed_spread(test, spec, metric)}
                    for metric, values in metrics.items()
                }
                for spec, metrics in self.comparison(test).summaries_as_dict().items()
            },
            "agreement_with_table_2": self.agreement(test),
            "differences": {
                loss: asdict(self.comparison(test, loss))["differences"] for loss in self.references
            },
        }

    def lines(self) -> Iterator[Sequence[Any]]:
        """A line for each test set, loss and seed: means over the images."""
        metrics = self.comparison(self.tests[0]).metrics
        yield ["test", "loss", "family", "seed", "learning_rate", "state", *metrics]
        for test in self.tests:
            for spec in self.config["losses"]:
                for seed, scores in self.scores[test].items():
                    head = self.heads[seed][spec]
                    means = [finite_mean(scores[spec].values[metric]) for metric in metrics]
                    yield [test, spec, family(spec), seed, head["rate"], head["state"], *means]


def have_all(scores: Scores | None, metrics: Iterable[str]) -> bool:
    """Whether there are scores, and of all these metrics."""
    return scores is not None and all(key in scores.values for key in metrics)


def _of(scores: Scores, metrics: Iterable[str]) -> Scores:
    return Scores(scores.names, {key: values for key, values in scores.values.items() if key in metrics})


def center_bias_file(test: str) -> str:
    """Where a quest's folder keeps the scores of the centre bias on a test set."""
    return f"scores/center-bias/{test}.csv"
