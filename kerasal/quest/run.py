"""A quest from its options to its report: train what is not trained, score what is not scored, write all."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from kerasal import losses, models
from kerasal._files import write_array
from kerasal._progress import Progress
from kerasal.cluster import Cluster
from kerasal.data.names import counted
from kerasal.data.sample import Dataset, data_entry, fingerprint
from kerasal.errors import InputError
from kerasal.evaluation.evaluate import check_known, why_not
from kerasal.evaluation.scores import together
from kerasal.metrics import METRICS
from kerasal.models import SaliencyModel
from kerasal.quest import paper
from kerasal.quest.best import write_best
from kerasal.quest.folder import QuestFolder
from kerasal.quest.heads import is_perceptual
from kerasal.quest.jobs import Learning, LearningJob, groups, learn
from kerasal.quest.learning import LEARNED, Splits
from kerasal.quest.options import SIDE_BY_SIDE, QuestOptions
from kerasal.quest.progress import PERCEPTUAL_WORK, QuestProgress
from kerasal.quest.report import report_page
from kerasal.quest.results import Results, have_all
from kerasal.quest.scoring import TestSet, check_test_sets, score, score_center_bias, scored_data
from kerasal.quest.specs import called_as, in_order
from kerasal.quest.tuning import Search, Tuning, density_scores, stored_trials
from kerasal.training.features import FeatureCache, open_features
from kerasal.training.initial import found_from_anywhere, initial_network, set_initial_weights
from kerasal.training.precision import computing_in, resolve_precision

START_HEADS = 2.0  # of a common start, one behind each activation


def run(
    dataset: Dataset,
    specs: Sequence[str],
    options: QuestOptions,
    path: Path | str,
    *,
    limit: int | None = None,
    seeds: int = 1,
    tests: Sequence[Dataset] = (),
    metrics: Sequence[str] = paper.METRICS,
    stimuli: Sequence[str] | None = None,
    tuning: Tuning | None = None,
    side_by_side: int = SIDE_BY_SIDE,
    cache_folder: Path | None = None,
    cache_bound: int | None = None,
    processes: int | None = 1,
    cluster: Cluster | None = None,
    progress: Progress = lambda items, _: items,
    report: Callable[[str], None] = print,
) -> Results:
    """Train a head for each loss and seed, score all on each test set, and write the results.

    Args:
        specs: losses, as `kerasal.quest.parse_losses` gives them.
        path: the quest's folder, new or one to go on with: what is finished there is not done again, and
            its other losses, seeds and test sets are part of the results; but not a test set that is not
            named again where losses, seeds or metrics are new.
        limit: what the dataset was limited to, to be written down with it.
        seeds: how many, from 0: of the initial weights, the dropout and the batches.
        tests: other datasets to score on, whole.
        metrics: keys of `kerasal.metrics.METRICS`; those that the data do not allow are left out.
        stimuli: names of test samples that the report shows maps of.
        tuning: a search for a combination, of `kerasal.quest.tuning`; it comes first, and the sum that it
            finds is then one of the losses, like those that it is compared with.
        side_by_side: how many heads share a step; on it the results depend in float32's last digits alone.
        cache_folder: where features are kept between quests; None keeps them in memory.
        cache_bound: the largest size of that folder's features in bytes: see `FeatureCache.open`.
        processes: how many score; None for one for each core.
        cluster: of `kerasal.cluster.connect`, to learn and score on, with `processes` playing no part; this
            process alone writes. Features are computed here first.
        progress, report: as in `kerasal.training.train`.

    InputError: a loss that needs fixations on data without them, an empty split, an unknown metric, none that
    the data allow, an unknown stimulus, test sets of one name or with stimuli that heads learn from, a folder
    with another quest.
    """
    if tuning:
        specs = [*specs, *tuning.rivals(dataset.has_fixations)]
    specs = in_order(specs)
    started = [options.start] if options.start and not options.training.weights else []
    needy = [spec for spec in (*specs, *started) if losses.get(spec).needs_fixations]
    if needy and not dataset.has_fixations:
        raise InputError(
            f"{dataset.name} has density maps alone, and these losses need fixations: {', '.join(needy)}"
        )
    check_test_sets(dataset, tests)
    dataset.check_size(options.training.input_size)
    scored = scored_data(dataset, tests)
    shown = None if stimuli is None else dataset.named(stimuli, "test")
    if side_by_side < 1 or seeds < 1:
        raise InputError("side_by_side and seeds must be at least 1")
    if options.training.deterministic:
        tf.config.experimental.enable_op_determinism()
    folder, asked = QuestFolder(path), options.training.precision
    if asked == "auto" and (folder.path / "config.json").is_file():
        asked = folder.config.get("precision", asked)  # where it began, another one may have been the faster
    precision, line = resolve_precision(asked)
    if line:
        report(line)
    options, initial = _going_on(options)
    bias = dataset.center_bias(options.training.input_size)
    dataset["validation"]  # InputError where there is none
    model_options = options.training.network_options(bias, activation=None)
    keras.utils.set_random_seed(0)
    with computing_in(precision):
        network = models.build(
            options.training.model,
            **model_options,
            activation=options.training.activation or "relu",
            backbone_weights=options.training.backbone_weights,
        )
    if options.training.weights:
        set_initial_weights(network, options.training.weights, initial)
    if tuning:
        stored_trials(folder, tuning)  # refuses a folder of another search before anything is computed
    opened: dict[str, Any] = {"folder": cache_folder, "bound": cache_bound, "progress": progress}
    keys = _possible(metrics, scored, report)
    config = _config(dataset, limit, specs, options, model_options, precision, seeds, scored, keys)
    with folder.at_work(config, report) as config:
        write_array(folder.path / "center_bias.npy", bias)
        features = open_features(network, dataset, flip=options.training.flip, **opened)
        splits = Splits(dataset, features, options)
        sets = [TestSet(part, FeatureCache.open(network, part["test"], **opened)) for part in scored]
        learning = Learning(config, splits, bias)
        if options.training.weights:
            _start_from(network, folder, learning)
        if tuning:
            _search(folder, learning, tuning, side_by_side, report)
            config = folder.config
            learning = replace(learning, config=config)
        _learn(folder, learning, side_by_side, cluster, report)
        at_once = side_by_side if cluster else SIDE_BY_SIDE
        _score(folder, config, sets, at_once, processes, cluster, progress, report)
        if len(dataset.sets) > 1:
            _take_together(folder, config, dataset)
        score_center_bias(folder, dataset, sets, config["metrics"], processes=processes, progress=progress)
        results = Results.read(folder)
        for test in config["tests"]:
            if test["name"] not in results.tests:
                report(f"{test['name']} is left out, for not all is scored there: name it again with --test")
        results.write()
        folder.write_text("report.html", report_page(results, dataset["test"], network, shown))
        write_best(results, network)
        return results


def _going_on(options: QuestOptions) -> tuple[QuestOptions, SaliencyModel | None]:
    """The options, with paths that hold from anywhere, and the network that the quest goes on from."""
    training = found_from_anywhere(options.training)
    if training.weights is None:
        return replace(options, training=training), None
    initial = initial_network(training.weights)
    training = replace(training, activation=training.activation or getattr(initial, "activation", None))
    return replace(options, training=training, start=None), initial


def _start_from(network: SaliencyModel, folder: QuestFolder, learning: Learning) -> None:
    """Keep a network's head as what all losses of all seeds go on from."""
    options = learning.splits.options.training
    weights = [variable.numpy() for variable in network.head.trainable_variables]
    activations = [options.activation] if options.activation else ["relu", "sigmoid"]
    found = dict.fromkeys(activations, ({"weights": options.weights, "state": LEARNED}, weights))
    for seed in learning.config["seeds"]:
        if (start := folder.start(seed)) is None:
            start = dict.fromkeys(activations, weights)
            folder.write_start(seed, found)
        learning.starts[seed] = start


def _search(folder, learning, tuning, side_by_side, report):
    """Find the best sum, and make it a loss of the quest."""
    config, options = learning.config, learning.splits.options
    if options.start and len(stored_trials(folder, tuning)) < tuning.trials:
        _start(config["seeds"][:1], folder, learning, QuestProgress(0, report), report)
    best = Search(folder, learning, tuning, density_scores(learning.splits), side_by_side, report).run()
    # Of losses that choose their rates, those that differ by a factor learn the same.
    found = called_as(config["losses"], [best], scaled=bool(options.search_rates))
    folder.begin({**config, "losses": in_order([*config["losses"], *found])}, lambda _: None)


def _learn(folder, learning, side_by_side, cluster, report):
    """Train every head that is not finished, group by group, each with the rate that its loss chose."""
    config, splits = learning.config, learning.splits
    parts = groups(config["losses"], side_by_side)
    searching = [spec for spec in config["losses"] if folder.rate(spec) is None]
    training = [(seed, s) for seed in config["seeds"] for s in config["losses"] if not folder.head(seed, s)]
    progress = QuestProgress(_work(splits, searching, [spec for _, spec in training]), report)
    if splits.options.start:
        first = config["seeds"][:1] if searching else []  # rates are searched with the first seed
        _start(sorted({*first, *(seed for seed, _ in training)}), folder, learning, progress, report)
    if cluster:
        _learn_on(cluster, folder, learning, parts, progress, report)
        return

    def stages(job, trains, steps):
        specs, what = job.searching, counted(len(job.searching), "loss")
        if trains:
            done = sum(folder.head(job.seed, spec) is not None for spec in config["losses"])
            specs, count = job.training, len(job.training)
            what = f"seed {job.seed}, losses {done + 1} to {done + count} of {len(config['losses'])}"
        work, tried = _work_of_step(specs), itertools.count(1)

        def begin(part):
            if not trains and next(tried) > len(splits.options.search_rates):
                progress.work += work * steps  # beyond the edge of the rates, or behind another activation
            return progress.stage(f"{what}, {part}", work, steps)

        return begin

    for seed in config["seeds"]:
        for group in parts:
            if job := LearningJob.left(folder, group, seed):
                for what, found in learning.results(job, report, stages):
                    _keep(folder, job, what, found, report)


def _start(seeds, folder, learning, progress, report):
    """Train the common start of each of the seeds that has none, and keep all in `learning.starts`."""
    splits, new = learning.splits, [seed for seed in seeds if folder.start(seed) is None]
    progress.work += len(new) * START_HEADS * splits.options.start_epochs * splits.steps
    for seed in new:

        def stage(part, seed=seed):
            return progress.stage(f"the common start of seed {seed}, {part}", START_HEADS, splits.steps)

        folder.write_start(seed, learning.start(seed, stage, report))
    learning.starts.update({seed: folder.start(seed) for seed in seeds})


def _learn_on(cluster, folder, learning, parts, progress, report):
    """The same on a cluster. Of a group that has no rates yet, the other seeds wait for the first job."""
    shared, jobs = cluster.share(learning), cluster.jobs()

    def add(group, seeds):
        for seed in seeds:
            if job := LearningJob.left(folder, group, seed):
                jobs.add((job, group, seeds[seeds.index(seed) + 1 :]), learn, shared, job)
                if job.searching:
                    return

    for group in parts:
        add(group, learning.config["seeds"])
    for (job, group, later), results in jobs:
        for what, found in results:
            _keep(folder, job, what, found, report)
        progress.job(
            f"seed {job.seed} of {', '.join(job.training or job.searching)} is finished",
            _work(learning.splits, job.searching, job.training),
        )
        if job.searching:
            add(group, later)


def _keep(folder, job, what, found, report):
    if what == "rates":
        folder.write_rates(found)
        return
    folder.write_heads(job.seed, found)
    for spec, (record, _) in found.items():
        if record["state"] != LEARNED:
            report(f"{spec} {record['state']} with a learning rate of {record['rate']:g} (seed {job.seed})")


def _work(splits, searching, training):
    """The work of losses that search for a rate and of those that train, in steps of one head."""
    search = len(splits.options.search_rates) * splits.trial_steps * _work_of_step(searching)
    return search + splits.options.training.epochs * splits.steps * _work_of_step(training)


def _work_of_step(specs):
    """The work of a step that losses share, in steps of one head."""
    return sum(PERCEPTUAL_WORK if is_perceptual(spec) else 1.0 for spec in specs)


def _score(folder, config, sets, size, processes, cluster, progress, report):
    """Score every head that is not scored yet on each test set."""
    left = []
    for test_set, seed in itertools.product(sets, config["seeds"]):
        scores = {spec: folder.scores(seed, test_set.data.name, spec) for spec in config["losses"]}
        unscored = [spec for spec, found in scores.items() if not have_all(found, config["metrics"])]
        left += [(test_set, seed, group) for group in groups(unscored, size)]

    def heads(seed, group):
        return {spec: (folder.head(seed, spec), folder.weights(seed, spec)) for spec in group}

    def keep(test_set, seed, scores):
        for spec, of_loss in scores.items():
            folder.write_head_scores(seed, test_set.data.name, spec, of_loss)

    if not cluster:
        for test_set, seed, group in left:
            keep(test_set, seed, score(config, test_set, seed, heads(seed, group), processes, progress))
        return
    shared, jobs = {test_set.data.name: cluster.share(test_set) for test_set in sets}, cluster.jobs()
    for test_set, seed, group in left:
        jobs.add((test_set, seed), score, config, shared[test_set.data.name], seed, heads(seed, group))
    for number, ((test_set, seed), scores) in enumerate(jobs, start=1):
        keep(test_set, seed, scores)
        where = f"{test_set.data.name} (seed {seed})"
        report(f"scored {', '.join(scores)} on {where}: {number} of {len(left)} jobs")


def _take_together(folder, config, mixture):
    """The scores of a mixture's test split: those of its sets, one after the other."""
    for seed in config["seeds"]:
        for spec in config["losses"]:
            found = {part.name: folder.scores(seed, part.name, spec) for part in mixture.sets}
            folder.write_head_scores(seed, mixture.name, spec, together(found))


def _possible(metrics, scored, report) -> list[str]:
    """The metrics that all test sets allow, and a line for each other one: before anything is trained."""
    check_known(metrics)
    possible = []
    for key in metrics:
        reason = next(filter(None, (why_not(key, data, data["test"]) for data in scored)), None)
        if reason:
            report(f"{METRICS[key].name} is left out: {reason}")
        else:
            possible.append(key)
    if not possible:
        raise InputError(f"no metric is left of {', '.join(metrics) or 'none'}: name others with --metrics")
    return possible


def _config(dataset, limit, specs, options, model_options, precision, seeds, scored, metrics):
    tests = scored if dataset in scored else [dataset, *scored]  # of a mixture: all, then each
    return {
        "schema": QuestFolder.schema,
        "losses": specs,
        "seeds": list(range(seeds)),
        "tests": [
            {
                "name": data.name,
                "description": data.description,
                "licence": data.licence,
                "images": len(data["test"]),
                "fingerprint": fingerprint(data["test"]),
            }
            for data in tests
        ],
        "metrics": metrics,
        "options": options.as_dict(),
        "model_options": model_options,
        "precision": precision,
        "data": {"name": dataset.name, "draws": dataset.draws, **data_entry(dataset), "limit": limit},
    }
