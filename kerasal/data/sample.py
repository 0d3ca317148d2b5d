"""The one form that every dataset takes: samples, in three splits."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from kerasal._stimuli import as_stimulus
from kerasal.data.fixations import count_map, density_from_counts
from kerasal.data.images import padded_box, read_image, read_map
from kerasal.data.info import DatasetInfo
from kerasal.data.names import normal
from kerasal.errors import InputError

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Sample:
    """One stimulus and where people looked.

    Arrays are read or made when asked for, so that a dataset of any length fits in memory.
    """

    name: str
    size: tuple[int, int]  # (rows, columns) of the stimulus
    stimulus: Path | Callable[[], np.ndarray]  # a file, or what makes the (H, W, 3) uint8 RGB array
    fixations: Sequence[np.ndarray] | None  # per observer (N, 2): x, y; None where only a map is known
    sigma: float  # pixels of the stimulus: the blur from fixations to density
    # A given density map, a file or what makes it, used instead of blurred fixations.
    density_file: Path | Callable[[], np.ndarray] | None = None
    true_density: Callable[[], np.ndarray] | None = None  # (H, W), what generated fixations were drawn from
    observers: tuple[str, ...] | None = None  # their names, in the order of `fixations`, where known
    pixels_per_degree: float | None = None  # of visual angle, in pixels of the stimulus, where known
    pooled: bool = False  # the fixations of all observers are one array: who looked where is not known
    shrunk: bool = False  # smaller than the dataset has it, as data are that were prepared for training

    def read_stimulus(self) -> np.ndarray:
        """The stimulus, (H, W, 3) uint8 RGB. InputError: it cannot be read, or is no image."""
        if not callable(self.stimulus):
            return read_image(self.stimulus)
        pixels = self.stimulus()
        try:
            return as_stimulus(pixels)
        except InputError as error:
            raise InputError(f"{self.name}: {error}") from None

    def all_fixations(self) -> np.ndarray:
        """The fixations of all observers, (N, 2): x, y."""
        return np.concatenate([np.empty((0, 2)), *(self.fixations or ())])

    def fixation_map(self, size: tuple[int, int] | None = None) -> np.ndarray:
        """1 at each fixated pixel at `size` (default: the stimulus's), float32; all 0 without fixations."""
        return np.minimum(count_map(self.all_fixations(), self.size, size), 1)

    def density(self, size: tuple[int, int] | None = None, dtype: str = "float32") -> np.ndarray:
        """The density map at `size` (default: the stimulus's), in [0, 1] with its peak at 1."""
        if self.density_file is None:
            counts = count_map(self.all_fixations(), self.size, size)
            return density_from_counts(counts, self.size, self.sigma, dtype)
        given = self.density_file() if callable(self.density_file) else read_map(self.density_file)
        # Of so large or small values float32 would make infinities or zeros.
        if given.size and not 1e-30 < (peak := given.max()) < 1e30 and peak > 0:
            given = given / peak
        density = given.astype(dtype)
        rows, columns = size or self.size
        if density.shape != (rows, columns):
            how = cv2.INTER_AREA if rows < density.shape[0] else cv2.INTER_LINEAR
            density = cv2.resize(density, (columns, rows), interpolation=how)
        return density / density.max() if density.max() > 0 else density

    def target(self, size: tuple[int, int], padded: bool = False) -> np.ndarray:
        """`y_true` of this sample, (rows, columns, 2) float32: density, fixations.

        `padded` keeps the aspect ratio, as a network does that pads its stimuli: nothing is in the padding.
        """
        if padded:
            target = np.zeros((*size, 2), "float32")
            box = padded_box(self.size, size)
            target[box] = self.target(target[box].shape[:2])
            return target
        if self.density_file is not None:
            return np.stack([self.density(size), self.fixation_map(size)], axis=-1)
        counts = count_map(self.all_fixations(), self.size, size)
        return cv2.merge([density_from_counts(counts, self.size, self.sigma), np.minimum(counts, 1)])


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples in three splits, and what a reader of the results has to know of them."""

    name: str
    splits: dict[str, list[Sample]]
    description: str
    licence: str
    notes: list[str] = field(default_factory=list)  # what was skipped or dropped while loading, a line each
    arguments: dict[str, Any] = field(default_factory=dict)  # of `kerasal.data.load`, to load it again
    left_out: tuple[str, ...] = ()  # names of samples that were left out of it: files may still be theirs

    @classmethod
    def published(
        cls, info: DatasetInfo, splits: dict[str, list[Sample]], description: str, notes: list[str]
    ) -> "Dataset":
        """A published dataset, whose name, licence and pixels per degree are among its facts."""
        splits = {
            split: [replace(sample, pixels_per_degree=info.pixels_per_degree) for sample in samples]
            for split, samples in splits.items()
        }
        return cls(info.name, splits, description, info.licence, notes)

    def __getitem__(self, split: str) -> list[Sample]:
        """The samples of a split, or of "all". InputError: no such split, or none in it."""
        if split not in (*SPLITS, "all"):
            raise InputError(f"unknown split {split!r}: one of {', '.join(SPLITS)}, or all")
        samples = self.samples if split == "all" else self.splits[split]
        if not samples:
            raise InputError(
                f"{self.name} has no samples in its {split} split: name another split, or give lists of "
                "names with --split-file"
            )
        return samples

    @property
    def samples(self) -> list[Sample]:
        """All samples, split after split."""
        return [sample for split in SPLITS for sample in self.splits[split]]

    @property
    def names(self) -> list[str]:
        """The names of all samples, also of those left out."""
        return [*(sample.name for sample in self.samples), *self.left_out]

    def named(self, names: Sequence[str], split: str = "all") -> list[Sample]:
        """The samples of these names, in this order. InputError: no such sample, or one of another split."""
        samples = {normal(sample.name): sample for sample in self.samples}
        if unknown := [name for name in names if normal(name) not in samples]:
            raise InputError(
                f"{self.name} has no stimulus {unknown[0]!r}; its first is {self.samples[0].name!r}"
            )
        found, within = [samples[normal(name)] for name in names], self[split]
        if elsewhere := [sample.name for sample in found if sample not in within]:
            raise InputError(
                f"{elsewhere[0]} is not in the {split} split, which is scored: name other stimuli"
            )
        return found

    def spread(self, split: str, count: int) -> list[Sample]:
        """At most `count` samples of a split, or of "all", at equal distances. InputError: as `[]`."""
        samples = self[split]
        return [samples[i] for i in np.linspace(0, len(samples) - 1, min(count, len(samples))).astype(int)]

    def check_size(self, input_size: tuple[int, int], padded: bool = False) -> None:
        """InputError: training stimuli were shrunk below `input_size`; `padded`: as in `Sample.target`."""
        enough = any if padded else all
        for sample in self.splits["train"]:
            if sample.shrunk and not enough(np.greater_equal(sample.size, input_size)):
                size = f"{input_size[0]}x{input_size[1]}"
                raise InputError(
                    f"{self.name}: {sample.name} was shrunk below {size}; prepare with --size {size}"
                )

    def limited(self, count: int) -> "Dataset":
        """The same dataset with at most `count` samples in each split, for a quick trial."""
        return self.with_splits({split: samples[:count] for split, samples in self.splits.items()})

    def with_splits(self, splits: dict[str, list[Sample]]) -> "Dataset":
        """The same dataset in other splits; samples that are in none are left out."""
        kept = {sample.name for samples in splits.values() for sample in samples}
        return replace(self, splits=splits, left_out=tuple(name for name in self.names if name not in kept))

    @property
    def sets(self) -> "tuple[Dataset, ...]":
        """The datasets that this one is mixed from; itself where it is no mixture."""
        return (self,)

    @property
    def draws(self) -> list[tuple[int, int]] | None:
        """For each set its training samples, and how many of them an epoch draws; None: each once."""
        return None

    def center_bias(self, size: tuple[int, int], padded: bool = False) -> np.ndarray:
        """The mean density map of the training split at `size`, float32: B of the paper's eq. 16.

        `padded`: as in `Sample.target`. InputError: no training samples.
        """
        return center_bias(self["train"], size, padded)

    @property
    def has_fixations(self) -> bool:
        """Whether every sample has fixations, so that NSS and the AUCs can be computed."""
        return all(sample.fixations is not None for sample in self.samples)


def data_entry(dataset: Dataset) -> dict[str, Any]:
    """What the config.json of a run, a quest or a comparison tells of its data."""
    return {
        "arguments": dataset.arguments,
        "description": dataset.description,
        "licence": dataset.licence,
        "fingerprint": fingerprint(dataset.samples),
        **{split: len(samples) for split, samples in dataset.splits.items()},
    }


def same_data(before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether two entries of `data_entry` tell of the same samples in the same splits.

    The fingerprint goes over all splits as one, so that their lengths tell where one ends.
    """
    return all(before.get(key, now[key]) == now[key] for key in ("fingerprint", *SPLITS))


def fingerprint(samples: list[Sample]) -> str:
    """A SHA-256 over the samples' contents, in order: names, stimuli, fixations, density maps, sigmas."""
    digest = hashlib.sha256()
    for sample in samples:
        digest.update(f"{sample.name} {sample.size} {sample.sigma}\n".encode())
        digest.update(stimulus_bytes(sample))
        for observer in sample.fixations or ():
            digest.update(np.ascontiguousarray(observer, "float64").tobytes() + b"\n")
        if callable(sample.density_file):
            digest.update(sample.density_file().tobytes())
        elif sample.density_file is not None:
            digest.update(sample.density_file.read_bytes())
    return digest.hexdigest()


def stimulus_bytes(sample: Sample) -> bytes:
    """What identifies a stimulus: its file's bytes, or its pixels where there is no file."""
    if callable(sample.stimulus):
        return sample.stimulus().tobytes()
    return sample.stimulus.read_bytes()


def center_bias(samples: list[Sample], size: tuple[int, int], padded: bool = False) -> np.ndarray:
    """The mean density map of the samples at `size`, float32: the centre bias B of the paper's eq. 16.

    `padded`: as in `Sample.target`.
    """
    total = np.zeros(size, "float64")
    for sample in samples:
        total += sample.target(size, padded)[..., 0]
    return (total / len(samples)).astype("float32")


def report_merged(samples: list[Sample], size: tuple[int, int]) -> str:
    """How many fixations there are, and how many share a pixel at `size` with another: one line."""
    total = merged = 0
    for sample in samples:
        fixations = sample.all_fixations()
        total += len(fixations)
        merged += len(fixations) - np.count_nonzero(count_map(fixations, sample.size, size))
    return (
        f"{total:,} fixations on {len(samples)} stimuli; at {size[0]}x{size[1]} {merged:,} share a pixel "
        "with another, which the fixation map marks once and the density counts in full"
    )
