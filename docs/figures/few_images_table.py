"""Print the table of docs/fine-tuning.md from docs/results/few-images.json.

python docs/figures/few_images_table.py
"""

import json
from pathlib import Path

METRICS = {"cc": "CC ↑", "sim": "SIM ↑", "nss": "NSS ↑", "kld": "KLD ↓"}
WAYS = {"ten numbers": "ten numbers", "going on": "its head, going on", "head anew": "a new head"}


def main() -> None:
    results = json.loads((Path(__file__).parents[1] / "results" / "few-images.json").read_text())
    changed = [f"{METRICS[key][:-2]}, change" for key in ("cc", "nss")]
    print(f"| images | what learns | {' | '.join([*METRICS.values(), *changed])} |")
    print("|---:" + "|---" * (len(METRICS) + 3) + "|")
    first = next(iter(results.values()))
    print(f"| 0 | nothing | {' | '.join(_means(first['mean']['as it is']))} | | |")
    for count, found in results.items():
        for name, label in WAYS.items():
            difference = found["difference"][name]
            cells = [
                *_means(found["mean"][name]),
                _change(difference["cc"], 3),
                _change(difference["nss"], 2),
            ]
            print(f"| {count} | {label} | {' | '.join(cells)} |")


def _means(means: dict[str, float]) -> list[str]:
    return [f"{means[key]:.3f}" for key in METRICS]


def _change(change: list[float], digits: int) -> str:
    """A mean difference and its 95 % interval."""
    mean, low, high = (f"{value:+.{digits}f}" for value in change)
    return f"{mean} ({low} to {high})"


if __name__ == "__main__":
    main()
