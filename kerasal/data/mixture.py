"""Several datasets as one: each keeps its own splits, and training draws from them in shares.

    osie+scene       every training sample once an epoch
    osie*2+scene     two thirds of an epoch's samples from OSIE, one third from Scene

An epoch is as long as all training splits together. With weights, a set's share of it is its weight over the
sum of the weights: a set whose share is larger than itself is seen several times, of another each epoch takes
the next part of a random order, so that over a training its samples are all seen equally often.

Samples have the set's name before their own, `osie/1001`. What is measured on a mixture is measured on each
set by itself, with its own centre bias, and then taken together.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kerasal.data.sample import SPLITS, Dataset
from kerasal.errors import InputError


@dataclass(frozen=True, eq=False)
class Mixture(Dataset):
    """A dataset of several. `splits` holds the samples of the parts, part after part."""

    parts: tuple[Dataset, ...] = ()
    weights: tuple[float, ...] | None = None  # None: every training sample once an epoch

    @property
    def sets(self) -> tuple[Dataset, ...]:
        return self.parts

    @property
    def draws(self) -> list[tuple[int, int]] | None:
        if self.weights is None:
            return None
        counts = [len(part.splits["train"]) for part in self.parts]
        return list(zip(counts, _shared_out(sum(counts), self.weights), strict=True))

    def center_bias(self, size: tuple[int, int], padded: bool = False) -> np.ndarray:
        """The mean density map of the training samples that an epoch draws, at `size`, float32."""
        self["train"]  # InputError where there is none
        drawn = [drawn for _, drawn in self.draws or [(0, len(part.splits["train"])) for part in self.parts]]
        drawn = {part: count for part, count in zip(self.parts, drawn, strict=True) if count}
        biases = [part.center_bias(size, padded).astype("float64") for part in drawn]
        return np.average(biases, axis=0, weights=list(drawn.values())).astype("float32")

    def limited(self, count: int) -> "Mixture":
        """The same mixture with at most `count` samples in each split of each part."""
        limited = mix([part.limited(count) for part in self.parts], self.weights)
        return replace(limited, arguments=self.arguments)


def mix(parts: Sequence[Dataset], weights: Sequence[float] | None = None) -> Mixture:
    """A mixture of datasets. InputError: fewer than two, two of one name, a weight that is not positive."""
    names = [part.name for part in parts]
    if len(parts) < 2:
        raise InputError("a mixture needs at least two datasets: osie+scene")
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(
            f"a mixture takes each dataset once, and {twice[0]} is there twice: of two folders of one name, "
            "rename one"
        )
    if weights is not None:
        _check(names, weights)
        if empty := [part.name for part in parts if not part.splits["train"]]:
            raise InputError(f"{empty[0]} has no training samples, of which a weight would be the share")
    shares = "" if weights is None else f", mixed {':'.join(f'{weight:g}' for weight in weights)}"
    return Mixture(
        name="+".join(names),
        splits={
            split: [
                replace(sample, name=f"{part.name}/{sample.name}")
                for part in parts
                for sample in part.splits[split]
            ]
            for split in SPLITS
        },
        description=" + ".join(part.description for part in parts) + shares,
        licence="; ".join(dict.fromkeys(part.licence for part in parts)),
        notes=[f"{part.name}: {note}" for part in parts for note in part.notes],
        left_out=tuple(f"{part.name}/{name}" for part in parts for name in part.left_out),
        parts=tuple(parts),
        weights=None if weights is None else tuple(weights),
    )


def parse(text: str) -> tuple[list[str], list[float] | None]:
    """The names and weights of "osie*2+scene"; a set without a weight has 1, and None is no weight at all.

    InputError: an empty name, a weight that is not positive.
    """
    names, weights = [], []
    for part in text.split("+"):
        found = re.fullmatch(r"(.*?)(?:\*([\d.]+(?:e-?\d+)?))?", part.strip(), re.DOTALL)
        if not (found and found[1]):
            raise InputError(f"an empty name among the datasets {text!r}: such as osie+scene or osie*2+scene")
        names.append(found[1])
        weights.append(found[2])
    if not any(weights):
        return names, None
    try:
        weights = [float(weight or 1) for weight in weights]
    except ValueError:
        raise InputError(f"a weight in {text!r} is no number: such as osie*2+scene") from None
    _check(names, weights)
    return names, weights


def text(names: Sequence[str], weights: Sequence[float] | None) -> str:
    """What `parse` reads as these names and weights."""
    # Python writes 1e+15, and a + parts datasets.
    factors = [""] * len(names) if weights is None else [f"*{w:.15g}".replace("e+", "e") for w in weights]
    return "+".join(f"{name}{factor}" for name, factor in zip(names, factors, strict=True))


def _check(names: Sequence[str], weights: Sequence[float]) -> None:
    if not all(0 < weight < math.inf for weight in weights):
        raise InputError(f"weights must be positive, got {text(names, weights)}")


def _shared_out(total: int, weights: Sequence[float]) -> list[int]:
    """Whole numbers in the weights' proportion that make `total`: the largest remainders get one more."""
    exact = np.asarray(weights, float) / np.sum(weights) * total
    whole = np.floor(exact).astype(int)
    whole[np.argsort(whole - exact, kind="stable")[: total - whole.sum()]] += 1
    return whole.tolist()
