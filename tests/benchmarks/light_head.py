"""What each part of the light network and of its recipe brings, one change at a time.

    python tests/benchmarks/light_head.py OSIE SCENE [--only TEXT,TEXT] [--seeds N] [--limit N]

Each variant is trained as `kerasal train --model light --data osie+scene --input-size 152x200 --patience 0`
with one thing changed, and scored on the validation images of both sets: at a quarter of the default's
pixels, where a training takes a minute on two cores. Writes docs/results/light-head.json: CC and NSS of each
image, in the order that docs/figures/results_table.py prints. Called again, it goes on with what is missing.
"""

import argparse
import contextlib
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import numpy as np
from light import METRICS, scored

from kerasal import data, prediction, training
from kerasal.data import Dataset, Sample
from kerasal.models import baseline, efficientnet_lite2
from kerasal.models.backbones import BACKBONES
from kerasal.weights import SHIPPED

RESULT = Path(__file__).parents[2] / "docs" / "results" / "light-head.json"
SIZE = (152, 200)
LITE2 = BACKBONES["efficientnet-lite2"]


@dataclass
class Variant:
    """What one training has that the first has not."""

    options: dict[str, Any] = field(default_factory=dict)  # of `TrainingOptions`
    data: str = "osie+scene"
    teacher: bool = False  # half of each density is what an ensemble of shipped networks predicts
    mirror: bool = False  # maps are the mean of a stimulus's and its mirror image's
    patches: tuple[tuple[Any, str, Any], ...] = ()  # constants of the package, while it is built and trained


def without(level: str) -> Variant:
    """One level of features less."""
    name = f"{LITE2.name}-without-{level}"
    levels = {key: rms for key, rms in LITE2.levels.items() if key != level}
    BACKBONES[name] = replace(LITE2, name=name, levels=levels)
    return Variant({"backbone": name})


def not_dilated() -> Variant:
    """Block 15 has its stride of 2: the last two levels come from 1/32 of the stimulus."""
    BACKBONES["undilated"] = replace(LITE2, name="undilated")
    return Variant({"backbone": "undilated"}, patches=((efficientnet_lite2, "DILATED_FROM", 99),))


def learns(rate: float) -> Variant:
    """The backbone learns, too, for three epochs."""
    return Variant({"freeze_backbone": False, "learning_rate": rate, "epochs": 3})


VARIANTS = {
    "152x200, both sets, six epochs": Variant(),
    "without block6": without("block6"),
    "without block14": without("block14"),
    "without block20": without("block20"),
    "last stages at 1/32, not dilated": not_dilated(),
    "64 channels for 128 in the head": Variant(patches=((baseline, "CHANNELS", 64),)),
    "256 channels": Variant(patches=((baseline, "CHANNELS", 256),)),
    "no averaged weights": Variant({"ema": 0.0}),
    "224x304": Variant({"input_size": (224, 304)}),
    "mean with the mirror image": Variant(mirror=True),
    "OSIE alone": Variant(data="osie"),
    "Scene alone": Variant(data="scene"),
    "OSIE twice as often": Variant(data="osie*2+scene"),
    "half of each density two networks' maps": Variant(teacher=True),
    "all of it learns, three epochs, 1e-4": learns(1e-4),
    "all of it learns, three epochs, 2e-4": learns(2e-4),
}


def taught(dataset: Dataset) -> Dataset:
    """Its training densities, each the mean of the people's and of what two fine-tuned networks predict."""
    teachers = [prediction.find(name).load("auto").predictor for name in SHIPPED if "fine-tuned" in name]
    kept: dict[str, np.ndarray] = {}

    def density(sample: Sample) -> np.ndarray:
        if sample.name not in kept:
            stimulus = sample.read_stimulus()
            maps = [teacher.saliency_maps([stimulus])[0] for teacher in teachers]
            mean = np.mean([each / each.max() for each in maps], axis=0)
            half = (sample.density() + mean / mean.max()) / 2
            kept[sample.name] = cv2.resize(half, SIZE[::-1], interpolation=cv2.INTER_AREA)
        return kept[sample.name]

    samples = [replace(sample, density_file=partial(density, sample)) for sample in dataset["train"]]
    return replace(dataset, splits={**dataset.splits, "train": samples})


def scores_of(variant: Variant, seed: int, load: Callable[[str], Dataset]) -> dict[str, list]:
    """CC and NSS of each validation image of both sets, by a network trained so."""
    options = training.options(
        model="light", **{"input_size": SIZE, "patience": 0, "seed": seed, **variant.options}
    )
    dataset = load(variant.data)
    with contextlib.ExitStack() as stack:
        for patch in variant.patches:
            stack.enter_context(mock.patch.object(*patch))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        run = training.train(
            taught(dataset) if variant.teacher else dataset,
            options,
            folder / "run",
            cache_folder=training.default_cache(),
            report=lambda _: None,
            verbose=0,
        )
        model = run.load_model()
    predictor = prediction.Mirrored(model) if variant.mirror else model
    found = [scored(predictor, load(name)) for name in ("osie", "scene")]
    return {key: np.concatenate([part[key] for part in found]).round(5).tolist() for key in METRICS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs=2, metavar="FOLDER", help="of OSIE and of Scene")
    parser.add_argument("--only", type=lambda text: text.split(","), default=[""], help="texts in the names")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--limit", type=int, help="of the images of each split, for a trial that is not kept")
    arguments = parser.parse_args()
    folders = dict(zip(("osie", "scene"), arguments.folders, strict=True))

    def load(name: str) -> Dataset:
        chosen = {key: folder for key, folder in folders.items() if key in name}
        dataset = data.load(name, chosen)
        return dataset.limited(arguments.limit) if arguments.limit else dataset

    found = json.loads(RESULT.read_text()) if RESULT.is_file() else {"variants": {}}
    validation = {name: load(name)["validation"] for name in folders}
    found["sets"] = [name for name, samples in validation.items() for _ in samples]
    found["images"] = [sample.name for samples in validation.values() for sample in samples]
    for seed in range(arguments.seeds):
        for name, variant in VARIANTS.items():
            entry = found["variants"].setdefault(name, {key: [] for key in METRICS})
            if len(entry["cc"]) > seed or not any(text in name for text in arguments.only):
                continue
            scores = scores_of(variant, seed, load)
            for key, values in scores.items():
                entry[key].append(values)
            print(
                f"{name}, seed {seed}: {', '.join(f'{key} {np.mean(v):.4f}' for key, v in scores.items())}",
                flush=True,
            )
            if not arguments.limit:
                RESULT.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
