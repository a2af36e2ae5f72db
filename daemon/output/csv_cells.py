"""CSV: cells that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from daemon.output.safe_text import one_line


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
    text = one_line(text, 2_000)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@"} else text
