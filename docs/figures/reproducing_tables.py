"""Print the tables of docs/reproducing.md: the paper's numbers, and those of the files in docs/results/.

python docs/figures/reproducing_tables.py [QUEST ...]

Without folders of quests the findings are those of all quests in docs/results/.
"""

import json
import sys
from collections.abc import Iterable
from operator import itemgetter
from pathlib import Path

from kerasal.evaluation import tables
from kerasal.evaluation.statistics import Difference
from kerasal.metrics import METRICS
from kerasal.quest import findings as words
from kerasal.quest import paper

RESULTS = Path(__file__).parents[1] / "results"
# The second where it has the loss.
COMMON_START = ("quest-osie-150x200-perceptual", "quest-osie-150x200-seeds")
RANDOM_WEIGHTS = "quest-osie-120x160"
PAPER_RECIPE = ("quest-osie-75x100-paper", "quest-osie-75x100-paper-long")
SAM_RUNS = {"mlnet-mse": "runs/sam-mlnet-mse", paper.LC1: "runs/sam-lc1", paper.LC2: "runs/sam-lc2"}


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
    """The paper's numbers, those from a common start at 150x200, and those from random weights at 120x160."""
    first, *others = (results_of(name) for name in (*COMMON_START, RANDOM_WEIGHTS))
    random = others[-1]
    center_bias = first["tests"]["osie"]["center_bias"]["cc"]
    common = {spec: values for found in (first, others[0]) for spec, values in losses_of(found).items()}
    lines = head("paper, common start, random weights", paper.METRICS)
    for row in paper.TABLE_2:
        here = [common[row.spec], losses_of(random).get(row.spec)]
        cells = [
            ", ".join(
                [
                    f"{row.value(key):.3f}",
                    *(f"{values[key]['mean']:.3f}" if values else "–" for values in here),
                ]
            )
            for key in paper.METRICS
        ]
        state = random["losses"][row.spec]["state"]
        if state == "learned" and here[-1]["cc"]["mean"] <= center_bias:  # as quests call it today
            state = "untrained"
        lines.append(line(row.printed + (f" (random: {state})" if state != "learned" else ""), cells))
    return "\n".join(lines)


def paper_recipe(quest: str) -> str:
    """What learned by the paper's own recipe, each with the epoch whose weights were kept."""
    metrics = ("cc", "sim", "auc_judd", "nss", "kld")
    results = results_of(quest)
    epochs = results["config"]["options"]["training"]["epochs"]
    states, lines = results["tests"]["osie"]["states"], head(f"loss, best epoch of {epochs}", metrics)
    by_cc = sorted(losses_of(results).items(), key=lambda pair: -pair[1]["cc"]["mean"])
    for spec, values in by_cc:
        if states[spec] == "learned":
            best = results["losses"][spec]["best_epoch"]["0"] + 1
            lines.append(line(f"`{spec}`, {best}", [f"{values[key]['mean']:.3f}" for key in metrics]))
    return "\n".join(lines)


def table_4() -> str:
    """The paper's numbers and ours of SAM-VGG trained with three losses."""
    results = sam_results("mlnet-mse")
    metrics = paper.METRICS[:5]
    lines = head("paper, here", metrics)
    for row in paper.TABLE_2:
        if row.spec in paper.TABLE_4:
            here = results["systems"][SAM_RUNS[row.spec]]["metrics"]
            pairs = zip(metrics, paper.TABLE_4[row.spec], strict=True)
            cells = [f"{printed:.3f}, {here[key]['mean']:.3f}" for key, printed in pairs]
            lines.append(line(row.printed, cells))
    return "\n".join(lines)


def table_4_findings() -> Iterable[list[str]]:
    """Whether Table 4's order holds here, for one seed: by tests over images, corrected for two losses."""
    names = {"mlnet-mse": "MLNET-MSE", paper.LC1: "LC1", paper.LC2: "LC2"}
    for ours, theirs in ((paper.LC2, "mlnet-mse"), (paper.LC1, "mlnet-mse"), (paper.LC2, paper.LC1)):
        results = sam_results(theirs)
        difference = Difference(**results["differences"][SAM_RUNS[ours]]["cc"])
        systems = [
            (names[spec], results["systems"][SAM_RUNS[spec]]["metrics"]["cc"]["mean"])
            for spec in (ours, theirs)
        ]
        yield [
            f"{names[ours]} is ahead of {names[theirs]} in CC with SAM-VGG (Table 4)",
            words.most([words.side(difference, "cc")]),
            "trainings of SAM-VGG",
            words.in_words(difference, "cc", *systems),
        ]


def sam_results(reference: str) -> dict:
    """Of the three trainings of SAM-VGG, the others compared with the one of that loss."""
    return json.loads((RESULTS / f"sam-osie-{SAM_RUNS[reference].rpartition('sam-')[2]}.json").read_text())


def results_of(quest: str) -> dict:
    return json.loads((RESULTS / quest / "results.json").read_text())


def losses_of(results: dict) -> dict[str, dict]:
    """Means of each loss on OSIE's test split."""
    return results["tests"]["osie"]["losses"]


def findings(quests: Iterable[Path]) -> str:
    """Each of the paper's findings with what quests answer to it: a row an answer.

    The quests of a row begin with the one of the most seeds, and of the most losses of those, whose numbers
    stand beside. Of a finding that no quest asks about there is what the last one lacks. "" where no results
    have findings; such that were written before there were any are named on the standard error.
    """
    found: dict[str, list[tuple[tuple[int, int], str, dict]]] = {}
    for quest in quests:
        results = json.loads((quest / "results.json").read_text())
        if "paper_findings" not in results:
            print(f"{quest}: from before quests answered findings", file=sys.stderr)
        for finding in results.get("paper_findings", []):
            size = len(results["config"]["seeds"]), len(results["config"]["losses"])
            found.setdefault(finding["key"], []).append((size, quest.name.removeprefix("quest-"), finding))
    rows: dict[tuple[str, str], list[tuple[str, str]]] = {}  # claim, answer -> quest, numbers
    for key, answers in found.items():
        if key.endswith("_table_4"):  # which no quest can answer
            continue
        asked = [answer for answer in answers if answer[-1]["asked"]]
        for _, quest, entry in sorted(asked, key=itemgetter(0), reverse=True) or answers[-1:]:
            of_answer = rows.setdefault((entry["claim"], entry["answer"]), [])
            of_answer.append((quest if entry["asked"] else "–", entry["evidence"]))
    if not rows:
        return ""
    lines = [
        [*key, ", ".join(quest for quest, _ in of_answer), of_answer[0][1]] for key, of_answer in rows.items()
    ]
    header = ["the paper's finding", "here", "quests", "numbers, of the first"]
    cells = [[tables.Cell(text) for text in line] for line in [*lines, *table_4_findings()]]
    return tables.markdown(tables.Table("", header, cells, names=4)).rstrip()


if __name__ == "__main__":
    given = [Path(name) for name in sys.argv[1:]]
    found = findings(given or sorted(path.parent for path in RESULTS.glob("*/results.json")))
    recipe = map(paper_recipe, PAPER_RECIPE)
    print(*filter(None, [table_1(), table_2(), found, *recipe, table_4()]), sep="\n\n")
