"""Predictors: what gives saliency maps, and the names that users call them by."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from kerasal.errors import InputError
from kerasal.models import load_weights_file
from kerasal.training.precision import DEFAULT_PRECISION
from kerasal.training.run_folder import RunFolder
from kerasal.weights import REGISTRY


@runtime_checkable
class Predictor(Protocol):
    """Anything that predicts saliency maps: a `kerasal.models.SaliencyModel` is one."""

    def saliency_maps(self, stimuli: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Maps (H, W), float32, in [0, 1], of stimuli (H, W, 3), uint8 RGB, of any sizes."""
        ...


@dataclass(frozen=True)
class Named:
    """A predictor, its name, and what is known about it: options, what it was trained on, scores."""

    name: str
    predictor: Predictor
    facts: dict[str, Any] = field(default_factory=dict)


# Names that are no run folders, with what makes each: weights that come with kerasal, classical models.
NAMED: dict[str, Callable[[], Named]] = {}
# The name of NAMED that is taken where none is given.
DEFAULT: str | None = None


def resolve(model: str | Path | None = None, precision: str | None = None) -> Named:
    """The predictor of a name, a run folder or a weights file; the default one for None.

    `precision` is that of a run's network, as `RunFolder.load_model` takes it.

    InputError: neither a name nor a run folder, damaged weights, or no model given and no default.
    """
    if model is None:
        if DEFAULT is None:
            raise InputError("no model given: name the run folder of a trained network, such as runs/NAME")
        model = DEFAULT
    if str(model) in NAMED:
        return NAMED[str(model)]()
    if not Path(model).exists() and NAMED:
        raise InputError(f"{model} is neither a run folder nor one of {', '.join(NAMED)}")
    if Path(model).is_file():
        return Named(Path(model).stem, load_weights_file(Path(model)), {"weights": str(model)})
    run = RunFolder.open(model)
    return Named(run.path.resolve().name, run.load_model(precision or DEFAULT_PRECISION), _facts(run))


def load(model: str | Path | None = None) -> Predictor:
    """The predictor of a name or run folder, to be used for many calls of `kerasal.predict`."""
    return resolve(model).predictor


def resolve_all(models: Sequence[str | Path]) -> dict[str, Predictor]:
    """The predictors of several names or run folders, or the default one, by names that differ."""
    predictors: dict[str, Predictor] = {}
    for model in models or [None]:
        source = resolve(model)
        # Run folders of one name are told apart by their paths.
        predictors[str(model) if source.name in predictors else source.name] = source.predictor
    return predictors


def warm_up(predictors: dict[str, Predictor]) -> None:
    """Predict one image with each, so that the first user does not wait for the network to be compiled."""
    for predictor in predictors.values():
        predictor.saliency_maps([np.zeros((64, 64, 3), "uint8")])


def _facts(run: RunFolder) -> dict[str, Any]:
    config = run.config
    facts = {key: config[key] for key in ("model", "model_options", "options", "made_with") if key in config}
    data = config.get("data", {})
    facts["trained_on"] = data.get("description", "unknown data")
    if data.get("licence"):
        facts["trained_on"] += f"; its licence: {data['licence']}"
    if config.get("options", {}).get("backbone_weights") == "imagenet":
        weights = REGISTRY["vgg16.imagenet"]
        facts["licence"] = (
            f"The backbone's weights: {weights.architecture}, {weights.credit}, {weights.licence}."
        )
    try:
        facts["scores"] = json.loads((run.path / "metrics.json").read_text())
    except (OSError, ValueError):
        facts["scores"] = None  # not evaluated yet
    return facts
