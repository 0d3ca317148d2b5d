"""What a quest says: on simulated scores, where it is known what is true, and where nothing can be known."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats
from simulated_quest import few_resamples, simulated

from kerasal.evaluation import Scores, tables
from kerasal.quest import findings, paper
from kerasal.quest.report import chosen_stimuli

pytestmark = pytest.mark.usefixtures(few_resamples.__name__)
LC1, LC2, KL_CC_NSS = paper.LC1, paper.LC2, "10*kld+2*cc+nss"
APART = {"mse": 0.6, "kld": 0.65, KL_CC_NSS: 0.7, LC2: 0.684}  # by much more than their noise


def answers(results):
    return {finding.key: finding for finding in findings.of_the_paper(results)}


def test_what_is_clearly_so_holds():
    found = answers(simulated(APART))
    assert found["combination"].answer == found["lc2"].answer == found["lc2_gain"].answer == "holds"
    assert f"CC: {KL_CC_NSS} (0." in found["combination"].evidence
    assert "is significantly ahead of kld (0." in found["combination"].evidence


def test_losses_that_the_paper_has_not_stand_for_no_kind_of_its_own():
    later = "10*kld+2*cc+sim+nss"
    found = answers(
        simulated({"ead": 0.68, "kld": 0.67, "cc": 0.66, "sim": 0.72, KL_CC_NSS: 0.7, later: 0.75})
    )
    assert "sim" not in found["families"].evidence
    assert "ead less cc" in found["families"].evidence
    assert found["combination"].evidence.startswith(f"CC: {KL_CC_NSS} (0.")
    # Where the quest has none of the paper's, others do.
    found = answers(simulated({"ead": 0.68, "kld": 0.67, "sim": 0.72, later: 0.75}))
    assert "ead less sim" in found["families"].evidence
    assert found["combination"].evidence.startswith(f"CC: {later} (0.")


def test_what_is_clearly_otherwise_does_not_hold():
    found = answers(simulated({"mse": 0.7, "kld": 0.65, KL_CC_NSS: 0.6, LC2: 0.5}))
    assert found["combination"].answer == found["lc2"].answer == found["lc2_gain"].answer == "does not hold"
    assert "significantly behind mse" in found["combination"].evidence


def test_the_best_single_loss_is_not_asked_after_where_all_are_of_one_kind():
    """A sum that beats MLNET-MSE alone has not beaten the best of the paper's 21."""
    for singles in ({"mlnet-mse": 0.6}, {"mlnet-mse": 0.6, "mse": 0.62, "ead": 0.65}):
        found = answers(simulated({**singles, KL_CC_NSS: 0.7}))
        for key in ("combination", "combination_most"):
            assert (found[key].asked, found[key].answer) == (False, "cannot be told")
            assert found[key].evidence == "no single loss that learned but pixel ones"
    found = answers(simulated({"mlnet-mse": 0.6, "bce": 0.65, KL_CC_NSS: 0.7}))
    assert found["combination"].asked


def test_what_the_images_do_not_show_cannot_be_told_and_is_not_called_behind():
    found = answers(simulated(dict.fromkeys(APART, 0.6)))
    assert found["combination"].answer == found["lc2"].answer == "cannot be told"
    assert "not told apart from" in found["lc2"].evidence
    assert "behind" not in found["lc2"].evidence
    # Equal is not 14 % more: the interval leaves that out.
    assert found["lc2_gain"].answer == "does not hold"


def test_seeds_that_disagree_leave_open_what_one_seed_would_settle():
    means = {"mse": 0.6, LC2: 0.61}
    one = answers(simulated(means, noise=0.02, seeds=1, seed_noise=0.05))["lc2"]
    three = answers(simulated(means, noise=0.02, seeds=3, seed_noise=0.05))["lc2"]
    assert one.answer != "cannot be told"  # by one seed's luck
    assert three.answer == "cannot be told"


@pytest.mark.parametrize("images", [1, 2, 5])
def test_under_six_images_no_test_is_quoted(images):
    printed = {row.spec: row.value("cc") for row in paper.TABLE_2}
    results = simulated(printed, images=images)
    for finding in findings.of_the_paper(results):
        assert finding.answer == "cannot be told", finding
        assert not re.search(r"\bp [\d<]|nan", finding.evidence), finding
    found = answers(results)
    evidence = found["lc2"].evidence
    assert found["lc2_gain"].evidence == found["families"].evidence == evidence
    expected = {1: "1 image is too few", 2: "2 images are too few", 5: "5 images are too few"}
    assert evidence.startswith(expected[images])
    assert not any("Nemenyi" in line or "Friedman" in line for line in findings.lines(results))
    assert results.mean_ranks is None
    json.dumps(results.as_dict(), allow_nan=False)


@pytest.mark.parametrize(("known", "words"), [(1, "1 image is too few"), (5, "5 images are too few")])
def test_images_without_a_score_count_for_no_test(known, words):
    results = simulated({row.spec: row.value("cc") for row in paper.TABLE_2}, images=8)
    for of_loss in results.scores["osie"][0].values():
        of_loss.values["cc"][known:] = np.nan
    results.__dict__["search"] = {"best": KL_CC_NSS, "terms": [], "objective": 0.7, "trials": []}
    assert {found.answer for found in answers(results).values()} == {"cannot be told"}
    assert answers(results)["lc2"].evidence.startswith(words)
    assert f"{words} to test {KL_CC_NSS} against {LC1}." in findings.lines(results)
    json.dumps(results.as_dict(), allow_nan=False)


def test_six_images_are_enough_for_one():
    assert answers(simulated({"mse": 0.5, LC2: 0.7}, images=6, noise=0.001))["lc2"].answer == "holds"


def test_the_best_of_a_kind_is_chosen_on_the_validation_split():
    means = {"mse": 0.6, "kld": 0.7, KL_CC_NSS: 0.65, LC1: 0.8}
    validation = {"mse": 0.9, "kld": 0.1, KL_CC_NSS: 0.9, LC1: 0.1}
    evidence = answers(simulated(means, validation=validation))["combination"].evidence
    assert evidence.startswith(f"CC: {KL_CC_NSS} ")
    assert " ahead of mse " in evidence


def test_a_loss_not_above_the_centre_bias_is_untrained_and_takes_no_place():
    means = {"mse": 0.6, "kld": 0.65, "gm": 0.28, "df": 0.4}
    results = simulated(means, tests=("osie", "scene"), bias={"osie": 0.35, "scene": 0.1})
    assert results.states_on("osie") == {
        "mse": "learned",
        "kld": "learned",
        "gm": "untrained",
        "df": "learned",
    }
    assert set(results.states_on("scene").values()) == {"learned"}
    assert set(results.comparison("osie").ranks("cc")) == set(results.mean_places) == {"mse", "kld", "df"}
    assert set(results.comparison("scene").ranks("cc")) == set(means)
    assert set(results.mean_ranks.ranks) == {"mse", "kld", "df"}
    assert "gm (untrained)" in [row[0].text for row in results.table("osie").rows]
    said = [line for line in findings.lines(results) if "untrained" in line]
    assert len(said) == 1
    assert re.fullmatch(r"gm is untrained: CC 0\.\d+ on osie, not above the centre bias's 0\.350\.", said[0])
    found = answers(results)
    assert (found["gm"].answer, found["gm"].evidence) == ("cannot be told", "gm is untrained")
    assert found["df"].answer == "holds"
    assert results.as_dict()["tests"]["osie"]["states"]["gm"] == "untrained"


def test_a_centre_bias_that_equals_a_loss_to_the_last_bit_leaves_it_untrained():
    results = simulated({"mse": 0.6, "kld": 0.7})
    bias = Scores(results.scores["osie"][0]["mse"].names, results.scores["osie"][0]["mse"].values)
    results.center_bias["osie"] = bias
    assert results.states_on("osie") == {"mse": "untrained", "kld": "learned"}


def test_a_quest_without_the_centre_bias_calls_nothing_untrained():
    assert set(simulated({"mse": -0.5, "kld": 0.7}).states_on("osie").values()) == {"learned"}


@pytest.mark.parametrize("state", ["collapsed", "diverged"])
def test_a_loss_that_did_not_learn_takes_no_place_and_no_part_in_a_finding(state):
    results = simulated({"mse": 0.6, "kld": 0.65, LC2: 0.9}, states={LC2: state})
    assert LC2 not in results.mean_places
    found = answers(results)
    assert (found["lc2"].answer, found["lc2"].evidence) == ("cannot be told", f"{LC2} is {state}")
    assert found["combination"].evidence == "no combination that learned"


def test_the_worst_that_became_of_a_losss_seeds_is_what_became_of_it():
    results = simulated({"mse": 0.6, "kld": 0.65}, seeds=3)
    learned = results.heads[0]
    for seed, state in ((1, "collapsed"), (2, "diverged")):
        results.heads[seed] = {**learned, "kld": {**learned["kld"], "state": state}}
        assert results.states == {"mse": "learned", "kld": state}
        del results.__dict__["states"]


def test_where_nothing_learned_the_quest_still_has_its_files(tmp_path):
    results = simulated(
        {"mse": 0.2, "kld": 0.2}, states={"mse": "collapsed", "kld": "collapsed"}, folder=tmp_path
    )
    assert [path.name for path in results.write()] == [
        "results.json",
        "results.csv",
        "results.md",
        "results.tex",
    ]
    assert results.best is None


@pytest.mark.parametrize("images", [1, 2, 3, 4, 20])
def test_the_stimuli_that_a_report_shows_are_different_ones_whatever_was_scored(images):
    results = simulated({"mse": 0.5, "bce": 0.6}, images=images, metrics=("nss",))
    samples = [SimpleNamespace(name=name) for name in next(iter(results.mean_scores("osie").values())).names]
    shown = [sample.name for sample in chosen_stimuli(results, samples)]
    assert len(set(shown)) == len(shown) == min(3, images)
    mean = np.mean([scores.values["nss"] for scores in results.mean_scores("osie").values()], axis=0)
    assert [mean[int(name)] for name in shown] == sorted(mean[int(name)] for name in shown)


def test_losses_with_the_same_lowest_mean_place_are_all_named():
    means = {"mse": (0.6, 0.7), "kld": (0.7, 0.6), "ae": (0.5, 0.5)}
    (said,) = (
        line
        for line in findings.lines(simulated(means, metrics=("cc", "sim"), noise=0.01))
        if line.startswith("Lowest mean place")
    )
    assert said == "Lowest mean place over all metrics of the test images: mse and kld (1.5 of 3)."


def test_number_and_noun_agree():
    results = simulated({"mse": 0.6, "kld": 0.7}, seeds=1, noise=0.01)
    assert "1 of 1 other loss apart" in " ".join(findings.lines(results))
    assert "(500 images, 1 seed, from random weights)" in results.title("osie")
    assert "with one seed" in results.uncertainty
    assert "3 seeds" in simulated({"mse": 0.6}, seeds=3).uncertainty
    single = simulated({"mse": 0.6}, images=1)
    single.config["data"]["train"] = 1
    assert (
        single.title("osie")
        == "trained on osie (1 image, 1 seed, from random weights), tested on osie (1 image)"
    )
    failed = findings.lines(simulated({"mse": 0.6, "kld": 0.7}, states={"kld": "collapsed"}, seeds=2))
    assert "kld collapsed (learning rate 0.001)." in failed


def test_a_majority_of_metrics_or_losses_decides_and_the_open_ones_do_not_count_as_either():
    ahead, behind, neither = findings.AHEAD, findings.BEHIND, findings.OPEN
    assert findings.most([ahead, ahead, behind]) == "holds"
    assert findings.most([behind, behind, neither]) == "does not hold"
    assert findings.most([ahead, behind, neither]) == findings.most([ahead, behind]) == "cannot be told"
    assert findings._all([ahead, ahead]) == "holds"
    assert findings._all([ahead, neither]) == "cannot be told"
    assert findings._all([neither, behind]) == "does not hold"


def test_the_direction_is_the_metrics():
    """KLD + CC + NSS with DF and GM: higher SIM and AUC, and a lower KLD."""
    metrics = ("cc", "sim", "auc_borji", "kld")
    base, better = (0.6, 0.6, 0.6, 0.6), (0.6, 0.7, 0.7, 0.5)
    means = {"mse": base, KL_CC_NSS: base, "10*kld+2*cc+nss+df+gm": better}
    assert answers(simulated(means, metrics=metrics))["with_perceptual"].answer == "holds"
    means["10*kld+2*cc+nss+df+gm"] = (0.6, 0.7, 0.7, 0.7)
    assert answers(simulated(means, metrics=metrics))["with_perceptual"].answer == "does not hold"


def test_families_are_similar_where_the_intervals_lie_within_the_papers_own_spread():
    def found(*means, **options):
        return answers(simulated(dict(zip(("mse", "kld", "cc"), means, strict=True)), **options))["families"]

    assert "within 0.020 in CC" in found(0.6, 0.6, 0.6).claim  # 0.6943 - 0.6739
    assert found(0.600, 0.605, 0.600, noise=0.01).answer == "holds"
    assert found(0.60, 0.70, 0.60, noise=0.01).answer == "does not hold"
    assert found(0.60, 0.60, 0.60, noise=0.3).answer == "cannot be told"


def test_the_order_is_the_papers_or_not_beyond_chance():
    def found(means, **options):
        return answers(simulated(means, **options))["order"]

    printed = {row.spec: row.value("cc") for row in paper.TABLE_2}
    assert found(printed, noise=0.01).answer == "holds"
    assert found({spec: 1.3 - value for spec, value in printed.items()}, noise=0.01).answer == "does not hold"
    first = dict(list(printed.items())[:9])
    assert not found(first).asked
    assert "a rho up to 0.38" in found(printed).evidence  # the tabulated 5 % value of 27 pairs


def test_table_3_is_answered_on_other_data_alone_and_table_4_by_no_quest():
    means = {"mlnet-mse": 0.5, LC1: 0.55, LC2: 0.6}
    found = answers(simulated(means, tests=("osie", "scene")))
    for key in ("lc2_mlnet-mse", "lc1_mlnet-mse", "lc2_lc1"):
        assert found[f"{key}_table_3"].answer == "holds"
        assert "on scene" in found[f"{key}_table_3"].claim
        assert not found[f"{key}_table_4"].asked
    assert not answers(simulated(means))["lc2_mlnet-mse_table_3"].asked


def test_a_mixtures_own_sets_are_no_other_data_and_its_images_count_once():
    results = simulated(
        {"mlnet-mse": 0.5, LC1: 0.55, LC2: 0.6}, tests=("osie+scene", "osie", "scene", "fiwi")
    )
    assert results.sets_apart == ["osie", "scene", "fiwi"]
    assert results.mean_ranks.images == 300
    asked = [
        finding
        for finding in findings.of_the_paper(results)
        if finding.key == "lc2_lc1_table_3" and finding.asked
    ]
    assert [finding.claim for finding in asked] == [
        "LC2 is ahead of LC1 in CC on fiwi, other data than it learned from (Table 3)"
    ]


def test_a_folder_whose_name_has_a_plus_is_no_mixture():
    means = {"mlnet-mse": 0.5, LC2: 0.6}
    results = simulated(means, tests=("my+photos", "photos"))
    assert results.sets_apart == ["my+photos", "photos"]
    asked = [
        finding.claim
        for finding in findings.of_the_paper(results)
        if finding.key.endswith("table_3") and finding.asked
    ]
    assert len(asked) == 1
    assert "on photos" in asked[0]


def test_every_finding_is_there_whatever_the_quest_asked():
    found = answers(simulated({"mse": 0.6}))
    assert not any(finding.asked for finding in found.values())
    assert {finding.answer for finding in found.values()} == {"cannot be told"}
    assert found["lc2"].evidence == f"the quest has no {LC2}"
    assert "CC was not scored" in answers(simulated({"mse": 0.6, LC2: 0.7}, metrics=("nss",)))["lc2"].evidence


def test_agreement_has_intervals_that_hold_more_of_what_is_less_sure():
    printed = {row.spec: row.value("cc") for row in paper.TABLE_2}
    widths = []
    for noise in (0.01, 0.2):
        found = simulated(printed, noise=noise, seeds=2).agreement("osie")["cc"]
        low, high = found["spearman_interval"]
        assert low <= found["spearman"] <= high
        widths.append(high - low)
    assert widths[0] < widths[1] / 2


def test_agreement_counts_the_losses_that_have_a_place():
    printed = {row.spec: row.value("cc") for row in paper.TABLE_2}
    results = simulated(printed, states={"gm": "collapsed", "df": "collapsed"}, noise=0.0)
    found = results.agreement("osie")["cc"]
    assert found["losses"] == 25
    means = results.comparison("osie").summaries
    rows = [row for row in paper.TABLE_2 if row.spec not in ("gm", "df")]
    pairs = np.array([(row.value("cc"), means[row.spec]["cc"].mean) for row in rows])
    assert found["spearman"] == pytest.approx(stats.spearmanr(*pairs.T).statistic)


def test_the_files_of_a_quest_hold_ranks_findings_and_what_is_uncertain(tmp_path):
    results = simulated(APART, seeds=3, folder=tmp_path, bias={"osie": 0.2})
    results.write()
    values = json.loads((tmp_path / "results.json").read_text())
    assert values["schema"] == 1  # keys are only added
    assert values["uncertainty"] == "Intervals and corrected tests are over images and 3 seeds."
    assert next(iter(values["critical_difference"]["ranks"])) == KL_CC_NSS
    assert {finding["key"]: finding["answer"] for finding in values["paper_findings"]}["lc2"] == "holds"
    assert values["tests"]["osie"]["center_bias"] == {"cc": pytest.approx(0.2)}
    difference = values["tests"]["osie"]["differences"]["mse"]["kld"]["cc"]
    assert difference["p_corrected"] >= max(difference["p_value"], difference["p_seeds"])
    text = (tmp_path / "results.md").read_text()
    assert text.startswith("Intervals and corrected tests are over images and 3 seeds.\n")
    assert "osie: mean ranks over 100 images and 1 metric; losses of one group" in text


def test_a_loss_that_searched_again_behind_a_sigmoid_is_marked_in_the_tables():
    made = simulated({"mse": 0.7, "ae": 0.6, "ead": 0.1, "kld": 0.8}, bias={"osie": 0.3})

    def rate(last, *tried):
        return {"rate": 1e-3, "activation": last, "trials": [{"activation": each} for each in tried]}

    rates = {
        "mse": rate("relu", "relu", "relu"),
        "ae": rate("sigmoid", "relu", "relu", "sigmoid", "sigmoid"),
        "ead": rate("sigmoid", "relu", "sigmoid"),
        "kld": rate("sigmoid", "sigmoid", "sigmoid"),  # as usual for it
    }
    results = replace(made, rates=rates)
    expected = ["mse", "ae (behind a sigmoid)", "ead (untrained, behind a sigmoid)", "kld"]
    assert [row[0].text for row in results.table("osie").rows] == expected
    assert "ae (behind a sigmoid)" in results.document(tables.markdown)
