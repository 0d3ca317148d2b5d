"""Print the tables of docs/reproducing.md: the paper's numbers, and those of the files in docs/results/.

python docs/figures/reproducing_tables.py
"""

import json
from pathlib import Path

from kerasal.metrics import METRICS
from kerasal.quest import paper

RESULTS = Path(__file__).parents[1] / "results"


def head(first: str, metrics: tuple[str, ...]) -> list[str]:
    names = [f"{METRICS[key].name} {'↑' if METRICS[key].higher_is_better else '↓'}" for key in metrics]
    return [f"| {first} | {' | '.join(names)} |", "|---" * (len(metrics) + 1) + "|"]


def line(label: str, cells: list[str]) -> str:
    return f"| {label} | {' | '.join(cells)} |"


def table_1() -> str:
    """Both numbers of each system, "-" where it has not run."""
    results = json.loads((RESULTS / "osie-comparison.json").read_text())
    metrics = paper.TABLE_1_METRICS
    lines = head("paper, here", metrics)
    for row, printed in paper.TABLE_1.items():
        found = [
            label
            for label, facts in results["systems"].items()
            if facts["model"] and paper.table_1_row(facts["model"], facts["loss"]) == row
        ]
        for label in found or [None]:
            here = results["systems"][label]["metrics"] if label else {}
            cells = [
                f"{value:.2f}, {here[key]['mean']:.2f}" if here else f"{value:.2f}, –"
                for key, value in zip(metrics, printed, strict=True)
            ]
            lines.append(line(f"{row}, {label or 'not run'}", cells))
    return "\n".join(lines)


def table_2() -> str:
    results = json.loads((RESULTS / "quest-osie/results.json").read_text())
    here = next(iter(results["tests"].values()))["losses"]
    lines = head("paper, here", paper.METRICS)
    for row in paper.TABLE_2:
        values = here[row.spec]
        cells = [f"{row.value(key):.3f}, {values[key]['mean']:.3f}" for key in paper.METRICS]
        state = results["losses"][row.spec]["state"]
        lines.append(line(row.printed + (f" ({state})" if state != "learned" else ""), cells))
    return "\n".join(lines)


if __name__ == "__main__":
    print(table_1(), table_2(), sep="\n\n")
