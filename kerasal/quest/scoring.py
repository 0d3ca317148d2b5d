"""The scores of trained heads, and of the centre bias that they have to beat, on test sets."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerasal import models
from kerasal._progress import Progress
from kerasal.data.sample import Dataset, Sample, stimulus_bytes
from kerasal.errors import InputError
from kerasal.evaluation import Scores, baseline, evaluate
from kerasal.evaluation.scores import together
from kerasal.evaluation.scoring import Job
from kerasal.evaluation.systems import as_it_is
from kerasal.models.base import resize_maps
from kerasal.quest.folder import QuestFolder, restored_head
from kerasal.quest.learning import DIVERGED
from kerasal.quest.results import center_bias_file, have_all
from kerasal.training.features import FeatureCache

MAPS_BATCH = 8


@dataclass(frozen=True)
class TestSet:
    """Samples that no head has learned from, with their features.

    Attributes:
        data: splits "train", the quest's own, whose centre bias metrics use, and "test", what is scored.
    """

    data: Dataset
    features: FeatureCache

    def maps(self, head: keras.Model) -> Iterator[np.ndarray]:
        """A head's map of each sample, (rows, columns) float32 at the network's size, made as it is taken."""
        read, numbers = self.features.reader(), tf.data.Dataset.range(len(self.data["test"]))
        # Features alone: `batches` would make each sample's target for each head, which nothing needs here.
        each = numbers.map(lambda index: read(index, False), num_parallel_calls=tf.data.AUTOTUNE)
        for features in each.batch(MAPS_BATCH).prefetch(2):
            # Called as it is: tracing takes longer than some batches gain.
            maps = head(features[0] if len(features) == 1 else features, training=False)
            yield from maps[..., 0].numpy()


def check_test_sets(own: Dataset, others: Sequence[Dataset]) -> None:
    """InputError: two sets of one name, or another one with stimuli that the quest trains or validates on."""
    others = [part for other in others for part in other.sets]
    names = [part.name for part in [*own.sets, *others]]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(
            f"test sets named twice: {', '.join(twice)}; the data's own test split is one already"
        )
    learned = {_digest(sample) for sample in (*own["train"], *own["validation"])} if others else ()
    for other in others:
        if known := [sample.name for sample in other.samples if _digest(sample) in learned]:
            raise InputError(
                f"{other.name} cannot be a test set: the quest trains or validates on {len(known)} of its "
                f"stimuli, such as {known[0]}"
            )


def _digest(sample: Sample) -> bytes:
    return hashlib.sha256(stimulus_bytes(sample)).digest()


def scored_data(own: Dataset, others: Iterable[Dataset]) -> list[Dataset]:
    """What is scored, as test splits: the quest's own, of a mixture each set's, and other datasets whole.

    The centre bias is the set's itself, and that of the quest's own data for another dataset, or for a set
    that has no training samples. InputError: stimuli that are shrunk, whose scores a report would call the
    dataset's.
    """
    sets = (
        part if part.splits["train"] else replace(part, splits={**part.splits, "train": own["train"]})
        for part in own.sets
    )
    whole = (
        replace(part, splits={"train": own["train"], "validation": [], "test": part.samples})
        for other in others
        for part in other.sets
    )
    scored = [*sets, *whole]
    if shrunk := [part.name for part in scored if any(sample.shrunk for sample in part["test"])]:
        raise InputError(f"{shrunk[0]} has images to score that were shrunk: name its own folder")
    return scored


def score(
    config: dict[str, Any],
    test_set: TestSet,
    seed: int,
    heads: dict[str, tuple[dict[str, Any], list[np.ndarray]]],
    processes: int | None = 1,
    progress: Progress = lambda items, _: items,
) -> dict[str, Scores]:
    """The scores of finished heads, spec -> (record, weights), at the stimuli's own size: a job.

    One that diverged has no value of any metric.
    """
    learned = {
        spec: restored_head(config, seed, *head)
        for spec, head in heads.items()
        if head[0]["state"] != DIVERGED
    }
    names = [sample.name for sample in test_set.data["test"]]
    nothing = {metric: np.full(len(names), np.nan) for metric in config["metrics"]}
    scores = dict.fromkeys(heads, Scores(names, nothing))
    if learned:
        systems = [_Maps(spec, partial(test_set.maps, head)) for spec, head in learned.items()]
        chosen = {"metrics": config["metrics"], "processes": processes, "progress": progress}
        scores |= evaluate(systems, test_set.data, "test", **chosen).scores
    return scores


def score_center_bias(
    folder: QuestFolder,
    dataset: Dataset,
    sets: Sequence[TestSet],
    metrics: Sequence[str],
    *,
    processes: int | None = 1,
    progress: Progress = lambda items, _: items,
) -> None:
    """Write the scores of the training split's mean density on each test set, where they are not there yet.

    Of a mixture's sets it is each set's own, where that has one; its test split has the scores of its sets.
    """
    for test_set in sets:
        if not have_all(folder.read_scores(center_bias_file(test_set.data.name)), metrics):
            system = baseline("center-bias")
            found = evaluate(
                [system], test_set.data, "test", metrics=metrics, processes=processes, progress=progress
            )
            folder.write_scores(center_bias_file(test_set.data.name), found.scores[system.name])
    if len(dataset.sets) > 1:
        parts = {part.name: folder.read_scores(center_bias_file(part.name)) for part in dataset.sets}
        folder.write_scores(center_bias_file(dataset.name), together(parts))


@dataclass(frozen=True, eq=False)
class _Maps:
    """Maps of one loss at the network's size, as a system of `kerasal.evaluation`."""

    name: str
    maps: Callable[[], Iterator[np.ndarray]]
    knows_answers: bool = False

    def jobs(self, dataset: Dataset, samples: list[Sample]) -> Iterator[Job]:
        for map_, sample in zip(self.maps(), samples, strict=True):
            saliency_map = models.scale_to_peak(resize_maps(map_[None, ..., None], sample.size))
            yield partial(as_it_is, np.asarray(saliency_map)[0, ..., 0], sample)
