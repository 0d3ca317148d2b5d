"""The report: one HTML file that holds all it shows and opens without a network."""

import html
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import tensorflow as tf

from kerasal._files import null_for_nan
from kerasal.data.images import read_map
from kerasal.data.reading import resize_stimulus
from kerasal.data.sample import Sample
from kerasal.evaluation import tables
from kerasal.metrics import METRICS, cc
from kerasal.models import SaliencyModel, scale_to_peak
from kerasal.quest import findings
from kerasal.quest.folder import restored_head
from kerasal.quest.learning import DIVERGED
from kerasal.quest.results import Results
from kerasal.quest.specs import family
from kerasal.reports import (
    agreement_table,
    critical_difference_figure,
    details,
    heat,
    html_page,
    html_table,
    maps_of,
    photo,
)

PAGE = Path(__file__).parent / "page"
SEARCH_VALUES = ("after_search", "objective")  # of a trial, as its table has them
THUMBNAIL_WIDTH = 150  # pixels
MOST_THUMBNAILS = 300  # in the scatter plot; a page of more is too large to send by mail


def report_page(
    results: Results, samples: Sequence[Sample], network: SaliencyModel, shown: Sequence[Sample] | None = None
) -> str:
    """The page.

    Args:
        samples: of the first test set.
        network: with the quest's backbone, which the maps of the shown stimuli are made with.
        shown: samples to show; default those of `chosen_stimuli`.
    """
    shown = chosen_stimuli(results, samples) if shown is None else shown
    sections = Template((PAGE / "sections.html").read_text(encoding="utf-8")).substitute(
        paper=_paper(results),
        ranks=_ranks(results),
        tests=_search_section(results) + "".join(_test_section(results, test) for test in results.tests),
        figure_3=_figure_3(results, shown, network),
        figure_2=_figure_2(read_map(results.folder.path / "center_bias.npy")),
    )
    return html_page(
        f"Quest on {results.config['data']['name']}",
        f"{results.title(results.tests[0])}. {results.uncertainty}",
        findings.lines(results),
        sections,
        results.config,
        "Options, data and versions",
        own_script=(PAGE / "report.js").read_text(encoding="utf-8"),
        data=_data(results, samples),
    )


def _paper(results: Results) -> str:
    """The paper's findings that this quest asks about, with what it answers."""
    asked = [found for found in findings.of_the_paper(results) if found.asked]
    if not asked:
        return ""
    rows = [[tables.Cell(text) for text in (found.claim, found.answer, found.evidence)] for found in asked]
    title = "losses are chosen on the validation split, and tested on the test split, corrected by Holm"
    table = tables.Table(title, ["the paper's finding", "here", "numbers"], rows, names=3)
    return f"<section><h2>The paper's findings</h2>{html_table(table, 'id=paper')}</section>"


def _ranks(results: Results) -> str:
    """The critical-difference diagram, with what it shows and its numbers as a table."""
    found = results.mean_ranks
    if found is None:
        return ""
    names = ", ".join(METRICS[key].name for key in found.metrics)
    says = (
        f"Mean ranks over the {found.images} test images of {' and '.join(results.sets_apart)}; an image's "
        f"rank is the mean of its ranks in {names}, of scores averaged over seeds. A bar joins losses that "
        f"Nemenyi's test, after Friedman's (p {found.p_value:.2g}), does not tell apart. Losses that did not "
        "learn have no rank."
    )
    return (
        f"<section><h2>All losses over all metrics and images</h2><p>{html.escape(says)}</p>"
        f"{critical_difference_figure(found)}"
        f"{details('Mean ranks as a table', html_table(results.ranks_table()))}</section>"
    )


def _search_section(results: Results) -> str:
    """The best trials of the search for a combination; "" where there was none."""
    if not (search := results.search):
        return ""
    trials = {trial["loss"]: trial for trial in search["trials"]}  # a sum may have been drawn twice
    order = sorted(
        trials.values(), key=lambda trial: (trial["objective"] is None, -(trial["objective"] or 0))
    )
    rows = [
        [tables.Cell(trial["loss"]), *(tables.number(trial[key], ".4f") for key in SEARCH_VALUES)]
        for trial in order
    ]
    kept = sum(trial["objective"] is not None for trial in order)
    title = (
        f"{len(search['trials'])} trials, {len(order)} different sums, {kept} of them trained to the end; "
        "CC and NSS on the validation split, as shares of the density's own, and their mean"
    )
    header = ["sum", "after the search for a rate ↑", "trained ↑"]
    terms = html.escape(", ".join(search["terms"]))
    table = details("All sums, the best first", html_table(tables.Table(title, header, rows)))
    return f"<section><h2>Search over {terms}</h2>{table}</section>"


def _test_section(results: Results, test: str) -> str:
    """The table of a test set, what it says against two references, and the agreement with the paper."""
    parts = [f"<h2>{html.escape(results.title(test))}</h2>", html_table(_table_2(results, test))]
    for reference in results.references:
        table = tables.difference_matrix(results.comparison(test, reference), "loss")
        parts.append(details(f"Differences from {reference}, tested in pairs", html_table(table)))
    if agreement := results.agreement(test):
        table = agreement_table(agreement, "the paper's Table 2", "losses")
        parts.append(details("Agreement with the paper's Table 2", html_table(table)))
    return f"<section>{''.join(parts)}</section>"


def _table_2(results: Results, test: str) -> tables.Table:
    """Table 2 with the family, the mean place and the learning rate of each loss."""
    table = results.table(test)
    rows = []
    for spec, row in zip(results.config["losses"], table.rows, strict=True):
        place = results.mean_places.get(spec) if test == results.tests[0] else None
        rate = results.heads[results.config["seeds"][0]][spec]["rate"]
        more = [tables.number(place, ".1f"), tables.number(rate, "g")]
        rows.append([row[0], tables.Cell(family(spec)), *row[1:], *more])
    header = [table.header[0], "family", *table.header[1:], "mean place ↓", "learning rate"]
    title = "mean ± standard error over images; best bold, second and third italic; click a head to sort"
    return tables.Table(title, header, rows, names=2)


def chosen_stimuli(results: Results, samples: Sequence[Sample]) -> list[Sample]:
    """Three samples with a low, a middle and a high CC, or where that was not scored, first metric."""
    by_name = {sample.name: sample for sample in samples}
    scores = results.mean_scores(results.tests[0])
    learned = results.competing(results.tests[0]) or list(scores)
    values = [scores[spec].values for spec in learned]
    key = "cc" if "cc" in values[0] else next(iter(values[0]))
    order = np.argsort(np.nan_to_num(np.mean([of_loss[key] for of_loss in values], axis=0)))
    names = scores[learned[0]].names
    shares = (0.1, 0.5, 0.9)[-len(names) :]
    return [by_name[names[order[round(share * (len(names) - 1))]]] for share in shares]


def _figure_3(results: Results, shown: Sequence[Sample], network: SaliencyModel) -> str:
    """The paper's Figure 3: for each stimulus the photograph, the human map, and a map a loss."""
    seed = results.config["seeds"][0]
    stimuli = tf.stack([resize_stimulus(sample.read_stimulus(), network.input_size) for sample in shown])
    features = [tf.cast(feature, "float32") for feature in tf.nest.flatten(network.backbone(stimuli))]
    maps = {}
    for spec, record in results.heads[seed].items():
        if record["state"] != DIVERGED:
            head = restored_head(results.config, seed, record, results.folder.weights(seed, spec))
            maps[spec] = head(features, training=False)
    figures = []
    for index, sample in enumerate(shown):
        labelled, density = [], sample.density().astype("float64")
        for spec, batch in maps.items():
            own_size = scale_to_peak(network.restore(batch[index : index + 1], sample.size))
            own_size = np.asarray(own_size)[0, ..., 0]
            labelled.append((f"{spec}: CC {cc(own_size.astype('float64'), density):.3f}", own_size))
        figures.append(maps_of(sample, labelled))
    return "".join(figures)


def _figure_2(center_bias: np.ndarray, width: int = 360, margin: int = 70) -> str:
    """The paper's Figure 2: the mean training density in colour with its two marginals, as an SVG."""
    rows, columns = center_bias.shape
    height = round(width * rows / columns)
    across, down = center_bias.sum(axis=0), center_bias.sum(axis=1)
    top = " ".join(
        f"{x:.1f},{margin - y:.1f}"
        for x, y in zip(np.linspace(0, width, columns), 0.9 * margin * across / across.max(), strict=True)
    )
    right = " ".join(
        f"{width + x:.1f},{margin + y:.1f}"
        for x, y in zip(0.9 * margin * down / down.max(), np.linspace(0, height, rows), strict=True)
    )
    return (
        f'<svg class="bias" viewBox="0 0 {width + margin} {height + margin}" role="img" '
        'aria-label="Mean density of the training split, with its horizontal and vertical marginals">'
        f'<image href="{heat(center_bias, (height, width))}" x="0" y="{margin}" width="{width}" '
        f'height="{height}"/>'
        f'<polyline points="0,{margin} {top} {width},{margin}"/>'
        f'<polyline points="{width},{margin} {right} {width},{margin + height}"/></svg>'
    )


def _data(results: Results, samples: Sequence[Sample]) -> dict[str, Any]:
    """What the script draws: curves of the first seed, and the scores of the first test set."""
    test, seed = results.tests[0], results.config["seeds"][0]
    scores = results.mean_scores(test)
    first = next(iter(scores.values()))
    thumbnails = len(samples) <= MOST_THUMBNAILS
    return {
        "losses": results.config["losses"],
        "best": results.best,
        "reference": results.reference,
        "metrics": {key: METRICS[key].name for key in first.values},
        "names": first.names,
        "thumbnails": [photo(s.read_stimulus(), THUMBNAIL_WIDTH, 60) for s in samples] if thumbnails else [],
        "scores": {
            spec: null_for_nan({key: np.round(values, 4).tolist() for key, values in of_loss.values.items()})
            for spec, of_loss in scores.items()
        },
        "curves": {spec: head["history"] for spec, head in results.heads[seed].items()},
    }
