"""Print the table of docs/quest.md on the length of a trial, from docs/results/trial-length.json.

python docs/figures/trial_length_table.py
"""

import json
from pathlib import Path

from kerasal.quest.specs import in_order


def main() -> None:
    results = json.loads((Path(__file__).parents[1] / "results" / "trial-length.json").read_text())
    (found,) = results.values()  # of one setting
    lengths = list(next(iter(found.values()))["trials"])
    heads = ["trained whole", *(f"{length} epoch{'s' * (length != '1')}" for length in lengths)]
    print(f"| loss | {' | '.join(heads)} |")
    print("|---" * (len(heads) + 1) + "|")
    for loss in in_order(found):
        row = found[loss]
        chosen = [f"{row['trials'][length]:g}{_cost(row['cost'][length])}" for length in lengths]
        print(f"| `{loss}` | {row['full']:g} | {' | '.join(chosen)} |")


def _cost(cost: float) -> str:
    """What another rate costs, to three digits; nothing where it is the same one's."""
    return f" ({-cost:+.3f})" if round(cost, 3) else ""


if __name__ == "__main__":
    main()
