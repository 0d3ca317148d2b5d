"""What a comparison found: means with intervals, paired differences, the paper's figures beside them."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kerasal.classical import CLASSICAL
from kerasal.data.names import counted
from kerasal.errors import InputError
from kerasal.evaluation import Comparison, Scores, compare, tables
from kerasal.evaluation.statistics import FEWEST_FOR_TEST
from kerasal.metrics import METRICS
from kerasal.models import NETWORKS
from kerasal.prediction import how_to_get
from kerasal.quest import paper
from kerasal.quest.findings import BEHIND, OPEN, side, too_few
from kerasal.reports import ReportedResults, agreement_table, agreements
from kerasal.reports.rank_correlation import agreement_sentence
from kerasal.table1.entries import KINDS, REFERENCE_KIND, REFERENCES
from kerasal.table1.folder import Table1Folder

CENTER_BIAS = "center-bias"


@dataclass(frozen=True, eq=False)
class Results(ReportedResults):
    """The scores of a comparison's systems, and what follows from them.

    Attributes:
        systems: the facts of each (see `Entry`) by its label, in the order of the tables.
        scores: of each by its label, image by image.
        failed: a line for each system that could not do these data.
    """

    folder: Table1Folder
    systems: dict[str, dict[str, Any]]
    scores: dict[str, Scores]
    failed: tuple[str, ...] = ()

    @classmethod
    def read(cls, folder: Table1Folder | Path | str, failed: Sequence[str] = ()) -> "Results":
        """What a comparison's folder holds. InputError: no such folder, or no system in it."""
        folder = folder if isinstance(folder, Table1Folder) else Table1Folder(folder)
        config = folder.config
        systems = {facts["label"]: facts for facts in sorted(folder.systems(), key=_place)}
        if not systems:
            raise InputError(f"no system could be scored: {failed[0] if failed else 'none was tried'}")
        scores = {label: folder.scores(facts["name"]) for label, facts in systems.items()}
        return cls(folder, config, systems, scores, tuple(failed))

    @property
    def missing(self) -> list[str]:
        """A line for each system that could not run, with the reason or how to get it."""
        there = {facts["model"] for facts in self.systems.values()}
        return [*self.failed, *(how_to_get(network) for network in NETWORKS if network not in there)]

    def comparison(self, reference: str | None = None) -> Comparison:
        """Means with intervals over images, and paired differences from a system, by its label."""
        reference = reference or self.reference
        unranked = [label for label, facts in self.systems.items() if not facts["competes"]]
        return self.once(reference, lambda: compare(self.scores, reference, unranked=unranked))

    @property
    def reference(self) -> str:
        """What every system is compared with: center-bias, or the first where there is none."""
        return CENTER_BIAS if CENTER_BIAS in self.systems else next(iter(self.systems))

    @property
    def best(self) -> str | None:
        """The system with the lowest mean place, reference lines apart; of equals the first."""
        return next(iter(self._lowest), None)

    @property
    def _lowest(self) -> list[str]:
        """All systems with the lowest mean place."""
        places = {
            label: place
            for label, place in self.comparison().mean_places.items()
            if self.systems[label]["kind"] != REFERENCE_KIND
        }
        return [label for label, place in places.items() if place == min(places.values())]

    @property
    def title(self) -> str:
        """What was compared on what."""
        images = counted(len(next(iter(self.scores.values())).names), "image")
        data, split = self.config["data"]["name"], self.config["split"]
        return f"{counted(len(self.systems), 'system')} on {data}, {split} split, {images}"

    @property
    def printed(self) -> dict[str, list[str]]:
        """The systems that stand in each row of the paper's Table 1."""
        rows: dict[str, list[str]] = {row: [] for row in paper.TABLE_1}
        for label, facts in self.systems.items():
            if row := facts["model"] and paper.table_1_row(facts["model"], facts["loss"]):
                rows[row].append(label)
        return rows

    def table(self, *, errors: bool = True) -> tables.Table:
        """The paper's Table 1 for these data: the mean of each metric, marked as in the paper."""
        table = tables.means(self.comparison(), errors=errors)
        rows = []
        for (label, facts), row in zip(self.systems.items(), table.rows, strict=True):
            learned_from = f"{facts['trained_on']}; {facts['loss']}" if facts["loss"] else facts["trained_on"]
            last = tables.number(self.comparison().mean_places.get(label), ".1f")
            rows.append([row[0], tables.Cell(learned_from), *row[1:], last])
        header = [table.header[0], "learned from", *table.header[1:], "mean place ↓"]
        return tables.Table(table.title, header, rows, names=2)

    def paper_table(self) -> tables.Table:
        """The means here beside those of the paper's Table 1, for each of its systems."""
        comparison = self.comparison()
        metrics = [key for key in paper.TABLE_1_METRICS if key in comparison.metrics]
        rows = []
        for row, labels in self.printed.items():
            for label in labels or [""]:
                cells = [tables.Cell(row), tables.Cell(label or "not run")]
                for key in metrics:
                    mean = comparison.summaries[label][key].mean if label else None
                    value = paper.TABLE_1[row][paper.TABLE_1_METRICS.index(key)]
                    cells += [tables.number(mean, ".2f"), tables.number(value, ".2f")]
                rows.append(cells)
        columns = [name for key in metrics for name in (METRICS[key].name, "paper")]
        title = (
            "here, and in the paper's Table 1 (MIT1003, 299 images: other photographs and observers, so that "
            "orders compare and values do not)"
        )
        return tables.Table(title, ["in the paper", "here", *columns], rows, names=2)

    def agreement(self) -> dict[str, dict[str, float]]:
        """Rank correlations with the paper's Table 1, over its rows that a system here stands in.

        Where several do, as the variants of Itti, the first counts.
        """
        firsts = {row: labels[0] for row, labels in self.printed.items() if labels}
        printed = {
            key: {label: paper.TABLE_1[row][index] for row, label in firsts.items()}
            for index, key in enumerate(paper.TABLE_1_METRICS)
        }
        return agreements(self.comparison(), printed, "systems")

    def findings(self) -> list[str]:
        """What there is to say, a sentence each, made from the scores alone."""
        lines = []
        if lowest := self._lowest:
            shown = " and ".join(f"{label}{self._with_cc(label)}" for label in lowest)
            lines.append(f"Best by the mean place over all metrics: {shown}.")
        if CENTER_BIAS in self.systems and "cc" in self.comparison().metrics:
            lines += self._against_center_bias()
        if agreement := self.agreement():
            lines.append(agreement_sentence(agreement, "the paper's Table 1", "systems"))
        return lines

    def _with_cc(self, label: str) -> str:
        if "cc" not in self.comparison().metrics:
            return ""
        cc = self.comparison().summaries[label]["cc"]
        low, high = cc.interval
        return f", CC {cc.mean:.3f}" + (
            f" (95 % interval {low:.3f} to {high:.3f})" if math.isfinite(low) else ""
        )

    def _against_center_bias(self) -> list[str]:
        """Which systems are behind the centre bias in CC, and which are not told apart from it."""
        mean = self.comparison().summaries[CENTER_BIAS]["cc"].mean
        differences = {
            label: by_metric["cc"]
            for label, by_metric in self.comparison(CENTER_BIAS).differences.items()
            if self.systems[label]["kind"] != REFERENCE_KIND
        }
        images = min((difference.images for difference in differences.values()), default=FEWEST_FOR_TEST)
        if images < FEWEST_FOR_TEST:
            return [f"{too_few(images)} to test who is ahead of the centre bias (CC {mean:.3f})."]
        sides = {label: side(difference, "cc") for label, difference in differences.items()}
        return [
            f"{head} the centre bias in CC ({mean:.3f}), by the corrected tests: "
            f"{', '.join(label for label, found in sides.items() if found == which) or 'none'}."
            for which, head in ((BEHIND, "Significantly behind"), (OPEN, "Not told apart from"))
        ]

    def document(self, write: Callable[[tables.Table], str], comment: str = "") -> str:
        """All tables, each under a line that says what it holds; then what could not run."""
        shown = [self.table(), self.paper_table()]
        if agreement := self.agreement():
            shown.append(agreement_table(agreement, "the paper's Table 1", "systems"))
        shown += [tables.differences(self.comparison(label)) for label in self.references]
        parts = [tables.under(f"{self.title}: {table.title}", table, write, comment) for table in shown]
        missing = self.missing if comment else map(tables.for_markdown, self.missing)
        parts += [f"{comment}Not run: {line}\n" for line in missing]
        return "\n".join(parts)

    def found(self) -> dict[str, Any]:
        places, summaries = self.comparison().mean_places, self.comparison().summaries_as_dict()
        return {
            "systems": {
                label: {**facts, "mean_place": places.get(label), "metrics": summaries[label]}
                for label, facts in self.systems.items()
            },
            "differences": {
                label: asdict(self.comparison(label))["differences"] for label in self.references
            },
            "paper_table_1": {
                row: dict(zip(paper.TABLE_1_METRICS, values, strict=True))
                for row, values in paper.TABLE_1.items()
            },
            "agreement_with_table_1": self.agreement(),
            "findings": self.findings(),
            "not_run": self.missing,
        }

    def lines(self) -> Iterator[Sequence[Any]]:
        """A line a system: means over the images."""
        metrics = self.comparison().metrics
        yield ["system", "name", "kind", "model", "loss", "trained_on", *metrics]
        for label, facts in self.systems.items():
            means = [self.comparison().summaries[label][metric].mean for metric in metrics]
            yield [label, *(facts[key] for key in ("name", "kind", "model", "loss", "trained_on")), *means]


def _place(facts: dict[str, Any]) -> tuple:
    """Classical models and networks in the order of their lists, then reference lines."""
    order = [*CLASSICAL, *NETWORKS, *REFERENCES]
    known = facts["model"] or facts["name"]
    place = order.index(known) if known in order else len(order)
    return (KINDS.index(facts["kind"]), place, facts["name"])
