"""How should a map enter the VGG-16 of DF and GM? LC2 trained under each candidate, LC1 beside it.

    python tests/benchmarks/perceptual_entry.py OSIE [FOLDER]

The paper does not say how a map of one channel in [0, 1] becomes VGG-16's input. Candidates: as it is;
times 255 less ImageNet's mean colour, as VGG-16 sees photographs; less ImageNet's mean and divided by its
deviation, as PyTorch's networks see them. At 64x80 on 128 of OSIE's training images, six epochs, two seeds,
each loss with its own learning rate. The quests go into FOLDER (default quests/entry). Writes
docs/results/perceptual-entry.json: means over test images and seeds with their 95 % intervals, the learning
rates, and the first trial of each search, with its loss on the validation images.
"""

import json
import sys
from pathlib import Path

import numpy as np
from keras import ops
from starts import SIZE, small

from kerasal import quest
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
    dataset = small(sys.argv[1])
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else "quests/entry")
    means = {}
    for name, (factor, offset) in CANDIDATES.items():
        before, plain = perceptual._kernels, enter(factor, offset)
        path = folder / name.replace(" ", "-")
        results = quest.run(
            dataset,
            [LC1, LC2],
            quest.options(input_size=SIZE, epochs=6, precision="float32"),
            path,
            seeds=2,
            metrics=METRICS,
            cache_folder=default_cache(),
        )
        perceptual._kernels, perceptual._pooled = before, plain
        found = json.loads((path / "results.json").read_text())["tests"][dataset.name]["losses"]
        means[name] = {
            label: {key: {part: found[spec][key][part] for part in ("mean", "interval")} for key in METRICS}
            | {"learning rate": results.rates[spec]["rate"], "trial": results.rates[spec]["trials"][0]}
            for label, spec in (("lc1", LC1), ("lc2", LC2))
        }
        RESULT.write_text(json.dumps(means, indent=1) + "\n")
        print(name, json.dumps(means[name]), flush=True)


if __name__ == "__main__":
    main()
