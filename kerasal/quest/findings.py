"""The paper's claims, held against a quest's numbers: a sentence each, made from the scores alone."""

from collections.abc import Iterator

from kerasal.metrics import METRICS
from kerasal.quest import paper
from kerasal.quest.learning import LEARNED
from kerasal.quest.results import Results
from kerasal.quest.specs import family


def lines(results: Results) -> list[str]:
    """What there is to say of the first test set; a claim whose losses are not there is left out."""
    said = (_best, _combinations, _gain, _perceptual, _ranking, _failed)
    return [line for say in said for line in say(results)]


def _best(results: Results) -> Iterator[str]:
    if results.best:
        its = ", ".join(
            f"{METRICS[key].name} {v:.3f}" for key, v in sorted(results.validation[results.best].items())
        )
        yield f"Best on the validation split, which chooses the loss: {results.best} ({its})."
    if results.mean_ranks:
        first = min(results.mean_ranks, key=results.mean_ranks.get)
        yield (
            f"Lowest mean place over all metrics of the test images: {first} "
            f"({results.mean_ranks[first]:.1f} of {len(results.mean_ranks)})."
        )


def _combinations(results: Results) -> Iterator[str]:
    comparison = results.comparison(results.tests[0])
    for metric in ("cc", "nss", "kld"):
        if metric not in comparison.metrics:
            continue
        places = comparison.ranks(metric)
        by_kind: dict[bool, list[str]] = {True: [], False: []}
        for spec in sorted(places, key=places.get):
            by_kind[family(spec) == "combination"].append(spec)
        if not all(by_kind.values()):
            return
        combined, single = by_kind[True][0], by_kind[False][0]
        means = [comparison.summaries[spec][metric].mean for spec in (combined, single)]
        p = results.comparison(results.tests[0], single).differences[combined][metric].p_value
        verdict = "ahead of" if places[combined] < places[single] else "not ahead of"
        yield (
            f"{METRICS[metric].name}: the best combination, {combined} ({means[0]:.3f}), is {verdict} the "
            f"best single loss, {single} ({means[1]:.3f}; Wilcoxon's p {p:.2g})."
        )


def _gain(results: Results) -> Iterator[str]:
    """Section 4.3: the best combination raises the CC of MSE by 14 %."""
    summaries = results.comparison(results.tests[0]).summaries
    if paper.LC2 in summaries and "mse" in summaries:
        ours, mse = summaries[paper.LC2]["cc"].mean, summaries["mse"]["cc"].mean
        if mse > 0:
            here = f"{ours / mse - 1:+.1%} here ({ours:.3f}, {mse:.3f})"
            yield f"LC2 against mse in CC: {here}; +14 % in the paper."


def _perceptual(results: Results) -> Iterator[str]:
    """Section 4.3: DF and GM perform worse alone than the other losses."""
    comparison = results.comparison(results.tests[0])
    places = comparison.ranks("cc")
    for spec in ("df", "gm"):
        if spec in places and len(places) > 2:
            yield (
                f"{spec} alone: place {places[spec]} of {len(places)} in CC "
                f"({comparison.summaries[spec]['cc'].mean:.3f}); in the paper "
                f"{'26' if spec == 'df' else '27'} of 27."
            )


def _ranking(results: Results) -> Iterator[str]:
    agreement = results.agreement(results.tests[0])
    if agreement:
        shown = ", ".join(f"{METRICS[key].name} {its['spearman']:+.2f}" for key, its in agreement.items())
        count = next(iter(agreement.values()))["losses"]
        yield f"Spearman's rank correlation with the paper's Table 2 over {count} losses: {shown}."


def _failed(results: Results) -> Iterator[str]:
    for spec, state in results.states.items():
        if state != LEARNED:
            rates = sorted({heads[spec]["rate"] for heads in results.heads.values()})
            yield f"{spec} {state} (learning rate {', '.join(f'{rate:g}' for rate in rates)})."
