"""What a quest says, in sentences, and whether the paper's findings hold: from the corrected tests alone.

A loss is "significantly ahead" of another, or behind it, where they are told apart (`Difference.told_apart`),
and otherwise "not told apart from" it, which is not the same as equal. Which loss stands for a kind is
chosen on the validation split, so that the test images decide nothing but the test. Losses that did not
learn, or stay below the centre bias, say nothing of a loss, and take part in no finding. What stands for a
kind in a finding of the paper's is a loss of the paper's, where the quest has one.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scipy import stats

from kerasal.data.names import counted
from kerasal.evaluation.statistics import FEWEST_FOR_TEST, LEVEL, Difference
from kerasal.metrics import METRICS
from kerasal.quest import paper
from kerasal.quest.learning import LEARNED
from kerasal.quest.specs import LISTS, family
from kerasal.reports.rank_correlation import agreement_sentence, in_brackets

if TYPE_CHECKING:
    from kerasal.quest.results import Results

HOLDS, FAILS, UNKNOWN = "holds", "does not hold", "cannot be told"
AHEAD, BEHIND, OPEN = "significantly ahead", "significantly behind", "not told apart"
THAN = {AHEAD: "significantly ahead of", BEHIND: "significantly behind", OPEN: "not told apart from"}
KL_CC_NSS, WITH_PERCEPTUAL = "10*kld+2*cc+nss", "10*kld+2*cc+nss+df+gm"
PERCEPTUAL = "perceptual"
FEWEST_FOR_ORDER = 10  # losses: of four, no order but the printed one is beyond chance
FEW = 3  # pairs of losses, of which each has its numbers in the evidence


@dataclass(frozen=True)
class Finding:
    """One finding of the paper, held against a quest.

    Attributes:
        key: a name for programs; that of Table 3 stands once for each test set.
        claim: what the paper found, with the place.
        answer: HOLDS, FAILS or UNKNOWN.
        evidence: the numbers that the answer rests on; where the quest has not asked, what it lacks.
        asked: whether the quest has the losses and metrics that the finding is about.
    """

    key: str
    claim: str
    answer: str
    evidence: str
    asked: bool = True


def lines(results: "Results") -> list[str]:
    """What there is to say beside the paper's findings, a sentence each."""
    said = (_best, _searched, _places, _apart, _ranking, _failed)
    return [line for say in said for line in say(results)]


def of_the_paper(results: "Results") -> list[Finding]:
    """Every finding of the paper's sections 4.3 and 4.4 that numbers can answer.

    Those of section 4.3 on the first test set, of Table 3 on each other one.
    """
    return [
        *_combinations(results),
        *_gain(results),
        *_perceptual(results),
        _with_perceptual(results),
        _families(results),
        _choice(results),
        _order(results),
        *_hierarchy(results),
    ]


def _best(results: "Results") -> Iterator[str]:
    if results.best:
        scores = ", ".join(
            f"{METRICS[key].name} {v:.3f}" for key, v in sorted(results.validation[results.best].items())
        )
        yield f"Best on the validation split, which chooses the loss: {results.best} ({scores})."


def _searched(results: "Results") -> Iterator[str]:
    """The combination that was searched for, in pairs against the paper's two and the best single loss."""
    if not (found := results.search):
        return
    tuned, able = found["best"], _able(results)
    single = results.best_of(spec for spec in able if family(spec) != "combination")
    yield (
        f"Best of {len(found['trials'])} sums of {', '.join(found['terms'])} on the validation split: "
        f"{tuned} (CC and NSS {found['objective']:.3f} of the density's own)."
    )
    for rival in dict.fromkeys([paper.LC1, paper.LC2, single]):
        if tuned not in able or rival not in able or rival == tuned:
            continue
        differences = results.comparison(results.tests[0], rival).differences[tuned]
        if (images := max(difference.images for difference in differences.values())) < FEWEST_FOR_TEST:
            yield f"{too_few(images)} to test {tuned} against {rival}."
            continue
        parts: dict[str, list[str]] = {AHEAD: [], BEHIND: [], OPEN: []}
        for metric, difference in differences.items():
            if difference.images < FEWEST_FOR_TEST:
                continue
            parts[side(difference, metric)].append(f"{METRICS[metric].name} ({difference.mean:+.3f})")
        said = "; ".join(f"{relation} in {', '.join(which)}" for relation, which in parts.items() if which)
        what = "the best single loss, " if rival == single else ""
        yield f"On the test images {tuned} against {what}{rival}: {said}."


def _places(results: "Results") -> Iterator[str]:
    if places := results.mean_places:
        lowest = min(places.values())
        first = " and ".join(spec for spec, place in places.items() if place == lowest)
        yield (
            f"Lowest mean place over all metrics of the test images: {first} ({lowest:.1f} of {len(places)})."
        )


def _apart(results: "Results") -> Iterator[str]:
    """What the mean ranks tell apart from the first of them."""
    ranks = results.mean_ranks
    if ranks is None:
        return
    first, *others = ranks.ranks
    if ranks.p_value >= LEVEL:
        yield f"Friedman's test does not tell the losses apart (p {ranks.p_value:.2g})."
        return
    alike = next((clique[1:] for clique in ranks.cliques if first in clique), ())
    yield (
        f"Lowest mean rank over all metrics and {ranks.images} images: {first} ({ranks.ranks[first]:.1f}); "
        f"Nemenyi's test tells {len(others) - len(alike)} of {counted(len(others), 'other loss')} apart "
        "from it" + (f", but not {', '.join(alike)}." if alike else ".")
    )


def _ranking(results: "Results") -> Iterator[str]:
    if agreement := results.agreement(results.tests[0]):
        yield agreement_sentence(agreement, "the paper's Table 2", "losses")


def _failed(results: "Results") -> Iterator[str]:
    for spec, state in results.states.items():
        if state != LEARNED:
            rates = sorted({heads[spec]["rate"] for heads in results.heads.values()})
            shown = ", ".join(f"{rate:g}" for rate in rates)
            yield f"{spec} {state} (learning rate{'s' * (len(rates) > 1)} {shown})."
    for test in results.tests:
        for spec, state in results.states_on(test).items():
            if state != results.states[spec]:
                cc = results.comparison(test).summaries[spec]["cc"].mean
                bias = results.center_bias_mean(test)
                yield f"{spec} is {state}: CC {cc:.3f} on {test}, not above the centre bias's {bias:.3f}."


def _combinations(results: "Results") -> Iterator[Finding]:
    claims = (
        ("combination", "The best linear combination is ahead of the best single loss in CC (4.3)", ("cc",)),
        ("combination_most", "Linear combinations improve most of the metrics (4.3)", None),
    )
    combined = results.best_of(_of_kind(results, lambda kind: kind == "combination"))
    singles = _of_kind(results, lambda kind: kind != "combination")
    single = results.best_of(singles)
    for key, claim, metrics in claims:
        if combined is None or single is None:
            lacking = "no combination that learned" if combined is None else "no single loss that learned"
            yield _not_asked(key, claim, lacking)
            continue
        if len(kinds := {family(spec) for spec in singles}) == 1:  # the best of them would say little
            yield _not_asked(key, claim, f"no single loss that learned but {kinds.pop()} ones")
            continue
        metrics = metrics or results.comparison(results.tests[0]).metrics
        yield _held(results, key, claim, [(combined, single, metric) for metric in metrics], most)


def _gain(results: "Results") -> Iterator[Finding]:
    yield _held(results, "lc2", "LC2 is ahead of MSE in CC (4.3)", [(paper.LC2, "mse", "cc")], most)
    key, claim = "lc2_gain", "LC2's CC is 14 % above that of MSE (4.3)"
    if lacking := _lacking(results, results.tests[0], [paper.LC2, "mse"], ["cc"]):
        yield _not_asked(key, claim, lacking)
        return
    comparison = results.comparison(results.tests[0], "mse")
    difference, mse = comparison.differences[paper.LC2]["cc"], comparison.summaries["mse"]["cc"].mean
    printed = {row.spec: row.value("cc") for row in paper.TABLE_2}
    gain = printed[paper.LC2] / printed["mse"] - 1
    if difference.images < FEWEST_FOR_TEST:
        yield _untested(key, claim, difference.images)
        return
    low, high = (end / mse for end in difference.interval)
    within = low <= gain <= high
    answer = HOLDS if within and difference.told_apart else UNKNOWN if within else FAILS
    yield Finding(
        key, claim, answer, f"{difference.mean / mse:+.1%} of {mse:.3f}, interval {low:+.1%} to {high:+.1%}"
    )


def _perceptual(results: "Results") -> Iterator[Finding]:
    """Whether other single losses are ahead of DF and GM."""
    others = _of_kind(results, lambda kind: kind not in ("combination", PERCEPTUAL))
    for spec in ("df", "gm"):
        claim = f"{spec.upper()} alone is behind the single losses of other kinds in CC (4.3)"
        pairs = [(other, spec, "cc") for other in others]
        if not others:
            yield _not_asked(spec, claim, "no single loss of another kind that learned")
        else:
            yield _held(results, spec, claim, pairs, most)


def _with_perceptual(results: "Results") -> Finding:
    pairs = [(WITH_PERCEPTUAL, KL_CC_NSS, metric) for metric in ("sim", "auc_borji", "kld")]
    claim = "DF and GM improve SIM, AUC-Borji and KLD of KLD + CC + NSS (4.3)"
    return _held(results, "with_perceptual", claim, pairs, _all)


def _families(results: "Results") -> Finding:
    """Whether the best of three families lie as near to each other in CC as the paper's best do."""
    key, names = "families", ("pixel", "distribution", "saliency")
    printed = [max(row.value("cc") for row in paper.TABLE_2 if family(row.spec) == name) for name in names]
    margin = max(printed) - min(printed)
    claim = (
        "The best pixel-, distribution- and saliency-based losses perform similarly (4.3): within "
        f"{margin:.3f} in CC"
    )
    of_family = {name: _of_kind(results, name.__eq__) for name in names}
    if lacking := ", ".join(name for name, specs in of_family.items() if not specs):
        return _not_asked(key, claim, f"no loss that learned of: {lacking}")
    best = [spec for specs in of_family.values() if (spec := results.best_of(specs))]
    answers, parts = [], []
    for first, second in itertools.combinations(best, 2):
        if lacking := _lacking(results, results.tests[0], [first, second], ["cc"]):
            return _not_asked(key, claim, lacking)
        difference = results.comparison(results.tests[0], second).differences[first]["cc"]
        if difference.images < FEWEST_FOR_TEST:
            return _untested(key, claim, difference.images)
        low, high = difference.interval
        outside = difference.told_apart and (low > margin or high < -margin)
        answers.append(HOLDS if -margin < low and high < margin else FAILS if outside else UNKNOWN)
        parts.append(f"{first} less {second} {difference.mean:+.3f}{in_brackets(difference.interval)}")
    answer = FAILS if FAILS in answers else UNKNOWN if UNKNOWN in answers else HOLDS
    return Finding(key, claim, answer, "; ".join(parts))


def _choice(results: "Results") -> Finding:
    key, claim = "choice", "The choice of the loss matters (4.3)"
    ranks = results.mean_ranks
    if ranks is None:
        return _not_asked(key, claim, "too few losses that learned, or images")
    evidence = (
        f"Friedman's p {ranks.p_value:.2g} over {len(ranks.ranks)} losses and {ranks.images} images; mean "
        f"ranks {min(ranks.ranks.values()):.1f} to {max(ranks.ranks.values()):.1f}, critical distance "
        f"{ranks.distance:.1f}"
    )
    return Finding(key, claim, HOLDS if ranks.p_value < LEVEL else UNKNOWN, evidence)


def _order(results: "Results") -> Finding:
    """Whether the rank correlation with Table 2 is beyond what unrelated orders would reach by chance."""
    key, claim = "order", "The losses' order in CC agrees with Table 2's, more than by chance"
    test, able = results.tests[0], _able(results)
    found = results.agreement(test).get("cc", {"losses": 0})
    rows = [row.spec for row in paper.TABLE_2 if row.spec in able]
    if found["losses"] < FEWEST_FOR_ORDER or results.known(test, "cc", rows).shape[-1] < FEWEST_FOR_TEST:
        return _not_asked(key, claim, "too few losses of Table 2 that learned, or images")
    low, high = found["spearman_interval"]
    quantile = float(stats.t.ppf(1 - LEVEL / 2, found["losses"] - 2))
    chance = quantile / math.sqrt(found["losses"] - 2 + quantile**2)
    evidence = (
        f"Spearman's rho {found['spearman']:+.2f}{in_brackets((low, high), 2)}, Kendall's tau "
        f"{found['kendall']:+.2f}{in_brackets(found['kendall_interval'], 2)}, {found['losses']} losses, of "
        f"which chance gives a rho up to {chance:.2f}"
    )
    return Finding(key, claim, HOLDS if low > chance else FAILS if high < chance else UNKNOWN, evidence)


def _hierarchy(results: "Results") -> Iterator[Finding]:
    """Tables 3 and 4: LC2 before LC1 before MLNET-MSE in CC, on other data and in another network.

    That network, SAM-VGG, has a head of its own, which no quest trains.
    """
    names = {paper.LC1: "LC1", paper.LC2: "LC2", "mlnet-mse": "MLNET-MSE"}
    network, others = results.config["options"]["training"]["model"], _others(results)
    for ours, theirs in ((paper.LC2, "mlnet-mse"), (paper.LC1, "mlnet-mse"), (paper.LC2, paper.LC1)):
        what = f"{names[ours]} is ahead of {names[theirs]} in CC"
        key = f"{names[ours]}_{names[theirs]}".lower()
        for test in others:
            claim = f"{what} on {test}, other data than it learned from (Table 3)"
            yield _held(results, f"{key}_table_3", claim, [(ours, theirs, "cc")], most, test)
        if not others:
            yield _not_asked(f"{key}_table_3", f"{what} on other data (Table 3)", "no test set but its own")
        yield _not_asked(f"{key}_table_4", f"{what} with SAM-VGG (Table 4)", f"the network is {network}")


def _held(
    results: "Results",
    key: str,
    claim: str,
    pairs: list[tuple[str, str, str]],
    decide: Callable[[list[str]], str],
    test: str | None = None,
) -> Finding:
    """The claim that of each (loss, other loss, metric) the first is ahead, by `decide` of all relations."""
    test = test or results.tests[0]
    specs = dict.fromkeys(spec for ours, theirs, _ in pairs for spec in (ours, theirs))
    if lacking := _lacking(results, test, specs, dict.fromkeys(metric for *_, metric in pairs)):
        return _not_asked(key, claim, lacking)
    differences = {
        (ours, theirs, metric): results.comparison(test, theirs).differences[ours][metric]
        for ours, theirs, metric in pairs
    }
    if (images := min(difference.images for difference in differences.values())) < FEWEST_FOR_TEST:
        return _untested(key, claim, images)
    relations = [side(difference, metric) for (*_, metric), difference in differences.items()]
    summaries = results.comparison(test).summaries
    if len(pairs) <= FEW:
        evidence = "; ".join(
            in_words(difference, metric, *((spec, summaries[spec][metric].mean) for spec in (ours, theirs)))
            for (ours, theirs, metric), difference in differences.items()
        )
    else:
        ours, theirs, metric = pairs[0]
        several = len({metric for *_, metric in pairs}) > 1
        labels = [METRICS[metric].name if several else ours for ours, _, metric in pairs]
        groups = {
            relation: [label for label, found in zip(labels, relations, strict=True) if found == relation]
            for relation in THAN
        }
        subject = (
            f"{ours} against {theirs}" if several else f"of {theirs} ({summaries[theirs][metric].mean:.3f})"
        )
        evidence = f"{subject}, " + "; ".join(
            f"{relation}: {', '.join(which)}" for relation, which in groups.items() if which
        )
    return Finding(key, claim, decide(relations), evidence)


def too_few(images: int) -> str:
    """That images are too few, in words."""
    return f"{counted(images, 'image')} {'is' if images == 1 else 'are'} too few"


def side(difference: Difference, metric: str) -> str:
    """Whether a system is told apart from the reference, and on which side of it."""
    if not difference.told_apart:
        return OPEN
    return AHEAD if (difference.mean > 0) == METRICS[metric].higher_is_better else BEHIND


def in_words(difference: Difference, metric: str, ours: tuple[str, float], theirs: tuple[str, float]) -> str:
    """How far apart two systems are in a metric; each with its name and its mean."""
    first, second = (f"{name} ({mean:.3f})" for name, mean in (ours, theirs))
    return (
        f"{METRICS[metric].name}: {first} is {THAN[side(difference, metric)]} {second}, "
        f"{difference.mean:+.3f}{in_brackets(difference.interval)}, corrected p {difference.p_corrected:.2g}"
    )


def most(relations: list[str]) -> str:
    """Whether more than half are ahead, or behind; neither where the others decide."""
    half = len(relations) / 2
    if relations.count(AHEAD) > half:
        return HOLDS
    return FAILS if relations.count(BEHIND) > half else UNKNOWN


def _all(relations: list[str]) -> str:
    """Whether all are ahead; one behind is enough against it."""
    return FAILS if BEHIND in relations else UNKNOWN if OPEN in relations else HOLDS


def _able(results: "Results") -> list[str]:
    """The losses that have a place on the first test set."""
    return results.competing(results.tests[0])


def _of_kind(results: "Results", is_kind: Callable[[str], bool]) -> list[str]:
    """What may stand for the losses of some families: the paper's own among them, where there are any."""
    specs = [spec for spec in _able(results) if is_kind(family(spec))]
    return [spec for spec in specs if spec in LISTS["table2"]] or specs


def _others(results: "Results") -> list[str]:
    """The test sets of other data than the heads learned from."""
    apart, own = results.sets_apart, results.config["data"]["name"]
    learned_from = [own] if own in apart else own.split("+")
    return [test for test in apart if test not in learned_from]


def _lacking(results: "Results", test: str, specs: Iterable[str], metrics: Iterable[str]) -> str:
    """What the quest lacks of what a finding needs; "" where nothing."""
    states = results.states_on(test)
    parts = [f"the quest has no {spec}" for spec in specs if spec not in states]
    parts += [f"{spec} is {states[spec]}" for spec in specs if states.get(spec, LEARNED) != LEARNED]
    known = results.comparison(test).metrics
    parts += [f"{METRICS[metric].name} was not scored" for metric in metrics if metric not in known]
    return ", ".join(parts)


def _not_asked(key: str, claim: str, lacking: str) -> Finding:
    return Finding(key, claim, UNKNOWN, lacking, asked=False)


def _untested(key: str, claim: str, images: int) -> Finding:
    return Finding(key, claim, UNKNOWN, f"{too_few(images)} for a test, which takes {FEWEST_FOR_TEST}")
