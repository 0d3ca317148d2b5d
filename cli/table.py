"""Printing tables and JSON."""

from collections.abc import Iterable
from typing import Any

import click


def show(evaluation, style: str) -> None:
    """Print an evaluation to stdout: as tables for a terminal, or as Markdown, LaTeX or JSON."""
    if style != "table":
        text = {"markdown": evaluation.markdown, "latex": evaluation.latex, "json": evaluation.as_json}
        click.echo(text[style](), nl=False)
        return
    from kerasal.evaluation import tables

    for part in evaluation.parts:
        shown = tables.all_tables(part.comparison)
        if len(part.scores) > 1:
            shown[0] = tables.means(part.comparison, errors=False)  # with errors, nine metrics fit no screen
        show_tables(part.title, shown)


def show_tables(title: str, shown) -> None:
    """Print tables for a terminal, under a title."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    console = _console(240)
    console.print(Text(title, style="bold"))
    for table in shown:
        drawn = Table(
            title=table.title, title_justify="left", title_style="", box=SIMPLE_HEAD, pad_edge=False
        )
        for name, side in zip(table.header, table.alignment, strict=True):
            drawn.add_column(name, justify=side, overflow="fold")
        for row in table.rows:
            drawn.add_row(*(Text(cell.text, style=cell.mark) for cell in row))
        console.print(drawn)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")


def show_json(values: Any) -> None:
    """Print values as JSON on stdout."""
    from kerasal._files import json_text

    click.echo(json_text(values), nl=False)


def show_rows(rows: list[dict[str, str | float]], width: int | None = 120) -> None:
    """Print rows under the names of their entries, as wide as the terminal, or `width` where there is none.

    width: None is as wide as the environment's COLUMNS, or 80.
    """
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(f"{cell:g}" if isinstance(cell, float) else cell for cell in row.values()))
    _console(width).print(table)


def show_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Print pairs of a label and a value, a line each, as wide as `show_rows` has them."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for row in facts:
        table.add_row(*row)
    _console(120).print(table)


def _console(width: int | None):
    """Standard output, which has that width, if one is given, where it is no terminal."""
    from rich.console import Console

    # A name such as photo[a].jpg or :key:.png is no markup.
    console = Console(highlight=False, markup=False, emoji=False)
    if width and not console.is_terminal:
        console.width = width
    return console
