"""What a quest found: means with intervals, places, paired differences, the agreement with the paper."""

import csv
import json
import math
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from kerasal._files import write_atomically
from kerasal.evaluation import Comparison, Scores, compare, tables
from kerasal.quest import paper
from kerasal.quest.folder import QuestFolder
from kerasal.quest.learning import DIVERGED, LEARNED
from kerasal.quest.specs import family
from kerasal.reports import agreement_table, rank_correlations

SCHEMA = 1
WATCHED = {"cc", "nss"}  # metrics on the validation split that losses of any kind can be compared by


@dataclass(frozen=True, eq=False)
class Results:
    """The scores of a quest's losses on its test sets, and what follows from them.

    Attributes:
        scores: [test set][seed][spec].
        heads: [seed][spec], how each head learned.
        rates: [spec], how each loss chose its learning rate.
    """

    folder: QuestFolder
    config: dict[str, Any]
    scores: dict[str, dict[int, dict[str, Scores]]]
    heads: dict[int, dict[str, dict[str, Any]]]
    rates: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, folder: QuestFolder | Path | str) -> "Results":
        """What a finished quest's folder holds. InputError: no such folder."""
        folder = folder if isinstance(folder, QuestFolder) else QuestFolder(folder)
        config = folder.config
        losses, seeds = config["losses"], config["seeds"]
        return cls(
            folder,
            config,
            {
                name: {seed: {s: folder.scores(seed, name, s) for s in losses} for seed in seeds}
                for name in [test["name"] for test in config["tests"]]
            },
            {seed: {s: folder.head(seed, s) for s in losses} for seed in seeds},
            {s: folder.rate(s) for s in losses},
        )

    @property
    def tests(self) -> list[str]:
        """The test sets' names; the first is the test split of the training data."""
        return list(self.scores)

    @cached_property
    def states(self) -> dict[str, str]:
        """What became of each loss: "learned", or the worst that happened to one of its seeds."""
        worst = {}
        for spec in self.config["losses"]:
            states = [heads[spec]["state"] for heads in self.heads.values()]
            worst[spec] = next((state for state in states if state != LEARNED), LEARNED)
        return worst

    def mean_scores(self, test: str) -> dict[str, Scores]:
        """The scores of each loss, image by image: means over the seeds that did not diverge."""
        return {spec: self._over_seeds(test, spec) for spec in self.config["losses"]}

    def comparison(self, test: str, reference: str | None = None) -> Comparison:
        """Means with intervals over images, and paired differences from `reference` (default: mse)."""
        cache = self.__dict__.setdefault("_comparisons", {})
        key = (test, reference or self.reference)
        if key not in cache:
            cache[key] = compare(self.mean_scores(test), key[1])
        return cache[key]

    @property
    def reference(self) -> str:
        """What every loss is compared with: mse, or the first loss where it is not among them."""
        return "mse" if "mse" in self.config["losses"] else self.config["losses"][0]

    @cached_property
    def mean_ranks(self) -> dict[str, float]:
        """The mean place of each loss over the metrics of the first test set; those that learned alone."""
        comparison = self.comparison(self.tests[0])
        places = [comparison.ranks(metric) for metric in comparison.metrics]
        return {
            spec: float(np.mean([its[spec] for its in places]))
            for spec in self.config["losses"]
            if self.states[spec] == LEARNED and all(spec in its for its in places)
        }

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
                    key: float(np.mean([its[key] for its in kept])) for key in WATCHED & kept[0].keys()
                }
        return found

    @cached_property
    def best(self) -> str | None:
        """The loss with the lowest mean place in CC and NSS on the validation split; of equals, in CC.

        The test sets have no say in it, so that their scores of the best loss stay honest.
        """
        if not self.validation:
            return None
        metrics = next(iter(self.validation.values()))
        values = {key: np.array([its[key] for its in self.validation.values()]) for key in metrics}
        places = np.mean([stats.rankdata(-its, method="min") for its in values.values()], axis=0)
        first = np.lexsort((-values["cc"], places))[0]
        return list(self.validation)[first]

    def seed_spread(self, test: str, spec: str, metric: str) -> dict[str, float] | None:
        """How a mean differs from seed to seed: lowest, highest, standard deviation; None for one seed."""
        means = [_mean(its[spec].values[metric]) for its in self.scores[test].values()]
        means = [mean for mean in means if math.isfinite(mean)]
        if len(means) < 2:
            return None
        return {"low": min(means), "high": max(means), "standard_deviation": float(np.std(means, ddof=1))}

    def agreement(self, test: str) -> dict[str, dict[str, float]]:
        """Rank correlation of the losses' means with the paper's Table 2, for each metric that both have.

        See `kerasal.reports.rank_correlations`; "losses" is their number.
        """
        comparison, found = self.comparison(test), {}
        for metric in [key for key in paper.METRICS if key in comparison.metrics]:
            pairs = [
                (row.value(metric), comparison.summaries[row.spec][metric].mean)
                for row in paper.TABLE_2
                if row.spec in comparison.summaries
            ]
            if correlations := rank_correlations(pairs, "losses"):
                found[metric] = correlations
        return found

    def as_dict(self) -> dict[str, Any]:
        """Everything that was found, as plain values; what is not known is None."""
        values = {
            "schema": SCHEMA,
            "config": self.config,
            "reference": self.reference,
            "best": self.best,
            "losses": {
                spec: {
                    "family": family(spec),
                    "state": self.states[spec],
                    "mean_rank": self.mean_ranks.get(spec),
                    "validation": self.validation.get(spec),
                    **self.rates[spec],
                    "best_epoch": {seed: heads[spec]["best_epoch"] for seed, heads in self.heads.items()},
                }
                for spec in self.config["losses"]
            },
            "tests": {test: self._test_as_dict(test) for test in self.tests},
        }
        return _null_for_nan(values)

    def table(self, test: str, *, errors: bool = True) -> tables.Table:
        """Table 2 for a test set: the mean of each loss, marked as in the paper."""
        table = tables.means(self.comparison(test), errors=errors)
        for row in table.rows:
            if (state := self.states[row[0].text]) != LEARNED:
                row[0] = tables.Cell(f"{row[0].text} ({state})")
        return tables.Table(table.title, ["loss", *table.header[1:]], table.rows)

    def title(self, test: str) -> str:
        """What a test set's table shows, for its head."""
        its = next(its for its in self.config["tests"] if its["name"] == test)
        training = self.config["data"]
        seeds = len(self.config["seeds"])
        return (
            f"trained on {training['name']} ({training['train']} images, {seeds} seed{'s' * (seeds > 1)}), "
            f"tested on {test} ({its['images']} images)"
        )

    def document(self, write, comment: str = "") -> str:
        """All tables of all test sets, each under a line that says what it holds."""
        parts = []
        for test in self.tests:
            shown = [self.table(test), tables.differences(self.comparison(test))]
            if self.best not in (None, self.reference):
                shown.append(tables.differences(self.comparison(test, self.best)))
            if agreement := self.agreement(test):
                shown.append(agreement_table(agreement, "the paper's Table 2", "losses"))
            for table in shown:
                gap = "" if comment else "\n"
                parts.append(f"{comment}{self.title(test)}: {table.title}\n{gap}{write(table)}")
        return "\n".join(parts)

    def write(self) -> list[Path]:
        """Write results.json, .csv, .md and .tex; returns their paths."""
        folder = self.folder
        text = json.dumps(self.as_dict(), indent=2, allow_nan=False) + "\n"
        return [
            folder.write_text("results.json", text),
            write_atomically(folder.path / "results.csv", self._write_csv),
            folder.write_text("results.md", self.document(tables.markdown)),
            folder.write_text("results.tex", self.document(tables.latex, "% ")),
        ]

    def _over_seeds(self, test: str, spec: str) -> Scores:
        its = [
            scores[spec]
            for seed, scores in self.scores[test].items()
            if self.heads[seed][spec]["state"] != DIVERGED
        ] or [next(iter(self.scores[test].values()))[spec]]
        return Scores(
            its[0].names, {key: np.mean([each.values[key] for each in its], axis=0) for key in its[0].values}
        )

    def _test_as_dict(self, test: str) -> dict[str, Any]:
        comparison = self.comparison(test)
        ranks = {metric: comparison.ranks(metric) for metric in comparison.metrics}
        values: dict[str, Any] = {
            "losses": {
                spec: {
                    metric: {
                        **asdict(summary),
                        "rank": ranks[metric].get(spec),
                        "seeds": self.seed_spread(test, spec, metric),
                    }
                    for metric, summary in summaries.items()
                }
                for spec, summaries in comparison.summaries.items()
            },
            "agreement_with_table_2": self.agreement(test),
        }
        for reference in dict.fromkeys([self.reference, self.best]):
            if reference is not None:
                differences = self.comparison(test, reference).differences
                values.setdefault("differences", {})[reference] = {
                    spec: {metric: asdict(its) for metric, its in metrics.items()}
                    for spec, metrics in differences.items()
                }
        return values

    def _write_csv(self, path: Path) -> None:
        """A line for each test set, loss and seed: means over the images."""
        with open(path, "w", newline="") as file:
            writer = csv.writer(file)
            metrics = self.comparison(self.tests[0]).metrics
            writer.writerow(["test", "loss", "family", "seed", "learning_rate", "state", *metrics])
            for test in self.tests:
                for spec in self.config["losses"]:
                    for seed, scores in self.scores[test].items():
                        head = self.heads[seed][spec]
                        means = [_mean(scores[spec].values[metric]) for metric in metrics]
                        writer.writerow([test, spec, family(spec), seed, head["rate"], head["state"], *means])


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan


def _null_for_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _null_for_nan(its) for key, its in value.items()}
    if isinstance(value, list | tuple):
        return [_null_for_nan(its) for its in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
