"""Tables of systems and metrics, as data, and as Markdown and LaTeX.

As in the paper's tables the best value of a metric is bold, the second and third are in italics. Systems
that know the answers take no part, and where only one competes nothing is marked.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from kerasal.evaluation.statistics import LEVEL, Comparison
from kerasal.metrics import METRICS

DIGITS = 3
BOLD, ITALIC, PLAIN = "bold", "italic", ""
MARKS: dict[int | None, str] = {1: BOLD, 2: ITALIC, 3: ITALIC}  # by the rank


@dataclass(frozen=True)
class Cell:
    """A text and how it is set."""

    text: str
    mark: str = PLAIN


def number(value: float | None, form: str) -> Cell:
    """A number in a format such as ".2f"; a dash where it is not known."""
    return Cell("–" if value is None or math.isnan(value) else format(value, form))


@dataclass(frozen=True)
class Table:
    """A title, a header, and rows of cells; the first columns hold names, the others numbers."""

    title: str
    header: list[str]
    rows: list[list[Cell]]
    names: int = 1

    @property
    def alignment(self) -> list[str]:
        """Of each column: left or right."""
        return ["left" if index < self.names else "right" for index in range(len(self.header))]


def means(comparison: Comparison, *, errors: bool = True) -> Table:
    """A row a system, a column a metric: the mean, with its standard error if `errors`."""
    ranks = {key: comparison.ranks(key, DIGITS) for key in comparison.metrics}
    rows = []
    for system, summaries in comparison.summaries.items():
        cells = [Cell(system)]
        for key in comparison.metrics:
            summary = summaries[key]
            text = _number(summary.mean)
            if errors and not math.isnan(summary.standard_error):
                text += f" ± {_number(summary.standard_error)}"
            rank = ranks[key].get(system) if len(ranks[key]) > 1 else None
            cells.append(Cell(text, MARKS.get(rank, PLAIN)))
        rows.append(cells)
    return Table("mean" + (" ± standard error" if errors else ""), ["system", *map(_name, ranks)], rows)


def details(comparison: Comparison, system: str) -> Table:
    """A row a metric of one system: mean, standard error, interval, images with a value and without."""
    header = ["metric", "mean", "std. err.", "95 % interval", "images", "skipped"]
    rows = [
        [
            Cell(_name(key)),
            Cell(_number(summary.mean)),
            Cell(_number(summary.standard_error)),
            Cell(_interval(summary.interval)),
            Cell(str(summary.images)),
            Cell(str(summary.skipped)),
        ]
        for key, summary in comparison.summaries[system].items()
    ]
    return Table(system, header, rows)


def differences(comparison: Comparison) -> Table:
    """A row a system and metric: the difference from the reference, its interval, p as it is and corrected.

    Of several seeds there is the p-value over images and seeds, too.
    """
    several = comparison.seeds > 1
    p_values = ["p (Wilcoxon)", *["p (images and seeds)"] * several, "p (corrected)"]
    header = ["system", "metric", "difference", "95 % interval", *p_values, "images"]
    rows = [
        [
            Cell(system if key == comparison.metrics[0] else ""),
            Cell(_name(key)),
            Cell(_number(difference.mean, "+")),
            Cell(_interval(difference.interval, "+")),
            Cell(_p_value(difference.p_value)),
            *[Cell(_p_value(difference.p_seeds))] * several,
            Cell(_p_value(difference.p_corrected)),
            Cell(str(difference.images)),
        ]
        for system, metrics in comparison.differences.items()
        for key, difference in metrics.items()
    ]
    title = f"difference from {comparison.reference}; {_tested(comparison)}"
    return Table(title, header, rows, names=2)


def difference_matrix(comparison: Comparison, what: str = "system") -> Table:
    """A row a system, a column a metric: the mean difference; bold where the two are told apart."""
    rows = []
    for system, metrics in comparison.differences.items():
        cells = [Cell(system)]
        for difference in metrics.values():
            text, ends = _number(difference.mean, "+"), [_number(end, "+") for end in difference.interval]
            if not math.isnan(difference.interval[0]):
                text += f" [{', '.join(ends)}]"
            cells.append(Cell(text, BOLD if difference.told_apart else PLAIN))
        rows.append(cells)
    title = (
        f"mean of {what} minus {comparison.reference}, [95 % interval]; bold: told apart, by the corrected "
        f"p < {LEVEL} and the interval; {_tested(comparison)}"
    )
    return Table(title, [what, *(METRICS[key].name for key in comparison.metrics)], rows)


def _tested(comparison: Comparison) -> str:
    """What the uncertainty of differences is over, and how many are tested at once."""
    count = len(comparison.differences)
    return f"intervals over {comparison.over}; p corrected by Holm for {count} comparison{'s' * (count != 1)}"


def all_tables(comparison: Comparison) -> list[Table]:
    """What to show: of one system its details; of several their means and differences."""
    if len(comparison.summaries) == 1:
        return [details(comparison, comparison.reference)]
    return [means(comparison), differences(comparison)]


def document(title: str, comparison: Comparison, write: Callable[[Table], str], comment: str = "") -> str:
    """All tables, each under a line that says what it holds: text of Markdown, or after `comment`."""
    return "\n".join(
        under(f"{title}: {table.title}", table, write, comment) for table in all_tables(comparison)
    )


def under(heading: str, table: Table, write: Callable[[Table], str], comment: str = "") -> str:
    """A table under a line: as in `document`."""
    head = f"{comment}{heading}" if comment else f"{for_markdown(heading)}\n"
    return f"{head}\n{write(table)}"


def markdown(table: Table) -> str:
    """The table in Markdown."""
    around = {BOLD: "**", ITALIC: "*", PLAIN: ""}
    lines = [
        [for_markdown(name) for name in table.header],
        ["---:" if side == "right" else "---" for side in table.alignment],
    ]
    lines += [
        [f"{around[cell.mark]}{for_markdown(cell.text)}{around[cell.mark]}" for cell in row]
        for row in table.rows
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def latex(table: Table) -> str:
    """The table as a LaTeX `tabular` that needs no package."""
    around = {BOLD: "\\textbf{%s}", ITALIC: "\\textit{%s}", PLAIN: "%s"}
    lines = [[_escaped(name) for name in table.header]]
    lines += [[around[cell.mark] % _escaped(cell.text) for cell in row] for row in table.rows]
    head, *body = (" & ".join(line) + r" \\" for line in lines)
    columns = "".join(side[0] for side in table.alignment)
    ruled = [r"\hline", head, r"\hline", *body, r"\hline"]
    return "\n".join([rf"\begin{{tabular}}{{{columns}}}", *ruled, r"\end{tabular}", ""])


def for_markdown(text: str) -> str:
    """Text that Markdown prints as it is: names of losses have stars. Underscores within a word are safe."""
    return re.sub(r"[\\`*\[\]|~]|<(?=[a-zA-Z/!?])|\b_|_\b", r"\\\g<0>", text)


def _name(metric: str) -> str:
    info = METRICS[metric]
    return f"{info.name} {'↑' if info.higher_is_better else '↓'}"


def _number(value: float, sign: str = "") -> str:
    if math.isnan(value):
        return "–"
    value = round(value, DIGITS)
    return f"{value:{sign}.{DIGITS}f}" if value else f"{0:.{DIGITS}f}"  # not -0.000


def _interval(interval: tuple[float, float], sign: str = "") -> str:
    if math.isnan(interval[0]):
        return "–"
    return " to ".join(_number(end, sign) for end in interval)


def _p_value(p: float) -> str:
    if math.isnan(p):
        return "–"
    return "<0.0001" if p < 0.0001 else f"{p:.4f}"


_LATEX = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "±": r"$\pm$",
    "–": "--",
    "<": "$<$",
}


def _escaped(text: str) -> str:
    """Text for LaTeX. A minus before a digit is one, and no hyphen."""
    escaped = "".join(_LATEX.get(character, character) for character in text)
    if escaped[:1] == "-" and escaped[1:2].isdigit():
        escaped = f"$-${escaped[1:]}"
    return escaped.replace(" to -", " to $-$")
