"""What a predictor is, and what is known of one: without Keras, which many a predictor does without."""

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class Predictor(Protocol):
    """Anything that predicts saliency maps: a `kerasal.models.SaliencyModel` is one."""

    def saliency_maps(self, stimuli: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Maps (H, W), float32, in [0, 1], of stimuli (H, W, 3), uint8 RGB, of any sizes."""
        ...


@dataclass(frozen=True)
class LoadedPredictor:
    """A predictor, its name, and what is known about it: options, what it was trained on, scores."""

    name: str
    predictor: Predictor
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """What makes a predictor, not made yet.

    Attributes:
        name: in tables and in the names of files.
        about: what it is, in one line.
        make: makes the predictor, which may take seconds; called with the precision that a network of
            kerasal's own computes in. Others take no notice of it.
        facts: see `LoadedPredictor`. "model" is a name of `kerasal models`; "trained_on" the data, and
            "training_images", where it is known, the same in a few words.
        files: that the predictor is made from; it is another one when they change.
    """

    name: str
    about: str
    make: Callable[[str], Predictor]
    facts: dict[str, Any] = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    def load(self, precision: str = "float32") -> LoadedPredictor:
        """The predictor. InputError: damaged weights."""
        return LoadedPredictor(self.name, self.make(precision), self.facts)


def free_name(name: str, model: str | Path | None, taken: Container[str]) -> str | None:
    """The first that is free: a predictor's name, as the user wrote it, its whole path. None: it is there."""
    names = (name, str(model), str(Path(str(model)).resolve()))
    return next((each for each in names if each not in taken), None)


def by_names(found: Iterable[tuple[str | Path | None, LoadedPredictor]]) -> dict[str, Predictor]:
    """The predictors by names that differ, of what a user named and what that turned out to be."""
    predictors: dict[str, Predictor] = {}
    for model, loaded in {str(model): (model, loaded) for model, loaded in found}.values():
        if name := free_name(loaded.name, model, predictors):
            predictors[name] = loaded.predictor
    return predictors
