"""CSV files beside the config, from a CRM or a spreadsheet: rows by column, every problem with the file's own line."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from daemon.config.problems import nearest, shown
from daemon.config.source import Source
from daemon.config.toml_lines import KeyLines, KeyPath

Naming = Callable[[Any, KeyPath], str]


class CsvRows:
    """Reads a file's rows, each once as a table of its cells; what they make is in `source.raw`.

    Who needs rows of another form (several to a table, say) overrides `row`.
    """

    def __init__(
        self, file: str, folder: Path, columns: Sequence[str], *, required: frozenset[str], naming: Naming | None = None
    ) -> None:
        self.lines: dict[KeyPath, int] = {}
        self.tables: list[dict[str, Any]] = []
        self._columns = tuple(columns)
        self._required = required
        self.source = Source(file, self.tables, KeyLines(self.lines), folder, naming=naming or column_of)

    def read(self, text: str) -> None:
        """Every row that is not empty, in order."""
        rows = _numbered_rows(text)
        try:
            line, header = next(rows, (1, []))
            columns = self._header(line, header)
            for line, row in rows:
                if columns and any(cell.strip() for cell in row):
                    self._cells(line, columns, row)
        except csv.Error:
            self.fault(None, "", "is no CSV that can be read")

    def row(self, line: int, cells: dict[str, str]) -> None:
        """One row's cells, without the empty ones."""
        number = len(self.tables)
        self.tables.append(dict(cells))
        self.lines[(number,)] = line

    def fault(self, line: int | None, column: str, what: str, **more: str | None) -> None:
        """A problem of the file's form; the line is the row's own."""
        path: KeyPath = ("row", line or 0, column)
        if line is not None:
            self.lines[path] = line
        self.source.fault(path, what, **more)

    def _header(self, line: int, header: list[str]) -> list[str]:
        """The header's columns; none if it cannot be used."""
        columns = [name.strip().lower() for name in header]
        for name in dict.fromkeys(columns):
            if name not in self._columns:
                self.fault(line, shown(name) or "…", "unknown column", hint=nearest(name, self._columns))
        twice = {name for name in columns if columns.count(name) > 1}
        if twice or not self._required <= {*columns}:
            self.fault(line, "", f"its first line names the columns, each once: {','.join(self._columns)}")
            return []
        return columns

    def _cells(self, line: int, columns: list[str], row: list[str]) -> None:
        if len(row) > len(columns) and any(cell.strip() for cell in row[len(columns) :]):
            self.fault(line, "", f"has {len(row)} cells for {len(columns)} columns")
            return
        cells = {column: cell.strip() for column, cell in zip(columns, row, strict=False) if column in self._columns}
        self.row(line, {column: cell for column, cell in cells.items() if cell})


def _numbered_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line on which each begins. Comma or semicolon, whichever the header has."""
    header = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if header.count(";") > header.count(",") else ",")
    line = 1
    for row in reader:
        yield line, row
        line = reader.line_num + 1


def column_of(_raw: Any, path: KeyPath) -> str:
    """The column's name, from the key of a table or of a row."""
    if path[:1] == ("row",):
        return str(path[2])
    return str(path[1]) if len(path) > 1 else ""
