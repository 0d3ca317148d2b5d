"""Print the tables of docs/results.md from the files that `kerasal evaluate` wrote to docs/results/.

python docs/figures/results_table.py
"""

import json
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "results"
METRICS = {"cc": "CC ↑", "sim": "SIM ↑", "auc_judd": "AUC-Judd ↑", "nss": "NSS ↑", "kld": "KLD ↓"}
TABLES = {
    "osie": {
        "half-observers": "7 observers predict the other 8",
        "450x600": "`kld+cc+nss`, default recipe, 450x600",
        "default": "`kld+cc+nss`, default recipe, 300x400",
        "paper": "`kld+cc+nss`, the paper's recipe, 10 epochs",
        "mse": "`mse`, default recipe, 300x400",
        "center-bias": "centre bias",
    },
    "synthetic": {
        "upper-bound": "the density that the fixations were drawn from",
        "default": "`kld+cc+nss`, default recipe",
        "center-bias": "centre bias",
    },
}


def table(data: str) -> str:
    """A Markdown table: mean ± standard error of each metric."""
    lines = [f"| {data}, test split | {' | '.join(METRICS.values())} |", "|---" * (len(METRICS) + 1) + "|"]
    for name, label in TABLES[data].items():
        metrics = json.loads((RESULTS / f"{data}-{name}.json").read_text())["metrics"]
        cells = [f"{metrics[key]['mean']:.3f} ± {metrics[key]['standard_error']:.3f}" for key in METRICS]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    for data in TABLES:
        print(table(data), end="\n\n")
