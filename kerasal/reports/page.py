"""What the pages of reports are made of: their style, sortable tables, pictures with captions."""

import html
import re
from pathlib import Path

from kerasal.evaluation import tables

HERE = Path(__file__).parent


def style() -> str:
    """The style sheet: light and dark, for wide screens and phones."""
    return (HERE / "style.css").read_text(encoding="utf-8")


def sorting() -> str:
    """The script that sorts the tables of `html_table` by a click on a head."""
    return (HERE / "sort.js").read_text(encoding="utf-8")


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
