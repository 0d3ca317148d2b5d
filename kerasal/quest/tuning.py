"""The search for a combination: the coefficients of some losses that are best on the validation split.

A trial is a sum of the losses, learned as the quest learns any loss with its first seed. Optuna draws the
coefficients, a batch of trials at a time from the finished batches alone; it gives up a trial whose search
for a learning rate ends below what half of the finished ones had there. What a batch found is added to
Optuna's journal in the quest's folder at once or not at all: a killed search goes on as if it had not been.
"""

import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kerasal import losses, metrics
from kerasal.errors import InputError, one_line
from kerasal.quest import paper
from kerasal.quest.folder import QuestFolder
from kerasal.quest.jobs import Learning, LearningJob, groups
from kerasal.quest.learning import DIVERGED, Splits
from kerasal.quest.progress import QuestProgress

# What is drawn of each term, log-uniform; the paper's coefficients are 10, 2 and 1. A number below the
# smallest coefficient is a 0. With a switch beside each coefficient TPE does worse than chance.
DRAWN = (1e-4, 100.0)
SMALLEST = 0.01
TRIALS = 40
BATCH = 8  # trials that are drawn together
FAILED = 0.0  # the objective of constant maps, and so of a training that diverged
JOURNAL, STUDY = "tuning.journal", "tuning"


@dataclass(frozen=True)
class Tuning:
    """What is searched.

    Attributes:
        terms: canonical specs of single losses.
        trials: how many at least: they come in whole batches.
        batch: how many are drawn together.
    """

    terms: tuple[str, ...]
    trials: int = TRIALS
    batch: int = BATCH

    def rivals(self, fixations: bool) -> list[str]:
        """The losses that the winner is up against: the paper's combinations, and each term by itself.

        fixations: whether the data have any; without them the combinations, which need them, are left out.
        """
        combinations = [s for s in (paper.LC1, paper.LC2) if fixations or not losses.get(s).needs_fixations]
        return [*combinations, *self.terms]


def tuning(terms: str, trials: int = TRIALS) -> Tuning:
    """The search over losses parted by commas: "kld, cc, sig-mse(0.25)".

    InputError: not single losses, or Optuna is not installed.
    """
    _optuna()
    specs = [losses.canonical(part) for part in terms.split(",")]
    for spec in specs:
        if "*" in spec or "+" in spec:
            raise InputError(f"a search finds the coefficients: give losses parted by commas, not {spec}")
        if losses.LOSSES[losses.parse(spec)[0].name].loss.family == "combination":
            names = ", ".join(term.name for term in losses.expand(spec))
            raise InputError(f"{spec} is a sum of losses already: name its terms, {names}")
    losses.parse("+".join(specs))  # a sum has each loss once
    if len(specs) < 2:
        raise InputError(f"a search needs two losses or more; got {terms!r}")
    if trials < 1:
        raise InputError(f"a search needs at least one trial; got {trials}")
    return Tuning(tuple(specs), trials)


def stored_trials(folder: QuestFolder, asked: Tuning) -> list:
    """The trials of all finished batches, as the folder's journal has them.

    InputError: a damaged journal, or one of a search over other terms.
    """
    file = folder.path / JOURNAL
    if not file.is_file():
        return []
    folder.check(JOURNAL, ": remove it, and the search begins anew")
    try:
        study = _optuna().load_study(study_name=STUDY, storage=_journal(file))
        trials, there = study.trials, study.user_attrs["terms"]
        if there == list(asked.terms) and len(trials) % asked.batch:
            raise ValueError(f"{len(trials)} trials are no whole batches of {asked.batch}")
    except Exception as error:  # a damaged line raises whatever Optuna makes of it
        what = one_line(error)
        raise InputError(f"cannot read {file} ({what}): remove it, and the search begins anew") from None
    if there != list(asked.terms):
        raise InputError(
            f"{folder.path} holds a search over {', '.join(there)}, and not over {', '.join(asked.terms)}: "
            "name another folder with --output, or repeat its losses"
        )
    return trials


def density_scores(splits: Splits) -> dict[str, float]:
    """CC, and NSS where there are fixations, of the density itself on the validation split."""
    watched = {"cc": metrics.CC()} | ({"nss": metrics.NSS()} if splits.dataset.has_fixations else {})
    for _, y_true in splits.validation:
        for metric in watched.values():
            metric.update_state(y_true, y_true[..., :1])
    return {key: float(metric.result()) for key, metric in watched.items()}


def objective(validation: Mapping[str, float | None], ideal: Mapping[str, float]) -> float:
    """CC and NSS on the validation split as shares of the density's own: their mean."""
    shares = [value / ideal[key] for key in ideal if (value := validation.get(key)) is not None]
    return float(np.mean(shares)) if len(shares) == len(ideal) else FAILED


def spec_of(drawn: Mapping[str, float]) -> str:
    """The sum that the numbers drawn of the terms stand for; of zeros alone, the largest one's term.

    Its coefficients are divided by the largest and have three digits: so sums that differ by a factor are
    one, and a single term is that loss itself.
    """
    largest = max(drawn.values())
    kept = {term: value for term, value in drawn.items() if value >= SMALLEST}
    kept = kept or {max(drawn, key=drawn.__getitem__): largest}
    return losses.canonical("+".join(f"{value / largest:.3g}*{term}" for term, value in kept.items()))


@dataclass
class Search:
    """A search in a quest's folder. `ideal`: what the density itself scores, see `density_scores`."""

    folder: QuestFolder
    learning: Learning
    tuning: Tuning
    ideal: dict[str, float]
    side_by_side: int
    report: Callable[[str], None]

    def run(self) -> str:
        """Finish all batches; returns the best sum of all trials, a canonical spec.

        Trials that the folder has are not trained again; what was found is written into it. InputError: see
        `stored_trials`.
        """
        optuna = _optuna()
        batches = math.ceil(self.tuning.trials / self.tuning.batch)
        done = len(stored_trials(self.folder, self.tuning)) // self.tuning.batch
        splits = self.learning.splits
        work = len(splits.options.search_rates) * splits.trial_steps
        work += splits.options.training.epochs * splits.steps
        progress = QuestProgress((batches - done) * self.tuning.batch * work, self.report)
        for number in range(done, batches):
            # As the journal has them, and so the same after a break.
            study = optuna.create_study(
                direction="maximize",
                sampler=optuna.samplers.TPESampler(seed=number, n_startup_trials=2 * self.tuning.batch),
                pruner=optuna.pruners.MedianPruner(n_startup_trials=self.tuning.batch),
            )
            study.add_trials(stored_trials(self.folder, self.tuning))
            if number == 0:
                for start in self._known_sums():
                    study.enqueue_trial(start)
            self._batch(study, f"search, batch {number + 1} of {batches}", progress)
            self._store(study.trials[number * self.tuning.batch :])
        trials = stored_trials(self.folder, self.tuning)
        complete = [trial for trial in trials if trial.state == optuna.trial.TrialState.COMPLETE]
        best = max(complete, key=lambda trial: (trial.value, -trial.number))
        self.folder.write_json("tuning.json", self._as_dict(trials, best))
        self.report(f"best of {len(trials)} trials: {_spec(best)}, objective {best.value:.4f}")
        return _spec(best)

    def _batch(self, study, what, progress):
        """Draw a batch of trials and finish each: with a value, or given up."""
        optuna = _optuna()
        known = {_spec(trial): trial for trial in study.get_trials() if trial.state.is_finished()}
        number = optuna.distributions.FloatDistribution(*DRAWN, log=True)
        trials = [study.ask(dict.fromkeys(self.tuning.terms, number)) for _ in range(self.tuning.batch)]
        specs = list(dict.fromkeys(map(_spec, trials)))  # a sum that is drawn twice is trained once
        new = [spec for spec in specs if spec not in known]
        rates = dict(self._learned(new, [], {}, what, progress))
        first = {spec: self._after_search(rates[spec]) for spec in new}
        first |= {spec: known[spec].intermediate_values.get(0) for spec in specs if spec in known}
        for trial in trials:
            if (value := first[_spec(trial)]) is not None:
                trial.report(value, step=0)
        given_up = {_spec(trial) for trial in trials if trial.should_prune()}
        left = [spec for spec in new if spec not in given_up]
        complete = optuna.trial.TrialState.COMPLETE
        values = {spec: trial.value for spec, trial in known.items() if trial.state == complete}
        for spec, (record, _) in self._learned([], left, rates, what, progress):
            values[spec] = FAILED
            if record["state"] != DIVERGED:  # of the weights that were kept
                kept = record["history"][record["best_epoch"]]
                values[spec] = objective(kept["validation"], self.ideal)
        for trial in trials:
            if (value := values.get(_spec(trial))) is None:
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            else:
                study.tell(trial, value)

    def _learned(self, searching, training, rates, what, progress) -> Iterator[tuple]:
        """(spec, what `Learning.results` gives for it) of these losses, group by group."""

        def stages(job, trains, steps):
            count = len(job.training if trains else job.searching)
            return lambda part: progress.stage(f"{what}, {count} sums, {part}", count, steps)

        seed = self.learning.config["seeds"][0]
        for group in groups(searching or training, self.side_by_side):
            job = LearningJob(seed, group, [], {}) if searching else LearningJob(seed, [], group, rates)
            for _, found in self.learning.results(job, self.report, stages):
                yield from found.items()

    def _after_search(self, searched: dict[str, Any]) -> float | None:
        """The objective with the chosen rate at the end of its short training; None where none was tried."""
        chosen = (searched["activation"], searched["rate"])
        trials = [trial for trial in searched["trials"] if (trial["activation"], trial["rate"]) == chosen]
        return objective(trials[-1], self.ideal) if trials else None

    def _known_sums(self) -> list[dict[str, float]]:
        """Trials to begin with: the terms with the paper's coefficients, all of them and those of LC1."""
        bare = {term: losses.LOSSES[losses.parse(term)[0].name].coefficient for term in self.tuning.terms}
        of_lc1 = [term.name for term in losses.parse(paper.LC1)]
        return [bare, {term: value if term in of_lc1 else DRAWN[0] for term, value in bare.items()}]

    def _store(self, trials: Sequence) -> None:
        """Add a batch to the journal, all of it or nothing."""
        file = self.folder.path / JOURNAL

        def write(path):
            if file.is_file():
                shutil.copyfile(file, path)
            study = _optuna().create_study(
                study_name=STUDY, storage=_journal(path), direction="maximize", load_if_exists=True
            )
            if not study.user_attrs:
                study.set_user_attr("terms", list(self.tuning.terms))
            study.add_trials(trials)

        self.folder.write(JOURNAL, write)

    def _as_dict(self, trials, best) -> dict[str, Any]:
        """The search as plain values: the best sum, and every trial in the order that they were drawn."""
        return {
            "terms": list(self.tuning.terms),
            "density": self.ideal,
            "best": _spec(best),
            "objective": best.value,
            "trials": [
                {
                    "loss": _spec(trial),
                    "state": trial.state.name.lower(),
                    "after_search": trial.intermediate_values.get(0),
                    "objective": None if trial.state.name == "PRUNED" else trial.value,
                }
                for trial in trials
            ],
        }


def _spec(trial) -> str:
    return spec_of(trial.params)


def _journal(path):
    storages = _optuna().storages
    return storages.JournalStorage(storages.journal.JournalFileBackend(str(path)))


def _optuna():
    """The library. InputError: it is not installed."""
    try:
        import optuna
    except ImportError:
        raise InputError("a search needs Optuna: pip install 'kerasal[tune]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it would say a line for each trial
    return optuna
