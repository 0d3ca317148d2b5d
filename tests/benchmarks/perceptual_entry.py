"""How should a map enter the VGG-16 of DF and GM? LC2 trained under each candidate, LC1 beside it.

    python tests/benchmarks/perceptual_entry.py OSIE [FOLDER]

The paper does not say how a map of one channel in [0, 1] becomes VGG-16's input. Candidates: as it is;
times 255 less ImageNet's mean colour, as VGG-16 sees photographs; less ImageNet's mean and divided by its
deviation, as PyTorch's networks see them. At 75x100 on OSIE, six epochs, three seeds, bfloat16, each loss
with its own learning rate. The quests go into FOLDER (default quests/entry) and go on there where they were
stopped. Writes docs/results/perceptual-entry.json: means over test images and seeds with their 95 %
intervals, the differences of each LC2 from the first, the learning rates, and the first trial of each search,
with its loss on the validation images.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
from keras import ops

from kerasal import data, quest
from kerasal.evaluation import compare
from kerasal.losses import perceptual
from kerasal.models.vgg16 import vgg16
from kerasal.quest.paper import LC1, LC2
from kerasal.training import default_cache

MEAN = np.array([103.939, 116.779, 123.68], "float32")  # blue, green, red: what VGG-16 was trained with
TORCH_MEAN, TORCH_DEVIATION = np.array([0.406, 0.456, 0.485]), np.array([0.225, 0.224, 0.229])
CANDIDATES = {
    "as it is": (np.ones(3), np.zeros(3)),
    "0 to 255 less the mean": (np.full(3, 255.0), -MEAN),
    "mean and deviation": (1 / TORCH_DEVIATION, -TORCH_MEAN / TORCH_DEVIATION),
}
SIZE, EPOCHS, SEEDS = (75, 100), 6, 3
METRICS = ("cc", "sim", "nss", "kld")
RESULT = Path(__file__).parents[2] / "docs" / "results" / "perceptual-entry.json"


def enter(factor, offset):
    """Make the perceptual losses see `factor * map + offset` in each of VGG-16's three channels."""
    plain = perceptual._pooled
    kernels = list(_pairs())

    def pooled(x, dtype):
        three = ops.convert_to_tensor(factor, "float32") * x + ops.convert_to_tensor(offset, "float32")
        return plain(three, dtype)

    perceptual._kernels = lambda: kernels
    perceptual._pooled = pooled
    return plain


def _pairs():
    """VGG-16's kernels, the first one with its three channels."""
    for layer in vgg16("imagenet").layers:
        if layer.weights:
            yield tuple(ops.convert_to_tensor(array, "float32") for array in layer.get_weights())


def main() -> None:
    dataset = data.load("osie", data_dir=sys.argv[1])
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else "quests/entry")
    means, scores = {}, {}
    for name, (factor, offset) in CANDIDATES.items():
        before, plain = perceptual._kernels, enter(factor, offset)
        path = folder / name.replace(" ", "-")
        results = quest.run(
            dataset,
            [LC2] if means else [LC1, LC2],  # LC1 sees no VGG-16
            quest.options(input_size=SIZE, epochs=EPOCHS, precision="bfloat16"),
            path,
            seeds=SEEDS,
            metrics=METRICS,
            cache_folder=default_cache(),
        )
        perceptual._kernels, perceptual._pooled = before, plain
        summaries = results.comparison(dataset.name).summaries
        for spec in results.config["losses"]:
            label = name if spec == LC2 else "LC1"
            scores[label] = [of_seed[spec] for of_seed in results.scores[dataset.name].values()]
            means[label] = {
                "state": results.states_on(dataset.name)[spec],
                "learning rate": results.rates[spec]["rate"],
                "trial": results.rates[spec]["trials"][0],
                **{
                    key: {"mean": summaries[spec][key].mean, "interval": summaries[spec][key].interval}
                    for key in METRICS
                },
            }
        print(name, json.dumps(means[name]), flush=True)
    lc2 = {name: scores[name] for name in CANDIDATES}
    differences = {
        name: {key: asdict(difference) for key, difference in of_candidate.items()}
        for name, of_candidate in compare(lc2).differences.items()
    }
    setting = {"size": SIZE, "training images": len(dataset["train"]), "epochs": EPOCHS, "seeds": SEEDS}
    values = {"setting": setting, "means": means, "differences from 'as it is'": differences}
    RESULT.write_text(json.dumps(values, indent=1) + "\n")


if __name__ == "__main__":
    main()
