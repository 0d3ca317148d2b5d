"""What the light network gained once it was trained: by averaged weights, by the size at which it sees.

    python tests/benchmarks/light.py OSIE SCENE TUNED SHORTER LARGER

Three runs, made as weights/README.md says: TUNED of six epochs at 304x400; SHORTER of three, with the rate
at 0 after them; and LARGER, which went on from TUNED's best weights for an epoch at 352x464. Each variant is
scored on the validation images of both sets. Writes docs/results/light-variants.json: CC and NSS of each
image, in the order that docs/figures/results_table.py prints.
"""

import json
import sys
from pathlib import Path

import numpy as np

from kerasal import data, evaluation, models, prediction
from kerasal.training import RunFolder

RESULT = Path(__file__).parents[2] / "docs" / "results" / "light-variants.json"
METRICS = ("cc", "nss")


def main() -> None:
    sets = {
        name: data.load(name, data_dir=folder)
        for name, folder in zip(("osie", "scene"), sys.argv[1:3], strict=True)
    }
    tuned, shorter, larger = (RunFolder.open(folder) for folder in sys.argv[3:])
    best, last = tuned.best_weights, tuned.last_weights
    variants = {
        "six epochs at 304x400: the lowest loss, after the third": ([(tuned, best)], None),
        "after the sixth": ([(tuned, last)], None),
        "the rate at 0 after three epochs": ([(shorter, shorter.best_weights)], None),
        "mean of the weights of the first two rows": ([(tuned, best), (tuned, last)], None),
        "mean of the weights of the first three rows": (
            [(tuned, best), (tuned, last), (shorter, shorter.best_weights)],
            None,
        ),
        "the first row's weights at 336x448": ([(tuned, best)], (336, 448)),
        "the first row's weights at 384x512": ([(tuned, best)], (384, 512)),
        "another epoch, at 352x464 and 1e-4": ([(larger, larger.best_weights)], None),
        "the same, seen at 320x432": ([(larger, larger.best_weights)], (320, 432)),
        "mean of its weights and the first row's, at 352x464": (
            [(larger, larger.best_weights), (tuned, best)],
            None,
        ),
    }
    found = json.loads(RESULT.read_text()) if RESULT.exists() else {"variants": {}}
    validation = {name: dataset["validation"] for name, dataset in sets.items()}
    found["sets"] = [name for name, samples in validation.items() for _ in samples]
    found["images"] = [sample.name for samples in validation.values() for sample in samples]
    for name, (parts, size) in variants.items():
        if name not in found["variants"]:
            model = mean_of(parts, size)
            scores = [scored(model, dataset) for dataset in sets.values()]
            means = {key: np.concatenate([part[key] for part in scores]).tolist() for key in METRICS}
            found["variants"][name] = {key: [values] for key, values in means.items()}
            RESULT.write_text(json.dumps(found) + "\n")
            print(name, {key: round(float(np.mean(values)), 4) for key, values in means.items()}, flush=True)


def mean_of(parts: list[tuple[RunFolder, Path]], size: tuple[int, int] | None) -> models.SaliencyModel:
    """A network with the mean weights of some files, that sees at a size, or at the first run's own."""
    weights = [run.load_model(weights=path).get_weights() for run, path in parts]
    options = parts[0][0].config["model_options"]
    model = models.build("light", **(options | ({"input_size": size} if size else {})))
    model.set_weights(
        [
            each[0] if each[0].dtype.kind != "f" else np.mean(each, axis=0)
            for each in zip(*weights, strict=True)
        ]
    )
    return model


def scored(model: prediction.Predictor, dataset: data.Dataset) -> dict[str, np.ndarray]:
    """CC and NSS of each validation image."""
    network = evaluation.Network("light", lambda: model)
    (scores,) = evaluation.evaluate([network], dataset, "validation", metrics=METRICS).scores.values()
    return {key: scores.values[key] for key in METRICS}


if __name__ == "__main__":
    main()
