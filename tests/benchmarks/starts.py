"""Does the start of a quest decide its ranking? The same losses from two starts, and how alike they rank.

    python tests/benchmarks/starts.py OSIE [FOLDER]

OSIE's folder; the paper's 27 losses and `modern`, from a short training with `mse` and from one with `kld`,
at 64x80 on 128 training images, four epochs, one seed. The quests go into FOLDER (default quests/starts)
and go on there where they were stopped. Writes docs/results/starts.json: means of each loss on the 100 test
images, and Spearman's and Kendall's rank correlation of the two columns for each metric.
"""

import json
import sys
from pathlib import Path

import numpy as np

from kerasal import data, quest
from kerasal.data import Dataset
from kerasal.reports import rank_correlations
from kerasal.training import default_cache

STARTS = ("mse", "kld")
SIZE, IMAGES, EPOCHS = (64, 80), 128, 4
METRICS = ("cc", "sim", "auc_judd", "nss", "kld")
RESULT = Path(__file__).parents[2] / "docs" / "results" / "starts.json"


def small(folder: str, images: int = IMAGES) -> Dataset:
    """OSIE with its first training and validation images, and all test images."""
    whole = data.load("osie", data_dir=folder)
    part = whole.limited(images)
    return Dataset(whole.name, {**part.splits, "test": whole["test"]}, whole.description, whole.licence)


def main() -> None:
    dataset = small(sys.argv[1])
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else "quests/starts")
    means = {}
    for start in STARTS:
        results = quest.run(
            dataset,
            quest.parse_losses("table2, modern"),
            quest.options(input_size=SIZE, epochs=EPOCHS, precision="float32", start=start),
            folder / start,
            metrics=METRICS,
            cache_folder=default_cache(),
        )
        means[start] = {
            spec: {key: float(np.nanmean(values)) for key, values in scores.values.items()}
            for spec, scores in results.mean_scores(dataset.name).items()
        }
    first, second = (means[start] for start in STARTS)
    agreement = {
        key: rank_correlations(*([of[spec][key] for spec in first] for of in (first, second)), "losses")
        for key in METRICS
    }
    setting = {"size": SIZE, "training images": IMAGES, "epochs": EPOCHS, "seed": 0, "starts": STARTS}
    values = {"setting": setting, "agreement": agreement, "means": means}
    RESULT.write_text(json.dumps(values, indent=1) + "\n")
    for key, row in agreement.items():
        print(
            f"{key:10} Spearman {row['spearman']:+.3f}, Kendall {row['kendall']:+.3f}, {row['losses']} losses"
        )


if __name__ == "__main__":
    main()
