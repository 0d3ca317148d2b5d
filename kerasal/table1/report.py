"""The report: one HTML file that holds all it shows and opens without a network."""

import html
import json
from collections.abc import Sequence
from pathlib import Path
from string import Template

from kerasal.classical import CLASSICAL
from kerasal.data.sample import Sample
from kerasal.evaluation import tables
from kerasal.models import NETWORKS
from kerasal.reports import (
    agreement_table,
    details,
    heat,
    html_table,
    panel,
    photo,
    sorting,
    style,
    with_contents,
)
from kerasal.table1.plot import interval_plot
from kerasal.table1.results import Results

PAGE = Path(__file__).parent / "page"
WIDTH = 220  # pixels of a map


def report_page(results: Results, shown: Sequence[Sample]) -> str:
    """The page; `shown` are the stimuli that the folder keeps maps of."""
    template = Template((PAGE / "report.html").read_text(encoding="utf-8"))
    missing = "".join(f"<li>{html.escape(line)}</li>" for line in results.missing)
    page = template.substitute(
        title=html.escape(f"Saliency models on {results.config['data']['name']}"),
        style=style() + (PAGE / "report.css").read_text(encoding="utf-8"),
        script=sorting(),
        about=html.escape(f"{results.title}: {results.config['data']['description']}"),
        findings="".join(f"<li>{html.escape(line)}</li>" for line in results.findings()),
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
        maps="".join(_row_of_maps(results, sample) for sample in shown),
        systems=html_table(_systems(results)),
        config=html.escape(json.dumps(results.config, indent=2)),
    )
    return with_contents(page)


def _means(results: Results, errors: bool) -> tables.Table:
    table = results.table(errors=errors)
    title = f"{table.title} over images; best bold, second and third italic; click a head to sort"
    return tables.Table(title, table.header, table.rows, table.names)


def _paper(results: Results) -> str:
    parts = [html_table(results.paper_table())]
    if agreement := results.agreement():
        table = agreement_table(agreement, "the paper's Table 1", "systems")
        parts.append(details("Rank correlations with the paper's Table 1", html_table(table)))
    return "".join(parts)


def _row_of_maps(results: Results, sample: Sample) -> str:
    """For a stimulus the photograph, the human map, and the map of each system with its CC."""
    size = (round(WIDTH * sample.size[0] / sample.size[1]), WIDTH)
    panels = [
        panel(photo(sample.read_stimulus(), WIDTH), "stimulus", "human"),
        panel(heat(sample.density(), size), "human map", "human"),
    ]
    for label, facts in results.systems.items():
        saliency_map = results.folder.map(facts["name"], sample.name)
        if saliency_map is not None:
            scores = results.scores[label]
            score = scores.values["cc"][scores.names.index(sample.name)] if "cc" in scores.values else None
            caption = label if score is None else f"{label}: CC {score:.3f}"
            panels.append(panel(heat(saliency_map, size), caption))
    return f"<h3>{html.escape(sample.name)}</h3><div class='panels'>{''.join(panels)}</div>"


def _systems(results: Results) -> tables.Table:
    """What each system is: paper, what it follows and how exactly, licence."""
    rows = []
    for label, facts in results.systems.items():
        entry = CLASSICAL.get(facts["model"]) or NETWORKS.get(facts["model"])
        if entry:
            exact = f"{entry.source}. {entry.exact}" if facts["model"] in CLASSICAL else entry.kind
            cells = [label, facts["model"], f"{entry.reference}", exact, entry.licence]
            rows.append([tables.Cell(text) for text in cells])
    return tables.Table(
        "", ["system", "model", "reference", "follows, and how exactly", "licence"], rows, names=5
    )
