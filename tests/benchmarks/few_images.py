"""What a few recordings bring: a network trained on OSIE, brought to Scene by 10 to 200 of its images.

    python tests/benchmarks/few_images.py RUN SCENE [COUNT,COUNT] [--limit N]

RUN is a run folder of a network with a frozen backbone that was trained on OSIE. Of Scene's training split,
shuffled with seed 0, the first COUNT images are learned from, and none beside them: the number of epochs is
the recipe's. Four ways: the network as it is; ten numbers behind it (`kerasal train --adapt RUN`); its head
going on with what it knows (`kerasal train --weights RUN`); a head that learns anew. The test images are the
300 that no count learns from. Adds to docs/results/few-images.json: means, and differences from the network
as it is with their 95 % intervals, paired by image.
"""

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from kerasal import data, evaluation, training
from kerasal.data import Dataset

COUNTS = (10, 50, 100, 200)
METRICS = ("cc", "sim", "nss", "kld")
RESULT = Path(__file__).parents[2] / "docs" / "results" / "few-images.json"


def parted(scene: Dataset, count: int) -> Dataset:
    """The images to learn from; the same for validation, so that it chooses nothing; the rest."""
    order = np.random.default_rng(0).permutation(len(scene["train"]))
    images = [scene["train"][place] for place in order]
    others = [*images[max(COUNTS) :], *scene["validation"], *scene["test"]]
    return replace(scene, splits={"train": images[:count], "validation": images[:count], "test": others})


def trained(
    run: training.RunFolder, dataset: Dataset, path: Path, weights: Path | None
) -> training.RunFolder:
    """The run's network, trained once more by the run's recipe, from weights or anew."""
    options = replace(run.options, weights=weights and str(weights), patience=0)
    cache = training.default_cache()
    return training.train(dataset, options, path, cache_folder=cache, report=lambda _: None, verbose=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("run", type=training.RunFolder.open)
    parser.add_argument("scene", type=Path)
    parser.add_argument("counts", nargs="?", default=",".join(map(str, COUNTS)))
    parser.add_argument("--limit", type=int, help="of the images of each split, for a trial that is not kept")
    arguments = parser.parse_args()
    run, scene = arguments.run, data.load("scene", data_dir=arguments.scene)
    base = run.load_model()
    results = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    for count in map(int, arguments.counts.split(",")):
        dataset = parted(scene, count)
        if arguments.limit:
            dataset = dataset.limited(arguments.limit)
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            networks = {
                "as it is": base,
                "ten numbers": training.adapt(base, dataset, work / "adapted").load_model(),
                "going on": trained(run, dataset, work / "on", run.path).load_model(),
                "head anew": trained(run, dataset, work / "anew", None).load_model(),
            }
        systems = [
            evaluation.Network(name, lambda network=network: network) for name, network in networks.items()
        ]
        found = evaluation.evaluate(systems, dataset, metrics=METRICS).comparison
        adapted = networks["ten numbers"]
        results[str(count)] = {
            "test_images": len(dataset["test"]),
            "input_size": adapted.input_size,
            "numbers": {v.name: v.numpy().round(3).tolist() for v in adapted.head.trainable_variables},
            "mean": {
                name: {key: summary.mean for key, summary in row.items()}
                for name, row in found.summaries.items()
            },
            "difference": {
                name: {key: [change.mean, *change.interval] for key, change in row.items()}
                for name, row in found.differences.items()
            },
        }
        print(count, json.dumps(results[str(count)]), flush=True)
        if not arguments.limit:
            in_order = {key: results[key] for key in sorted(results, key=int)}
            RESULT.write_text(json.dumps(in_order, indent=1) + "\n")


if __name__ == "__main__":
    main()
