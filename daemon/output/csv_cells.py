"""CSV: cells that no spreadsheet takes for formulas, on the command line and in a digest's sheet."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from daemon.output.safe_text import one_line

_FORMULA = tuple("=+-@＝＋－＠")  # the wide ones are formulas to East Asian Excels


def print_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Rows with a header on standard output. Text that a spreadsheet would run as a formula gets an apostrophe."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([cell(row.get(column)) for column in columns])


def cell(value: Any) -> str:
    """A CSV cell: lists joined by blanks, truth values in words, hostile text disarmed (`docs/design.md` 12)."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value)
    text = " ".join(str(item) for item in value) if isinstance(value, list | tuple) else str(value)
    return text_cell(text, 2_000)


def text_cell(text: str, limit: int) -> str:
    """Somebody else's text, cut at so many characters: one that a spreadsheet would run gets an apostrophe."""
    line = one_line(text, limit)
    return f"'{line}" if line.startswith(_FORMULA) else line
