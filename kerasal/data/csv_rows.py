"""Text files of comma-separated values, row by row."""

import csv
import re
from pathlib import Path

from kerasal.errors import InputError


def csv_rows(text: str, path: Path, expected: str) -> list[tuple[int, list[str]]]:
    """The rows of a CSV file's text, each with the number of its line; cells stripped, no empty rows.

    InputError: a row of another length than the first, which says what is `expected`; or no CSV.
    """
    # Python takes some of these for spaces, and for ends of lines: a digit's place would go unnoticed.
    if control := re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", text):
        line = text.count("\n", 0, control.start()) + 1
        raise InputError(f"cannot read {path} as CSV, line {line}: it has the character {control[0]!r}")
    reader = csv.reader(text.splitlines())
    try:
        cells = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except csv.Error as error:
        raise InputError(f"cannot read {path} as CSV, line {reader.line_num}: {error}") from None
    rows = [(line, row) for line, row in cells if any(row)]
    for line, row in rows:
        if len(row) != len(first := rows[0][1]):
            raise InputError(
                f"{path}, line {line} has {len(row)} cells and the first {len(first)}: {expected}, "
                f"got {','.join(row)[:80]}"
            )
    return rows
