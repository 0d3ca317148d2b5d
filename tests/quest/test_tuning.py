"""The search for a combination: what is drawn, what is trained, and that a break changes nothing.

Most tests give the search a training whose outcome is a formula of the sum's coefficients.
"""

import json
import math
import random
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import without_fixations
from hypothesis import given
from hypothesis import strategies as st
from simulated_quest import few_resamples, simulated

from kerasal import data, losses, quest
from kerasal.errors import InputError
from kerasal.quest import findings, paper
from kerasal.quest.folder import QuestFolder
from kerasal.quest.tuning import (
    DRAWN,
    SMALLEST,
    Search,
    Tuning,
    density_scores,
    objective,
    spec_of,
    stored_trials,
)

TERMS = ("kld", "cc", "nss", "mse")
IDEAL = {"cc": 1.0, "nss": 4.0}
BATCH = 4


def coefficients(spec):
    """The coefficients of a sum by name, relative to the largest; 0 for those that are not there."""
    found = {term.name: term.coefficient for term in losses.parse(spec)}
    return {name: found.get(name, 0.0) / max(found.values()) for name in TERMS}


def quality(spec):
    """1 for 0.3*kld+cc without nss, and less with the distance from it in orders of magnitude."""
    far = coefficients(spec)
    off = [math.log10((far[name] + 1e-3) / (best + 1e-3)) for name, best in (("kld", 0.3), ("cc", 1.0))]
    return 1 - 0.1 * sum(map(abs, off)) - 0.2 * (far["nss"] > 0) - 0.01 * (far["mse"] > 0)


class Training:
    """In place of `Learning`: counts what is asked of it, and may be interrupted."""

    def __init__(self, interrupt=math.inf, searches=True, diverges=lambda spec: False):
        rates = (1e-3, 1e-2) if searches else ()
        options = SimpleNamespace(search_rates=rates, training=SimpleNamespace(epochs=2))
        self.config = {"seeds": [0]}
        self.splits = SimpleNamespace(options=options, steps=3, trial_steps=2)
        self.searched, self.trained = [], []
        self.interrupt, self.diverges = interrupt, diverges

    def results(self, job, report, stages):
        assert (job.seed, bool(job.searching)) == (0, not job.training)
        found = {}
        for spec in job.searching or job.training:
            (self.searched if job.searching else self.trained).append(spec)
            if len(self.searched) + len(self.trained) > self.interrupt:
                raise KeyboardInterrupt
            scores = {"cc": quality(spec), "nss": IDEAL["nss"] * quality(spec), "loss": -1.0}
            if job.searching:
                trials = [
                    {
                        "activation": "relu",
                        "rate": rate,
                        **({} if self.diverges(spec) else scores),
                        "loss": rate,
                    }
                    for rate in self.splits.options.search_rates
                ]
                found[spec] = {"activation": "relu", "rate": 1e-3, "trials": trials}
            else:
                assert job.rates[spec]["rate"] == 1e-3
                record = {"state": "learned", "best_epoch": 1, "history": [{"validation": {}}] * 2}
                record["history"][1] = {"validation": scores}
                if self.diverges(spec):
                    record = {"state": "diverged", "best_epoch": None, "history": []}
                found[spec] = (record, [])
        yield "rates" if job.searching else "heads", found


def searched(folder, batches, training=None, terms=TERMS):
    """The result of a search in a folder, as tuning.json has it, and the training that it asked."""
    training = training or Training()
    tuning = Tuning(terms, batches * BATCH, BATCH)
    best = Search(QuestFolder(folder), training, tuning, IDEAL, 3, lambda _: None).run()
    found = json.loads((folder / "tuning.json").read_text())
    assert found["best"] == best
    return found, training


@given(st.dictionaries(st.sampled_from(TERMS), st.floats(*DRAWN), min_size=1), st.integers(0, 5))
def test_sums_that_differ_by_a_factor_are_one_spec_that_parses_back_to_itself(drawn, power):
    spec = spec_of(drawn)
    there = {term: value for term, value in drawn.items() if value >= SMALLEST}
    there = there or {max(drawn, key=drawn.get): 1.0}
    assert spec_of({term: 2.0**power * value for term, value in there.items()}) == spec
    assert losses.canonical(spec) == spec
    parsed = {term.name: term.coefficient for term in losses.parse(spec)}
    assert list(parsed) == list(there)
    assert max(parsed.values()) == 1
    for term, value in there.items():
        assert parsed[term] == pytest.approx(value / max(there.values()), rel=6e-3)


def test_the_papers_coefficients_and_single_losses_are_spelled_as_they_are_known():
    assert spec_of({"kld": 10, "cc": 2, "nss": 1}) == "1*kld+0.2*cc+0.1*nss"
    assert spec_of({"kld": 0.02}) == losses.canonical("kld")
    assert spec_of({"sig-mse(0.25)": 50, "r": 0.01}) == "sig-mse(0.25)+0.0002*r"


def test_the_objective_is_the_mean_share_of_what_the_density_itself_scores():
    assert objective({"cc": 0.8, "nss": 2.0, "loss": 7.0}, IDEAL) == pytest.approx((0.8 + 0.5) / 2)
    assert objective({"cc": 0.8}, {"cc": 1.0}) == pytest.approx(0.8)
    assert objective({"cc": None, "nss": 2.0}, IDEAL) == 0  # NaN, as JSON keeps it


def test_the_densitys_own_scores_are_those_of_the_metrics_in_float64():
    rng = np.random.default_rng(3)
    batches = [np.stack([rng.random((2, 9, 12)), rng.random((2, 9, 12)) < 0.1], -1) for _ in range(3)]
    splits = SimpleNamespace(
        dataset=SimpleNamespace(has_fixations=True),
        validation=[(None, batch.astype("float32")) for batch in batches],
    )
    images = np.concatenate(batches)
    nss = [
        np.mean(((s - s.mean()) / s.std(ddof=1))[f > 0])
        for s, f in zip(*np.moveaxis(images, -1, 0), strict=True)
    ]
    found = density_scores(splits)
    assert found["cc"] == pytest.approx(1, rel=1e-5)
    assert found["nss"] == pytest.approx(np.mean(nss), rel=1e-4)
    splits.dataset.has_fixations = False
    assert list(density_scores(splits)) == ["cc"]


def test_the_search_finds_a_better_sum_than_as_many_random_ones_in_nine_of_ten_cases(tmp_path):
    found, _ = searched(tmp_path, 12)
    chance, best = random.Random(0), []
    low, high = (math.log(bound) for bound in (SMALLEST, DRAWN[1]))
    for _ in range(200):
        draws = []
        for _ in range(12 * BATCH):
            there = [term for term in TERMS if chance.random() < 2 / 3] or ["kld"]
            draws.append(quality(spec_of({term: math.exp(chance.uniform(low, high)) for term in there})))
        best.append(max(draws))
    assert found["objective"] > np.quantile(best, 0.9)
    assert found["objective"] == pytest.approx(quality(found["best"]))
    assert found["objective"] == max(trial["objective"] or 0 for trial in found["trials"])


def test_the_first_trials_are_the_papers_coefficients_and_terms_can_be_left_out(tmp_path):
    found, _ = searched(tmp_path, 12)
    drawn = [trial["loss"] for trial in found["trials"]]
    assert len(drawn) == 12 * BATCH
    assert drawn[:2] == ["1*kld+0.2*cc+0.1*nss+0.1*mse", "1*kld+0.2*cc+0.1*nss"]
    sizes = {len(losses.parse(spec)) for spec in drawn}
    assert sizes == {1, 2, 3, 4}
    assert {term.name for spec in drawn for term in losses.parse(spec)} == set(TERMS)


def test_every_sum_is_trained_once_and_one_that_is_given_up_not_at_all(tmp_path):
    found, training = searched(tmp_path, 12, terms=("kld", "cc"))
    specs = [trial["loss"] for trial in found["trials"]]
    assert len(set(specs)) < len(specs)  # single losses have come more than once
    assert sorted(training.searched) == sorted(set(specs))
    given_up = {trial["loss"] for trial in found["trials"] if trial["state"] == "pruned"}
    assert given_up
    assert sorted(training.trained) == sorted(set(specs) - given_up)
    for trial in found["trials"]:
        assert (trial["objective"] is None) == (trial["state"] == "pruned")
        assert trial["after_search"] == pytest.approx(quality(trial["loss"]))
    assert all(trial["state"] == "complete" for trial in found["trials"][:BATCH])
    # Given up is what then lies below the middle of all that were finished in the batches before.
    for start in range(BATCH, len(specs), BATCH):
        before = found["trials"][:start]
        middle = np.median([trial["after_search"] for trial in before if trial["state"] == "complete"])
        for trial in found["trials"][start : start + BATCH]:
            if trial["loss"] not in specs[:start]:
                assert (trial["state"] == "pruned") == (trial["after_search"] < middle)


def test_a_recipe_with_one_rate_searches_too_and_gives_none_up(tmp_path):
    found, training = searched(tmp_path, 6, Training(searches=False))
    assert {trial["state"] for trial in found["trials"]} == {"complete"}
    assert {trial["after_search"] for trial in found["trials"]} == {None}
    assert sorted(training.trained) == sorted({trial["loss"] for trial in found["trials"]})


def test_a_training_that_diverges_counts_as_a_constant_map(tmp_path):
    found, _ = searched(tmp_path, 3, Training(diverges=lambda spec: coefficients(spec)["mse"] > 0))
    with_mse = [trial for trial in found["trials"] if coefficients(trial["loss"])["mse"] > 0]
    assert with_mse
    assert {trial["objective"] for trial in with_mse} <= {0.0, None}
    assert coefficients(found["best"])["mse"] == 0


@pytest.mark.parametrize("seed", range(2))
def test_a_search_that_is_broken_off_ten_times_ends_as_an_unbroken_one(tmp_path, seed):
    expected, training = searched(tmp_path / "unbroken", 4)
    calls, chance, breaks = len(training.searched) + len(training.trained), random.Random(seed), 0
    while breaks < 10:
        folder = tmp_path / f"broken-{breaks}"
        while True:
            interrupt = chance.randrange(calls) if breaks < 10 else math.inf
            try:
                found, _ = searched(folder, 4, Training(interrupt))
                break
            except KeyboardInterrupt:
                breaks += 1
                assert len(stored_trials(QuestFolder(folder), Tuning(TERMS, batch=BATCH))) % BATCH == 0
        assert found == expected


@pytest.mark.slow
def test_a_search_killed_at_twenty_random_moments_ends_as_an_unbroken_one(tmp_path):
    result = subprocess.run(
        [sys.executable, Path(__file__).with_name("killed_searches.py"), tmp_path, "20", "0"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert len(json.loads(result.stdout)) == 20
    broken = list(tmp_path.glob("broken-*"))
    assert broken
    for folder in broken:
        assert (folder / "tuning.json").read_bytes() == (tmp_path / "unbroken/tuning.json").read_bytes()
        assert sorted(file.name for file in folder.iterdir()) == ["tuning.journal", "tuning.json"]


def test_more_trials_go_on_where_fewer_ended(tmp_path):
    expected, _ = searched(tmp_path / "at once", 6)
    searched(tmp_path / "in parts", 2)
    again, training = searched(tmp_path / "in parts", 2)
    assert training.searched == []
    assert again["trials"] == expected["trials"][: 2 * BATCH]
    found, _ = searched(tmp_path / "in parts", 6)
    assert found == expected


def test_a_folder_of_another_search_or_with_a_damaged_journal_is_refused_in_one_line(tmp_path):
    searched(tmp_path, 2)
    with pytest.raises(InputError, match=r"a search over kld, cc, nss, mse, and not over kld, cc") as caught:
        stored_trials(QuestFolder(tmp_path), Tuning(("kld", "cc"), batch=BATCH))
    assert len(str(caught.value).splitlines()) == 1
    journal = tmp_path / "tuning.journal"
    whole = journal.read_bytes()
    for damaged in (b"", b"no journal\n", whole[: len(whole) // 2] + b"\n", b"\x00" * 100, b"[]\n", b"{}\n"):
        journal.write_bytes(damaged)
        with pytest.raises(InputError, match="remove it, and the search begins anew") as caught:
            stored_trials(QuestFolder(tmp_path), Tuning(TERMS, batch=BATCH))
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ("kld", "two losses or more"),
        ("kld, 2*cc", "finds the coefficients"),
        ("kld+cc, nss", "finds the coefficients"),
        ("kld, lc1", "name its terms, kld, cc, nss, r"),
        ("kld, w-bce(0.9), w-bce(0.8)", "w-bce appears twice"),
        ("kld,,cc", "expected the name of a loss"),
        ("kld, kdl", "nearest: kld"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_one_line(terms, message):
    with pytest.raises(InputError, match=message) as caught:
        quest.tuning(terms)
    assert len(str(caught.value).splitlines()) == 1


def test_terms_may_have_arguments_and_the_rivals_are_the_papers_sums_and_the_terms():
    tuning = quest.tuning(" kld, sig-mse(0.25),r , 1*cc", 10)
    assert tuning.terms == ("kld", "sig-mse(0.25)", "r", "cc")
    assert tuning.rivals(fixations=True) == [paper.LC1, paper.LC2, *tuning.terms]
    assert tuning.rivals(fixations=False) == list(tuning.terms)
    with pytest.raises(InputError, match="at least one trial"):
        quest.tuning("kld, cc", 0)


def test_without_optuna_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InputError, match=r"pip install 'kerasal\[tune\]'"):
        quest.tuning("kld, cc")


@pytest.fixture(scope="module")
def finished(tiny_network, tmp_path_factory):
    """A quest with a search on density maps alone, which leaves out LC1, LC2 and their passes of VGG-16."""
    dataset = without_fixations(data.load("synthetic").limited(4))
    folder = tmp_path_factory.mktemp("tuned") / "q"

    def run(specs, tuning):
        options = quest.options(
            model="tiny", input_size=(32, 48), epochs=1, batch_size=4, search_rates=[1e-2]
        )
        lines = []
        metrics = ["cc", "sim", "kld"]
        results = quest.run(
            dataset, specs, options, folder, tuning=tuning, metrics=metrics, report=lines.append
        )
        return results, lines

    return run, *run(["cc"], Tuning(("kld", "cc"), 3, batch=3))


@pytest.mark.ci
def test_the_winner_is_trained_and_scored_as_a_loss_of_the_quest_beside_its_terms(finished):
    _, results, _ = finished
    best = results.search["best"]
    assert set(results.config["losses"]) == {"kld", "cc", best}
    assert len(results.search["trials"]) == 3
    assert best in results.references
    page = (results.folder.path / "report.html").read_text()
    assert "Search over kld, cc" in page
    assert f"Differences from {best}, tested in pairs" in page
    assert json.loads((results.folder.path / "results.json").read_text())["search"] == results.search


@pytest.mark.ci
def test_a_trials_objective_is_what_the_quests_own_training_of_the_sum_comes_to(finished):
    _, results, _ = finished
    density = results.search["density"]["cc"]
    for trial in results.search["trials"]:
        if trial["loss"] in results.heads[0] and trial["objective"] is not None:
            assert trial["objective"] == pytest.approx(
                results.validation[trial["loss"]]["cc"] / density, rel=1e-3, abs=1e-4
            )


@pytest.mark.ci
def test_the_same_call_again_searches_nothing_and_a_quest_without_a_search_keeps_it(finished):
    run, results, first = finished
    assert any("search, batch 1 of 1" in line for line in first)
    before = (results.folder.path / "results.json").read_bytes()
    for tuning in (Tuning(("kld", "cc"), 3, batch=3), None):
        again, lines = run(["cc"], tuning)
        assert not any("search, batch" in line or "preparing" in line for line in lines)
        assert (again.folder.path / "results.json").read_bytes() == before


@pytest.mark.ci
def test_another_search_in_the_folder_is_refused_before_anything_is_written(finished):
    run, results, _ = finished
    files = {file: file.stat().st_mtime_ns for file in results.folder.path.rglob("*") if file.is_file()}
    with pytest.raises(InputError, match="a search over kld, cc, and not over kld, mse:"):
        run(["cc"], quest.tuning("kld, mse"))
    assert files == {
        file: file.stat().st_mtime_ns for file in results.folder.path.rglob("*") if file.is_file()
    }


@pytest.mark.ci
def test_a_term_that_needs_fixations_is_refused_on_density_maps_alone(finished):
    run, _, _ = finished
    with pytest.raises(InputError, match="these losses need fixations: nss"):
        run(["cc"], quest.tuning("kld, nss"))


@pytest.mark.usefixtures(few_resamples.__name__)
def test_the_findings_say_in_pairs_where_the_tuned_sum_is_ahead_and_where_behind():
    tuned = "1*kld+0.1*cc"
    results = simulated(
        {paper.LC1: (0.5, 0.8), paper.LC2: (0.7, 0.5), "mse": (0.6, 0.6), "ae": (0.2, 2), tuned: (0.6, 0.6)},
        metrics=("cc", "kld"),
    )
    results.__dict__["search"] = {"best": tuned, "terms": ["kld", "cc"], "objective": 0.7, "trials": [{}] * 8}
    lines = [line for line in findings.lines(results) if f"{tuned} against" in line or "sums of" in line]
    assert lines[0].startswith(
        f"Best of 8 sums of kld, cc on the validation split: {tuned} (CC and NSS 0.700"
    )
    pairs = dict(line.split(" against ")[1].split(": ", 1) for line in lines[1:])
    assert list(pairs) == [paper.LC1, paper.LC2, "the best single loss, mse"]
    assert re.match(r"significantly ahead in CC \(\+0\.[01]\d+\), KLD \(-0\.[12]\d+\)\.$", pairs[paper.LC1])
    assert re.match(r"significantly behind in CC \(-0\.[01]\d+\), KLD \(\+0\.[01]\d+\)\.$", pairs[paper.LC2])
    assert pairs["the best single loss, mse"].startswith("not told apart in CC (")
    assert tuned in results.references


@pytest.mark.parametrize("state", ["diverged", "collapsed"])
@pytest.mark.parametrize("failed", [paper.LC2, "1*kld+0.1*cc"])
def test_a_sum_is_not_held_against_what_did_not_learn(failed, state):
    tuned = "1*kld+0.1*cc"
    means = {paper.LC2: 0.5, "mse": 0.6, tuned: 0.7, failed: np.nan if state == "diverged" else 0.1}
    results = simulated(means, states={failed: state})
    results.__dict__["search"] = {"best": tuned, "terms": ["kld", "cc"], "objective": 0.7, "trials": [{}] * 8}
    against = [line for line in findings.lines(results) if " against " in line]
    assert ["mse" in line for line in against] == ([] if failed == tuned else [True])
