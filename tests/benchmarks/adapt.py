"""What ten numbers bring on another data set, from few images, beside training the head anew on them.

    python tests/benchmarks/adapt.py RUN SCENE [COUNT,COUNT]

RUN is a run folder of a network with a frozen backbone that was trained on OSIE. Of Scene's training split,
the first COUNT images (default 10, 50 and 100) are learned from; the test images are the 400 others. Three
ways: the network as it is; the same adapted (`kerasal train --adapt`); the same architecture with a head that
learns from these images alone, with the network's own recipe and without a choice of epochs. Adds to
docs/results/adapt.json: means, and differences from the network as it is with their 95 % intervals, paired by
image.
"""

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import keras

from kerasal import data, evaluation, models, training
from kerasal.data import Dataset

COUNTS = (10, 50, 100)
METRICS = ("cc", "sim", "nss", "kld")
RESULT = Path(__file__).parents[2] / "docs" / "results" / "adapt.json"


def parted(scene: Dataset, count: int) -> Dataset:
    """The first images to learn from, the same for validation, so that it chooses nothing, and the rest."""
    train = scene["train"]
    others = [*train[max(COUNTS) :], *scene["validation"], *scene["test"]]
    return replace(scene, splits={"train": train[:count], "validation": train[:count], "test": others})


def anew(run: training.RunFolder, dataset: Dataset) -> models.SaliencyModel:
    """The run's architecture with a new head, trained on the dataset as the run was."""
    config = run.config
    keras.utils.set_random_seed(0)
    network = models.build(config["model"], **config["model_options"])
    known = {"epochs", "batch_size", "learning_rate", "ema", "weight_decay", "decay", "flip"}
    changes = {name: value for name, value in config["options"].items() if name in known}
    training.fit(network, dataset, config["loss"], patience=0, report=lambda _: None, verbose=0, **changes)
    return network


def main() -> None:
    run, scene = training.RunFolder.open(sys.argv[1]), data.load("scene", data_dir=sys.argv[2])
    counts = [int(text) for text in sys.argv[3].split(",")] if len(sys.argv) > 3 else COUNTS
    base = run.load_model()
    results = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    for count in counts:
        dataset = parted(scene, count)
        with tempfile.TemporaryDirectory() as folder:
            adapted = training.adapt(base, dataset, Path(folder) / "run").load_model()
        networks = {"as it is": base, "adapted": adapted, "head anew": anew(run, dataset)}
        systems = [
            evaluation.Network(name, lambda network=network: network) for name, network in networks.items()
        ]
        found = evaluation.evaluate(systems, dataset, metrics=METRICS).comparison
        results[str(count)] = {
            "input_size": adapted.input_size,
            "numbers": {v.name: v.numpy().round(3).tolist() for v in adapted.head.trainable_variables},
            "mean": {
                name: {key: its.mean for key, its in row.items()} for name, row in found.summaries.items()
            },
            "difference": {
                name: {key: [its.mean, *its.interval] for key, its in row.items()}
                for name, row in found.differences.items()
            },
        }
        RESULT.write_text(json.dumps(results, indent=1) + "\n")
        print(count, json.dumps(results[str(count)]), flush=True)


if __name__ == "__main__":
    main()
