"""`clients_file`: clients from a CRM or a spreadsheet, one row per client and domain.

A client that the config has too keeps the config's fields and is given the file's domains.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daemon.config_problems import nearest, shown
from daemon.config_source import Source
from daemon.settings import Client
from daemon.toml_lines import KeyPath, Lines

COLUMNS = ("client", "domain", "manager", "tier", "stage", "since")
SINGLE = ("manager", "tier", "stage", "since")


@dataclass(frozen=True, slots=True)
class Entry:
    """A client and where it was written."""

    client: Client
    source: Source
    path: KeyPath


def join_clients(entries: Iterable[Entry]) -> tuple[Client, ...]:
    """One client for each name, the first entry's fields with everybody's domains."""
    joined: dict[str, Client] = {}
    for entry in entries:
        key = entry.client.name.casefold()
        first = joined.get(key)
        if first is None:
            joined[key] = entry.client
        else:
            domains = dict.fromkeys((*first.domains, *entry.client.domains))
            joined[key] = first.model_copy(update={"domains": tuple(domains)})
    return tuple(joined.values())


def read_clients_file(file: str, text: str, folder: Path) -> tuple[Source, list[Entry]]:
    """The clients in a CSV text; problems are in the source, with the file's own lines."""
    rows = _Rows(file, folder)
    rows.read(text)
    entries = []
    for number, raw in enumerate(rows.source.raw):
        client = rows.source.table(Client, (number,), raw)
        if client is not None:
            entries.append(Entry(client, rows.source, (number,)))
    return rows.source, entries


class _Rows:
    """Joins the rows of one client, and remembers the line of every value."""

    def __init__(self, file: str, folder: Path) -> None:
        self._lines: dict[KeyPath, int] = {}
        self._clients: list[dict[str, Any]] = []
        self._numbers: dict[str, int] = {}
        self.source = Source(file, self._clients, Lines(self._lines), folder, naming=_column)

    def read(self, text: str) -> None:
        rows = _numbered_rows(text)
        try:
            line, header = next(rows, (1, []))
            columns = self._columns(line, header)
            for line, row in rows:
                if columns and any(cell.strip() for cell in row):
                    self._row(line, columns, row)
        except csv.Error:
            self._fault(None, "", "is no CSV that can be read")

    def _columns(self, line: int, header: list[str]) -> list[str]:
        """The header's columns; none if it cannot be used."""
        columns = [name.strip().lower() for name in header]
        for name in dict.fromkeys(columns):
            if name not in COLUMNS:
                self._fault(line, shown(name) or "…", "unknown column", hint=nearest(name, COLUMNS))
        twice = {name for name in columns if columns.count(name) > 1}
        if twice or not {"client", "domain"} <= {*columns}:
            self._fault(line, "", f"its first line names the columns, each once: {','.join(COLUMNS)}")
            return []
        return columns

    def _row(self, line: int, columns: list[str], row: list[str]) -> None:
        if len(row) > len(columns) and any(cell.strip() for cell in row[len(columns) :]):
            self._fault(line, "", f"has {len(row)} cells for {len(columns)} columns")
            return
        cells = {column: cell.strip() for column, cell in zip(columns, row, strict=False) if cell.strip()}
        name = cells.get("client")
        if name is None:
            self._fault(line, "client", "is missing")
            return
        number = self._number(name, line)
        if "domain" in cells:
            domains = self._clients[number]["domains"]
            self._lines[(number, "domains", len(domains))] = line
            domains.append(cells["domain"])
        for column in SINGLE:
            if column in cells:
                self._single(number, column, cells[column], line)

    def _number(self, name: str, line: int) -> int:
        number = self._numbers.setdefault(name.casefold(), len(self._clients))
        if number == len(self._clients):
            self._clients.append({"name": name, "domains": []})
            self._lines[(number,)] = line
        return number

    def _single(self, number: int, column: str, cell: str, line: int) -> None:
        known = self._clients[number].setdefault(column, cell)
        first = self._lines.setdefault((number, column), line)
        if known != cell:
            self._fault(line, column, f"differs from that client's line {first}", found=shown(cell))

    def _fault(self, line: int | None, column: str, what: str, **more: str | None) -> None:
        """A problem of the file's form; the line is the row's own."""
        path: KeyPath = ("row", line or 0, column)
        if line is not None:
            self._lines[path] = line
        self.source.fault(path, what, **more)


def _numbered_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the line on which each begins. Comma or semicolon, whichever the header has."""
    header = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if header.count(";") > header.count(",") else ",")
    line = 1
    for row in reader:
        yield line, row
        line = reader.line_num + 1


def _column(_raw: Any, path: KeyPath) -> str:
    """The column's name, from the client's key."""
    if path[:1] == ("row",):
        return str(path[2])
    names = {"name": "client", "domains": "domain"}
    return names.get(str(path[1]), str(path[1])) if len(path) > 1 else "client"
