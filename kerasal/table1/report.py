"""The report: one HTML file that holds all it shows and opens without a network."""

import html
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from string import Template

import numpy as np

from kerasal.classical import CLASSICAL, ClassicalModel
from kerasal.data.sample import Sample
from kerasal.evaluation import tables
from kerasal.models import NETWORKS
from kerasal.reports import agreement_table, details, html_page, html_table, maps_of
from kerasal.table1.plot import interval_plot
from kerasal.table1.results import Results

PAGE = Path(__file__).parent / "page"


def report_page(results: Results, shown: Sequence[Sample]) -> str:
    """The page; `shown` are the stimuli that the folder keeps maps of."""
    missing = "".join(f"<li>{html.escape(line)}</li>" for line in results.missing)
    sections = Template((PAGE / "sections.html").read_text(encoding="utf-8")).substitute(
        table=html_table(_means(results, errors=False)),
        errors=details("Means with their standard errors", html_table(_means(results, errors=True))),
        missing=f"<h3>Not run</h3><ul>{missing}</ul>" if missing else "",
        plots="".join(interval_plot(results, metric) for metric in results.comparison().metrics),
        differences="".join(
            details(
                f"Differences from {label}, tested in pairs",
                html_table(tables.difference_matrix(results.comparison(label))),
            )
            for label in results.references
        ),
        paper=_paper(results),
        maps="".join(maps_of(sample, _maps(results, sample)) for sample in shown),
        systems=html_table(_systems(results)),
    )
    return html_page(
        f"Saliency models on {results.config['data']['name']}",
        f"{results.title}: {results.config['data']['description']}",
        results.findings(),
        sections,
        results.config,
        "Data, metrics and versions",
        own_style=(PAGE / "report.css").read_text(encoding="utf-8"),
    )


def _means(results: Results, errors: bool) -> tables.Table:
    table = results.table(errors=errors)
    title = f"{table.title} over images; best bold, second and third italic; click a head to sort"
    return replace(table, title=title)


def _paper(results: Results) -> str:
    parts = [html_table(results.paper_table())]
    if agreement := results.agreement():
        table = agreement_table(agreement, "the paper's Table 1", "systems")
        parts.append(details("Rank correlations with the paper's Table 1", html_table(table)))
    return "".join(parts)


def _maps(results: Results, sample: Sample) -> Iterator[tuple[str, np.ndarray]]:
    """The map that each system has of a stimulus, labelled with its CC."""
    for label, facts in results.systems.items():
        saliency_map = results.folder.map(facts["name"], sample.name)
        if saliency_map is not None:
            scores = results.scores[label]
            score = scores.values["cc"][scores.names.index(sample.name)] if "cc" in scores.values else None
            yield label if score is None else f"{label}: CC {score:.3f}", saliency_map


def _systems(results: Results) -> tables.Table:
    """What each system is: paper, what it follows and how exactly, licence."""
    rows = []
    for label, facts in results.systems.items():
        entry = CLASSICAL.get(facts["model"]) or NETWORKS.get(facts["model"])
        if entry:
            exact = f"{entry.source}. {entry.exact}" if isinstance(entry, ClassicalModel) else entry.kind
            cells = [label, facts["model"], f"{entry.reference}", exact, entry.licence]
            rows.append([tables.Cell(text) for text in cells])
    return tables.Table(
        "", ["system", "model", "reference", "follows, and how exactly", "licence"], rows, names=5
    )
