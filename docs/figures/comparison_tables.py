"""Set what docs/compare.md and docs/models.md hold of the comparison on OSIE and of the lists of models.

python docs/figures/comparison_tables.py

Each part of a page stands between a comment with its name, as <!-- scores -->, and <!-- end -->.
"""

import json
import os
import re
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from kerasal.classical import CLASSICAL
from kerasal.metrics import METRICS
from kerasal.model_list import ModelInfo, all_models
from kerasal.quest import paper

DOCS = Path(__file__).parents[1]
VALUES = json.loads((DOCS / "results/osie-comparison.json").read_text())
DIGITS = 3


def scores() -> str:
    """A row a system: what it learned from, and the mean of each metric."""
    metrics = list(next(iter(VALUES["systems"].values()))["metrics"])
    names = [f"{METRICS[key].name} {'↑' if METRICS[key].higher_is_better else '↓'}" for key in metrics]
    lines = [f"| system | learned from | {' | '.join(names)} |", "|---|---|" + "---:|" * len(metrics)]
    for label, system in VALUES["systems"].items():
        means = [f"{system['metrics'][key]['mean']:.{DIGITS}f}" for key in metrics]
        learned = f"{system['trained_on']}; `{system['loss']}`" if system["loss"] else system["trained_on"]
        lines.append(f"| {label} | {learned} | {' | '.join(means)} |")
    return "\n".join(lines)


def beside_the_paper() -> str:
    """A row a system of the paper that ran here: CC and NSS here, and there."""
    lines = ["| in the paper | here | CC | paper | NSS | paper |", "|---|---|---:|---:|---:|---:|"]
    for label, system in VALUES["systems"].items():
        row = system["model"] and paper.table_1_row(system["model"], system["loss"])
        if row:
            there = dict(zip(paper.TABLE_1_METRICS, paper.TABLE_1[row], strict=True))
            pairs = [f"{system['metrics'][key]['mean']:.2f} | {there[key]:.2f}" for key in ("cc", "nss")]
            lines.append(f"| {row} | {label} | {' | '.join(pairs)} |")
    return "\n".join(lines)


def models() -> str:
    """A section a model: its picture, paper, source, what is exact, its scores."""
    return "\n\n".join(_section(model) for model in all_models().values())


def _section(model: ModelInfo) -> str:
    parts = [f"### {model.title}"]
    runs = {label: facts for label, facts in VALUES["systems"].items() if facts["model"] == model.name}
    for system in runs.values():
        file = f"images/models/{system['name']}.jpg"
        if (DOCS / file).is_file():
            parts.append(f"![Its maps of the three stimuli]({file})")
    facts = [f"`{model.name}`, {model.year}. {model.reference}."]
    if model.name in CLASSICAL:
        if model.variant:
            facts.append(f"Also called `itti:{model.variant}`.")
        facts.append(f"Follows {model.source}. Exact: {model.exact}")
    else:
        facts.append(f"{model.kind[0].upper()}{model.kind[1:]}; {model.parameters:,} parameters.")
    facts += [_score(label, system, several=len(runs) > 1) for label, system in runs.items()]
    return "\n\n".join([*parts, " ".join(facts)])


def _score(label: str, system: dict, several: bool) -> str:
    means = {key: system["metrics"][key]["mean"] for key in ("cc", "nss")}
    who = f" ({label})" if several else ""
    return f"OSIE's test split{who}: CC {means['cc']:.3f}, NSS {means['nss']:.3f}."


PARTS = {"scores": scores, "paper": beside_the_paper, "models": models}
PAGES = [DOCS / "compare.md", DOCS / "models.md"]


def with_parts(text: str) -> str:
    """A page with its parts as they should be."""

    def part(found: re.Match) -> str:
        return f"<!-- {found[1]} -->\n{PARTS[found[1]]()}\n<!-- end -->"

    return re.sub(r"<!-- (\w+) -->\n.*?<!-- end -->", part, text, flags=re.DOTALL)


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(with_parts(page.read_text()))
