"""Print the tables of docs/results.md from the files that kerasal wrote to docs/results/.

python docs/figures/results_table.py
"""

import json
from pathlib import Path

import numpy as np
from scipy import stats

from kerasal.quest import paper

RESULTS = Path(__file__).parents[1] / "results"
METRICS = {"cc": "CC ↑", "sim": "SIM ↑", "auc_judd": "AUC-Judd ↑", "nss": "NSS ↑", "kld": "KLD ↓"}
BACKBONES = ("perceptual", "seeds", "light")  # quests: VGG-16 for the costly losses, the others, and Lite2
TABLES = {
    "osie": {
        "half-observers": "7 observers predict the other 8",
        "light": "`light.fine-tuned`, trained on OSIE and Scene, 352x464",
        "light-frozen": "`--model light`, EfficientNet-Lite2 frozen, trained on OSIE alone",
        "light-4-epochs": "the same for four epochs, seven minutes on two cores",
        "fine-tuned": "`baseline.fine-tuned`, trained on OSIE and Scene, 300x400",
        "shipped": "`baseline.osie+scene`, the same with VGG-16 frozen",
        "450x600": "`kld+cc+nss`, default recipe, 450x600",
        "375x500": "`kld+cc+nss`, default recipe, 375x500",
        "default": "`kld+cc+nss`, default recipe, 300x400",
        "paper": "`kld+cc+nss`, the paper's recipe, 10 epochs",
        "mse": "`mse`, default recipe, 300x400",
        "center-bias": "centre bias",
    },
    "scene": {
        "half-observers": "half of the observers predict the other half",
        "light": "`light.fine-tuned`, trained on OSIE and Scene, 352x464",
        "light-frozen": "`--model light`, EfficientNet-Lite2 frozen, trained on OSIE alone",
        "fine-tuned": "`baseline.fine-tuned`, trained on OSIE and Scene, 300x400",
        "shipped": "`baseline.osie+scene`, the same with VGG-16 frozen",
        "center-bias": "centre bias",
    },
    "synthetic": {
        "upper-bound": "the density that the fixations were drawn from",
        "default": "`kld+cc+nss`, default recipe",
        "center-bias": "centre bias",
    },
}


def metrics_of(data: str, name: str) -> dict[str, dict[str, float]]:
    """The statistics of a row, by metric."""
    if name == "light-frozen":
        return _read("light-frozen-osie")["sets"][data]["metrics"]
    if name in ("light", "shipped", "fine-tuned"):
        return _read(f"{name}-osie+scene")["sets"][data]["metrics"]
    if data == "scene":
        return _read("osie+scene-baselines")["sets"][data]["systems"][name]["metrics"]
    return _read(f"{data}-{name}")["metrics"]


def _read(name: str) -> dict:
    return json.loads((RESULTS / f"{name}.json").read_text())


def table(data: str) -> str:
    """A Markdown table: mean ± standard error of each metric."""
    lines = [f"| {data}, test split | {' | '.join(METRICS.values())} |", "|---" * (len(METRICS) + 1) + "|"]
    for name, label in TABLES[data].items():
        metrics = metrics_of(data, name)
        cells = [f"{metrics[key]['mean']:.3f} ± {metrics[key]['standard_error']:.3f}" for key in METRICS]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines)


def generalisation() -> str:
    """Each loss trained on one set, on the other and on both: mean and 95 % interval on either."""
    quests = {name: _read(f"quest-{name}-120x160-table3/results") for name in ("osie", "scene", "osie+scene")}
    columns = [(test, key) for test in ("osie", "scene") for key in ("cc", "nss")]
    lines = [
        f"| loss | trained on | {' | '.join(f'{test} {METRICS[key]}' for test, key in columns)} |",
        "|---" * (len(columns) + 2) + "|",
    ]
    for loss in quests["osie"]["losses"]:
        for name, results in quests.items():
            cells = []
            for test, key in columns:
                found = results["tests"][test]["losses"][loss][key]
                low, high = found["interval"]
                cells.append(f"{found['mean']:.3f} ({low:.3f} to {high:.3f})")
            lines.append(f"| `{loss}` | {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def what_helps() -> list[str]:
    """What each change brings on the validation images: to the paper's head, to all its layers, to the light
    network's head, and to that network when all of it has learned."""
    found = _read("recipe")
    names = {True: [], False: []}
    for name, entry in found["variants"].items():
        names["tuned" in entry["changes"]].append(name)
    light = [_read(name) for name in ("light-head", "light-variants")]
    return [
        changes(found, names[False]),
        changes(found, names[True]),
        *(changes(variants, list(variants["variants"])) for variants in light),
    ]


def changes(found: dict, names: list[str]) -> str:
    """A row a variant: its means, and what it changes against the first of all, with a 95 % interval."""
    sets = np.array(found["sets"])
    rows = [np.flatnonzero(sets == name) for name in ("osie", "scene")]
    random = np.random.default_rng(0)
    draws = [random.choice(row, (2000, len(row))) for row in rows]  # of images, within each set
    first = next(iter(found["variants"]))

    def scores(name):
        entry = found["variants"][name]
        return np.stack([np.mean(entry[metric], axis=0) for metric in ("cc", "nss")], axis=1)

    lines = ["| change | seeds | osie CC | osie NSS | scene CC | scene NSS | CC, change | NSS, change |"]
    lines.append("|---" * 8 + "|")
    for name in names:
        values = scores(name)
        cells = [f"{values[row, metric].mean():.{3 - metric}f}" for row in rows for metric in (0, 1)]
        for metric, digits in ((0, 3), (1, 2)) if name != first else ():
            change = (values - scores(first))[:, metric]
            mean = np.mean([change[row].mean() for row in rows])
            resampled = np.mean([change[draw].mean(axis=1) for draw in draws], axis=0)
            low, high = np.percentile(resampled, (2.5, 97.5))
            cells.append(f"{mean:+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})")
        cells += [""] * (6 - len(cells))
        lines.append(f"| {name} | {len(found['variants'][name]['cc'])} | {' | '.join(cells)} |")
    return "\n".join(lines)


def backbone_ranks() -> str:
    """A row a loss of the quest on the light backbone: its means on VGG-16 and there, of three seeds each.

    The last row has Spearman's rank correlations.
    """
    losses = [_read(f"quest-osie-150x200-{name}/results")["tests"]["osie"]["losses"] for name in BACKBONES]
    vgg16, light = losses[0] | losses[1], losses[2]
    lines = [f"| VGG-16, EfficientNet-Lite2 | {' | '.join(METRICS.values())} |"]
    lines.append("|---" * (len(METRICS) + 1) + "|")
    for loss, means in light.items():
        cells = [f"{vgg16[loss][key]['mean']:.3f}, {means[key]['mean']:.3f}" for key in METRICS]
        lines.append(f"| `{loss}` | {' | '.join(cells)} |")
    pairs = [[[of[loss][key]["mean"] for loss in light] for of in (vgg16, light)] for key in METRICS]
    ranks = [f"{stats.spearmanr(*pair).statistic:+.2f}" for pair in pairs]
    return "\n".join([*lines, f"| Spearman's rho | {' | '.join(ranks)} |"])


def tuned() -> str:
    """A row a loss of the quest that searched for a sum: its means on both sets, of three seeds."""
    results = _read("quest-osie-75x100-tuned/results")
    names = {results["search"]["best"]: "the sum that was found", paper.LC1: "`lc1`", paper.LC2: "`lc2`"}
    osie, scene = (results["tests"][name]["losses"] for name in ("osie", "scene"))
    lines = [f"| trained on OSIE, tested on OSIE, Scene | {' | '.join(METRICS.values())} |"]
    lines.append("|---" * (len(METRICS) + 1) + "|")
    for loss in sorted(osie, key=lambda loss: -osie[loss]["cc"]["mean"]):
        cells = [f"{osie[loss][key]['mean']:.3f}, {scene[loss][key]['mean']:.3f}" for key in METRICS]
        lines.append(f"| {names.get(loss, f'`{loss}`')} | {' | '.join(cells)} |")
    return "\n".join(lines)


def precision() -> str:
    """CC and NSS of runs that differ in seed and precision alone."""
    systems = _read("osie-precision")["systems"]
    lines = ["| seed | CC, float32 | CC, bfloat16 | NSS, float32 | NSS, bfloat16 |", "|---|---|---|---|---|"]
    found = np.array(
        [
            [
                [systems[f"{name}-{seed}"]["metrics"][metric]["mean"] for name in ("float32", "bfloat16")]
                for metric in ("cc", "nss")
            ]
            for seed in range(3)
        ]
    ).reshape(3, 4)
    for seed, values in [*enumerate(found), ("mean", found.mean(axis=0))]:
        lines.append(f"| {seed} | {' | '.join(f'{value:.3f}' for value in values)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    for data in TABLES:
        print(table(data), end="\n\n")
    print(generalisation(), *what_helps(), backbone_ranks(), tuned(), precision(), sep="\n\n")
