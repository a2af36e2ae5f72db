"""`clients_file`: clients from a CRM or a spreadsheet, one row per client and domain.

A client that the config has too keeps the config's fields and is given the file's domains.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daemon.config.csv_rows import CsvRows, column_of
from daemon.config.problems import shown
from daemon.config.schema.tables import ClientTable
from daemon.config.source import Source
from daemon.config.toml_lines import KeyPath

COLUMNS = ("client", "domain", "manager", "tier", "stage", "since")
SINGLE = ("manager", "tier", "stage", "since")


@dataclass(frozen=True, slots=True)
class ClientEntry:
    """A client and where it was written."""

    client: ClientTable
    source: Source
    path: KeyPath


def join_clients(entries: Iterable[ClientEntry]) -> tuple[ClientTable, ...]:
    """One client for each name, the first entry's fields with everybody's domains."""
    joined: dict[str, ClientTable] = {}
    for entry in entries:
        key = entry.client.name.casefold()
        first = joined.get(key)
        if first is None:
            joined[key] = entry.client
        else:
            domains = dict.fromkeys((*first.domains, *entry.client.domains))
            joined[key] = first.model_copy(update={"domains": tuple(domains)})
    return tuple(joined.values())


def read_clients_file(file: str, text: str, folder: Path) -> tuple[Source, list[ClientEntry]]:
    """The clients in a CSV text; problems are in the source, with the file's own lines."""
    rows = _Rows(file, folder)
    rows.read(text)
    entries = []
    for number, raw in enumerate(rows.source.raw):
        client = rows.source.table(ClientTable, (number,), raw)
        if client is not None:
            entries.append(ClientEntry(client, rows.source, (number,)))
    return rows.source, entries


class _Rows(CsvRows):
    """Joins the rows of one client, and remembers the line of every value."""

    def __init__(self, file: str, folder: Path) -> None:
        super().__init__(file, folder, COLUMNS, required=frozenset({"client", "domain"}), naming=_column)
        self._numbers: dict[str, int] = {}

    def row(self, line: int, cells: dict[str, str]) -> None:
        name = cells.get("client")
        if name is None:
            self.fault(line, "client", "is missing")
            return
        number = self._number(name, line)
        if "domain" in cells:
            domains = self.tables[number]["domains"]
            self.lines[(number, "domains", len(domains))] = line
            domains.append(cells["domain"])
        for column in SINGLE:
            if column in cells:
                self._single(number, column, cells[column], line)

    def _number(self, name: str, line: int) -> int:
        number = self._numbers.setdefault(name.casefold(), len(self.tables))
        if number == len(self.tables):
            self.tables.append({"name": name, "domains": []})
            self.lines[(number,)] = line
        return number

    def _single(self, number: int, column: str, cell: str, line: int) -> None:
        known = self.tables[number].setdefault(column, cell)
        first = self.lines.setdefault((number, column), line)
        if known != cell:
            self.fault(line, column, f"differs from that client's line {first}", found=shown(cell))


def _column(raw: Any, path: KeyPath) -> str:
    """The column's name, from the client's key."""
    name = column_of(raw, path)
    return {"name": "client", "domains": "domain", "": "client"}.get(name, name) if path[:1] != ("row",) else name
