"""What the pages of reports are made of: their frame and style, sortable tables, pictures with captions."""

import html
import json
import re
from collections.abc import Iterable
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from kerasal.data.sample import Sample
from kerasal.evaluation import tables
from kerasal.reports.data_uris import heat, photo

HERE = Path(__file__).parent


def html_page(
    title: str,
    about: str,
    findings: Iterable[str],
    sections: str,
    config: dict[str, Any],
    settings: str,
    *,
    own_style: str = "",
    own_script: str = "",
    data: dict[str, Any] | None = None,
) -> str:
    """A report as one HTML file that holds all it shows, and opens without a network.

    Args:
        about: a line under the title; like it and the findings, text that is escaped here.
        sections: between the findings and the configuration, as HTML.
        settings: what `config` holds, in words.
        own_style, own_script: what the report has besides the style and the script of all.
        data: what its script reads from the element `data`, as plain values.
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    text = text.replace("<", "\\u003c")  # a name may hold what ends a script element, or begins another
    page = Template((HERE / "report.html").read_text(encoding="utf-8")).substitute(
        title=html.escape(title),
        style=(HERE / "style.css").read_text(encoding="utf-8") + own_style,
        about=html.escape(about),
        findings="".join(f"<li>{html.escape(line)}</li>" for line in findings),
        sections=sections,
        settings=settings,
        config=html.escape(json.dumps(config, indent=2)),
        data="" if data is None else f'<script type="application/json" id="data">{text}</script>\n',
        script=(HERE / "sort.js").read_text(encoding="utf-8") + own_script,
    )
    return with_contents(page)


def html_table(table: tables.Table, extra: str = "") -> str:
    """A table with its marks; numbers carry their value for sorting."""
    around = {tables.BOLD: "best", tables.ITALIC: "good", tables.PLAIN: ""}
    head = "".join(
        f'<th class="{side}" scope="col"><button type="button">{html.escape(name)}</button></th>'
        for name, side in zip(table.header, table.alignment, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="{side} {around[cell.mark]}">{html.escape(cell.text)}</td>'
            for cell, side in zip(row, table.alignment, strict=True)
        )
        + "</tr>"
        for row in table.rows
    )
    caption = html.escape(table.title)
    return (
        f'<div class="scroll"><table class="sortable" {extra}><caption>{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def details(summary: str, content: str) -> str:
    """What is folded under a line of text."""
    return f"<details><summary>{html.escape(summary)}</summary>{content}</details>"


def panel(uri: str, label: str, kind: str = "") -> str:
    """A picture, given as a data URI, with its caption below."""
    text = html.escape(label)
    return f'<figure class="{kind}"><img src="{uri}" alt="{text}"><figcaption>{text}</figcaption></figure>'


def maps_of(sample: Sample, maps: Iterable[tuple[str, np.ndarray]], width: int = 220) -> str:
    """A stimulus with its human map and other maps, each with its label, `width` pixels wide."""
    size = (round(width * sample.size[0] / sample.size[1]), width)
    panels = [
        panel(photo(sample.read_stimulus(), width), "stimulus", "human"),
        panel(heat(sample.density(), size), "human map", "human"),
        *(panel(heat(saliency_map, size), label) for label, saliency_map in maps),
    ]
    return f"<h3>{html.escape(sample.name)}</h3><div class='panels'>{''.join(panels)}</div>"


def with_contents(page: str) -> str:
    """The page with links to its sections, the headings of the second level, above its main part."""
    links: list[str] = []

    def with_place(heading: re.Match[str]) -> str:
        place = f"section-{len(links) + 1}"
        links.append(f'<li><a href="#{place}">{heading[1]}</a></li>')
        return f'<h2 id="{place}">{heading[1]}</h2>'

    page = re.sub(r"<h2>(.*?)</h2>", with_place, page)
    contents = f'<nav aria-label="Contents"><ul>{"".join(links)}</ul></nav>'
    return page.replace("<main>", f"{contents}\n<main>", 1)
