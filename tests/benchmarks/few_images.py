"""What a few recordings bring: a network trained on OSIE goes on with 10, 50 or 200 images of Scene.

python tests/benchmarks/few_images.py OSIE SCENE RESULT.json [--counts 10,50,200] [--input-size 300x400]
    [--epochs 6] [--seeds 1] [--limit N]

For each number of images and each seed three networks are scored on Scene's test images: the one trained on
OSIE as it is, the same after going on with the images (`kerasal train --weights RUN`), and one that learned
from these images alone, on ImageNet's VGG-16. The images are the first of Scene's training split after it was
shuffled by the seed. RESULT.json is written after each score; docs/fine-tuning.md shows it.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from kerasal import data, evaluation, training
from kerasal._files import write_json
from kerasal.data.sample import Dataset

METRICS = ("cc", "nss", "kld")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("osie", type=Path)
    parser.add_argument("scene", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--counts", default="10,50,200")
    parser.add_argument("--input-size", default="300x400")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--limit", type=int, help="of the images of each split, for a trial")
    arguments = parser.parse_args()
    osie, scene = data.load("osie", arguments.osie), data.load("scene", arguments.scene)
    if arguments.limit:
        osie, scene = osie.limited(arguments.limit), scene.limited(arguments.limit)
    result = {
        "command": "python tests/benchmarks/few_images.py",
        "input_size": arguments.input_size,
        "epochs": arguments.epochs,
        "test_images": len(scene["test"]),
        "limit": arguments.limit,
        "scores": [],
    }

    def note(name: str, count: int, seed: int, run: training.RunFolder) -> None:
        scores = evaluation.evaluate([evaluation.model(run.path)], scene, metrics=METRICS)
        (values,) = scores.scores.values()
        means = {key: float(np.nanmean(values.values[key])) for key in METRICS}
        result["scores"].append({"network": name, "images": count, "seed": seed, **means})
        write_json(arguments.result, result)
        print(result["scores"][-1], flush=True)

    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)

        def train(dataset: Dataset, seed: int, name: str, weights: Path | None = None) -> training.RunFolder:
            options = training.options(
                input_size=arguments.input_size,
                epochs=arguments.epochs,
                seed=seed,
                weights=weights and str(weights),
            )
            cache = training.default_cache()
            return training.train(dataset, options, work / name, cache_folder=cache, verbose=0)

        for seed in range(arguments.seeds):
            base = train(osie, seed, f"osie-{seed}")
            note("OSIE's", 0, seed, base)
            order = np.random.default_rng(seed).permutation(len(scene["train"]))
            for count in map(int, arguments.counts.split(",")):
                few = [scene["train"][place] for place in order[:count]]
                some = replace(scene, splits={**scene.splits, "train": few})
                note("going on", count, seed, train(some, seed, f"on-{count}-{seed}", base.path))
                note("from ImageNet", count, seed, train(some, seed, f"alone-{count}-{seed}"))


if __name__ == "__main__":
    main()
