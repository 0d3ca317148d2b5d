"""A quest from its options to its report: train what is not trained, score what is not scored, write all."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerasal import losses, models
from kerasal.data.sample import Dataset, fingerprint
from kerasal.errors import InputError
from kerasal.evaluation.scores import together
from kerasal.metrics import METRICS
from kerasal.quest import paper
from kerasal.quest.best import write_best
from kerasal.quest.folder import QuestFolder
from kerasal.quest.heads import Heads, is_perceptual
from kerasal.quest.learning import LEARNED, Splits, choose_rates, train_heads
from kerasal.quest.options import SIDE_BY_SIDE, QuestOptions
from kerasal.quest.progress import PERCEPTUAL_WORK, QuestProgress
from kerasal.quest.report import report_page
from kerasal.quest.results import Results
from kerasal.quest.scoring import no_scores, open_test_sets, score_heads
from kerasal.quest.specs import in_order
from kerasal.training.features import Progress, open_features
from kerasal.training.precision import computing_in, resolve_precision

MAPS_BATCH = 8


def run(
    dataset: Dataset,
    specs: Sequence[str],
    options: QuestOptions,
    path: Path | str,
    *,
    seeds: int = 1,
    tests: Sequence[Dataset] = (),
    metrics: Sequence[str] = paper.METRICS,
    stimuli: Sequence[str] | None = None,
    side_by_side: int = SIDE_BY_SIDE,
    cache_folder: Path | None = None,
    processes: int | None = 1,
    progress: Progress = lambda items, _: items,
    report: Callable[[str], None] = print,
) -> Results:
    """Train a head for each loss and seed, score all on each test set, and write the results.

    Args:
        specs: losses, as `kerasal.quest.parse_losses` gives them.
        path: the quest's folder, new or one to go on with: what is finished there is not done again, and
            its other losses, seeds and test sets are part of the results.
        seeds: how many, from 0: of the initial weights, the dropout and the batches.
        tests: other datasets to score on, whole.
        metrics: keys of `kerasal.metrics.METRICS`; those that the data do not allow are left out.
        stimuli: names of test samples that the report shows maps of.
        side_by_side: how many heads share a step; the results do not depend on it.
        cache_folder: where features are kept between quests; None keeps them in memory.
        processes: how many score; None for one for each core.
        progress, report: as in `kerasal.training.train`.

    InputError: a loss that needs fixations on data without them, a folder with another quest.
    """
    specs = in_order(specs)
    _check_fixations(specs, dataset)
    if side_by_side < 1 or seeds < 1:
        raise InputError("side_by_side and seeds must be at least 1")
    precision, line = resolve_precision(options.training.precision)
    if line:
        report(line)
    size = options.training.input_size
    bias = dataset.center_bias(size)
    model_options = {
        "input_size": size,
        "dropout": options.training.dropout,
        "feature_dropout": options.training.feature_dropout,
        "initial_density": float(np.clip(bias.mean(), 1e-3, 0.5)),
    }
    keras.utils.set_random_seed(0)
    with computing_in(precision):
        network = models.build(
            options.training.model,
            **model_options,
            activation=options.training.activation or "relu",
            backbone_weights=options.training.backbone_weights,
        )
    folder = QuestFolder(path)
    opened = {"folder": cache_folder, "progress": progress}
    keys = [key for key in metrics if METRICS[key].target == "density" or dataset.has_fixations]
    config = _config(dataset, specs, options, model_options, precision, seeds, tests, keys)
    config = folder.begin(config, report)
    folder.write_array("center_bias.npy", bias)
    features = open_features(network, dataset, flip=options.training.flip, **opened)
    splits = Splits(dataset, features, options)
    sets = open_test_sets(network, dataset, tests, **opened)
    _learn(folder, config, splits, bias, side_by_side, report)
    _score(folder, config, sets, processes, progress)
    if len(dataset.sets) > 1:
        _take_together(folder, config, dataset)
    results = Results.read(folder)
    results.write()
    folder.write_text("report.html", report_page(results, dataset["test"], network, stimuli))
    write_best(results, network)
    return results


def groups(specs: Sequence[str], size: int) -> list[list[str]]:
    """Losses that share a step, at most `size`: the perceptual ones first, which share a pass of VGG-16."""
    perceptual = [spec for spec in specs if is_perceptual(spec)]
    others = [spec for spec in specs if not is_perceptual(spec)]
    return [part[i : i + size] for part in (perceptual, others) for i in range(0, len(part), size)]


def _learn(folder, config, splits, bias, side_by_side, report):
    """Train every head that is not finished, group by group, each with the rate that its loss chose."""
    work = _Work(folder, config, splits)
    progress = QuestProgress(work.left(), report)

    def heads_of(specs, seed):
        report(f"preparing {len(specs)} heads: {', '.join(specs)}")
        return Heads(
            specs,
            _model_options(config),
            splits.options.training,
            bias,
            seed=seed,
            precision=config["precision"],
            fixations=splits.dataset.has_fixations,
        )

    for seed in config["seeds"]:
        for group in groups(config["losses"], side_by_side):
            heads = None
            if unknown := [spec for spec in group if folder.rate(spec) is None]:
                # The search is the first seed's, whichever seed trains.
                heads = heads_of(unknown, config["seeds"][0])
                stage = work.stage(progress, unknown, splits.trial_steps, f"{len(unknown)} losses")
                for spec, found in zip(
                    unknown, choose_rates(heads, splits, config["seeds"][0], stage), strict=True
                ):
                    folder.write_rate(spec, found)
            todo = [spec for spec in group if folder.head(seed, spec) is None]
            if not todo:
                continue
            if todo != unknown or seed != config["seeds"][0]:
                heads = heads_of(todo, seed)
            done = sum(folder.head(seed, spec) is not None for spec in config["losses"])
            what = f"seed {seed}, losses {done + 1} to {done + len(todo)} of {len(config['losses'])}"
            stage = work.stage(progress, todo, splits.steps, what)
            rates = [folder.rate(spec)["rate"] for spec in todo]
            for spec, rate, (record, weights) in zip(
                todo, rates, train_heads(heads, rates, splits, seed, stage), strict=True
            ):
                activation = heads.activations[todo.index(spec)]
                folder.write_head(seed, spec, {"rate": rate, "activation": activation, **record}, weights)
                if record["state"] != LEARNED:
                    report(f"{spec} {record['state']} with a learning rate of {rate:g} (seed {seed})")


class _Work:
    """How many steps are left, in steps of one head."""

    def __init__(self, folder, config, splits):
        self.folder, self.config, self.splits = folder, config, splits

    def left(self) -> float:
        options, total = self.splits.options, 0.0
        for spec in self.config["losses"]:
            seeds = sum(self.folder.head(seed, spec) is None for seed in self.config["seeds"])
            steps = seeds * options.training.epochs * self.splits.steps
            if self.folder.rate(spec) is None:
                steps += len(options.search_rates) * self.splits.trial_steps
            total += steps * _work_of(spec)
        return total

    def stage(self, progress, specs, steps, what):
        each = sum(map(_work_of, specs))
        return lambda part: progress.stage(f"{what}, {part}", each, steps)


def _work_of(spec):
    return PERCEPTUAL_WORK if is_perceptual(spec) else 1.0


def _model_options(config):
    return {**config["model_options"], "input_size": tuple(config["model_options"]["input_size"])}


def _score(folder, config, sets, processes, progress):
    """Score every head that is not scored yet on each test set."""
    size = tuple(config["model_options"]["input_size"])
    for test_set in sets:
        for seed in config["seeds"]:
            missing = [spec for spec in config["losses"] if folder.scores(seed, test_set.name, spec) is None]
            for group in groups(missing, SIDE_BY_SIDE):
                heads = {spec: folder.load_head(seed, spec) for spec in group}
                learned = {spec: head for spec, head in heads.items() if head is not None}
                scores = {spec: no_scores(test_set, config["metrics"]) for spec in group}
                if learned:
                    maps = test_set.maps(learned.values(), size, MAPS_BATCH)
                    scores |= score_heads(
                        test_set,
                        list(learned),
                        maps,
                        metrics=config["metrics"],
                        processes=processes,
                        progress=progress,
                    )
                for spec in group:
                    folder.write_head_scores(seed, test_set.name, spec, scores[spec])


def _take_together(folder, config, mixture):
    """The scores of a mixture's test split: those of its sets, one after the other."""
    for seed in config["seeds"]:
        for spec in config["losses"]:
            found = {its.name: folder.scores(seed, its.name, spec) for its in mixture.sets}
            folder.write_scores(seed, mixture.name, spec, together(found))


def _check_fixations(specs, dataset):
    if dataset.has_fixations:
        return
    needy = [spec for spec in specs if losses.get(spec).needs_fixations]
    if needy:
        raise InputError(
            f"{dataset.name} has density maps alone, and these losses need fixations: {', '.join(needy)}"
        )


def _config(dataset, specs, options, model_options, precision, seeds, tests, metrics) -> dict[str, Any]:
    own = [dataset, *(its for its in dataset.sets if its is not dataset)]  # of a mixture: together, then each
    others = [its for test in tests for its in test.sets]
    described = [*((its.name, its, its["test"]) for its in own), *((t.name, t, t.samples) for t in others)]
    return {
        "schema": QuestFolder.schema,
        "losses": specs,
        "seeds": list(range(seeds)),
        "tests": [
            {
                "name": name,
                "description": data.description,
                "licence": data.licence,
                "images": len(samples),
                "fingerprint": fingerprint(samples),
            }
            for name, data, samples in described
        ],
        "metrics": metrics,
        "options": options.as_dict(),
        "model_options": {**model_options, "input_size": list(model_options["input_size"])},
        "precision": precision,
        "data": {
            "name": dataset.name,
            "arguments": dataset.arguments,
            "description": dataset.description,
            "licence": dataset.licence,
            "fingerprint": fingerprint(dataset.samples),
            "draws": dataset.draws,
            **{split: len(samples) for split, samples in dataset.splits.items()},
        },
    }
