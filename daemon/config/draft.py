"""A config while it is being judged: each table on its own, so that one bad key hides no other problem."""

from __future__ import annotations

import importlib
import pkgutil
import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import connectors.calendars
from connectors.settings import ConnectorSettings, SettingsModel
from daemon.config.clients_file import ClientEntry, join_clients, read_clients_file
from daemon.config.people_file import read_assessments_file, read_people_file
from daemon.config.problems import ConfigError, ConfigProblem, by_line, kind_of, listed, nearest, shown
from daemon.config.schema import insight_tables, tables
from daemon.config.schema.insight_tables import AssessmentRow, PersonRow
from daemon.config.source import Source
from daemon.config.toml_lines import KeyPath, scan

Table = TypeVar("Table", bound=SettingsModel)
Row = TypeVar("Row")
Reader = Callable[[str, str, Path], tuple[Source, Sequence[Row]]]

PLAIN_TABLES: dict[str, type[SettingsModel]] = {
    "store": tables.StoreTable,
    "sync": tables.SyncTable,
    "scoring": tables.ScoringTable,
    "signals": insight_tables.SignalsTable,
    "stages": insight_tables.StagesTable,
    "network": tables.NetworkTable,
    "alerts": tables.AlertsTable,
    "privacy": tables.PrivacyTable,
    "web": tables.WebTable,
    "scale": tables.ScaleTable,
    "log": tables.LogTable,
}
OPTIONAL_TABLES: dict[str, type[SettingsModel]] = {"email": tables.EmailTable, "slack": tables.SlackTable}
ARRAYS = ("connectors", "clients", "digests")
KNOWN = ("company", *PLAIN_TABLES, *OPTIONAL_TABLES, *ARRAYS, *tables.TopLevel.model_fields)

_PLACE = re.compile(r"\s*\((?:at line (\d+), column (\d+)|at end of document)\)$")
_SYNTAX = {
    "Expected '='": 'after a key comes "="',
    "Cannot declare": "this table stands here a second time",
    "Cannot overwrite": "this key stands here a second time",
    "Cannot mutate": "this table was complete already",
    "Illegal character": "a quote is not closed on its line, or a control character stands in the text",
    "Unterminated string": "a quote is not closed",
    "Unescaped": "a backslash in \"…\" is written twice, in '…' once",
    "Expected newline": "one key stands on a line, and text stands in quotes",
    "Invalid value": 'text stands in quotes, "true" and "false" in lower case without',
    "Unclosed": "a bracket is not closed",
    "Expected ']": "a bracket is not closed",
    "Invalid initial character": "a key is missing, or a bracket or a quote too many",
}


@dataclass
class Draft:
    """What could be read. Tables with faults hold what was sound in them, only to judge the rest by."""

    source: Source
    folder: Path
    company: tables.CompanyTable | None = None
    plain: dict[str, Any] = field(default_factory=dict)
    connectors: list[tuple[int, ConnectorSettings]] = field(default_factory=list)
    digests: list[tuple[int, tables.DigestTable]] = field(default_factory=list)
    entries: list[ClientEntry] = field(default_factory=list)
    people: tuple[PersonRow, ...] = ()
    assessments: tuple[AssessmentRow, ...] = ()
    others: dict[str, Source] = field(default_factory=dict)  # by the key that names the file

    @classmethod
    def read(cls, path: Path) -> Draft:
        """Reads the file and each of its tables. Raises `ConfigError` only where there is no TOML."""
        text, problem = read_text(path)
        raw: dict[str, Any] = {}
        if problem is None:
            raw, problem = _parse(path.name, text)
        if problem is not None:
            raise ConfigError([problem])
        folder = path.absolute().parent
        draft = cls(source=Source(path.name, raw, scan(text), folder), folder=folder)
        draft._read_tables()
        draft._read_arrays()
        return draft

    def table(self, name: str, model: type[Table]) -> Table:
        """A plain table, its defaults where it is missing or beyond reading."""
        found = self.plain.get(name)
        return found if isinstance(found, model) else model()

    def problems(self) -> list[ConfigProblem]:
        """All that was found, in the order of the files."""
        sources = [self.source, *self.others.values()]
        return [problem for source in sources for problem in sorted(source.problems, key=by_line)]

    def tables(self) -> dict[str, Any]:
        """What `Config` is made of; only when there are no problems."""
        plain = {name: self.table(name, model) for name, model in PLAIN_TABLES.items()}
        optional = {name: self.plain.get(name) for name in OPTIONAL_TABLES}
        top: tables.TopLevel = self.plain["top"]
        return {
            "company": self.company,
            **plain,
            **optional,
            **{name: getattr(top, name) for name in tables.TopLevel.model_fields},
            "connectors": tuple(connector for _, connector in self.connectors),
            "clients": join_clients(self.entries),
            "people": self.people,
            "assessments": self.assessments,
            "digests": tuple(digest for _, digest in self.digests),
        }

    def _read_tables(self) -> None:
        source, raw = self.source, self.source.raw
        for key in raw:
            if key not in KNOWN:
                hint = nearest(key, KNOWN) or f"known here: {', '.join(KNOWN)}"
                source.fault((key,), "unknown key", hint=hint)
        if "company" in raw:
            self.company = source.table(tables.CompanyTable, ("company",), raw["company"])
        else:
            source.fault(("company",), "is missing; it needs name, timezone and domains")
        for name, model in {**PLAIN_TABLES, **OPTIONAL_TABLES}.items():
            if name in raw:
                self.plain[name] = source.table(model, (name,), raw[name])
        top = {key: raw[key] for key in tables.TopLevel.model_fields if key in raw}
        self.plain["top"] = source.table(tables.TopLevel, (), top)

    def _read_arrays(self) -> None:
        for name in ARRAYS:
            self._check_array(name)
        for number, raw in self.items("connectors"):
            connector = self._connector(("connectors", number), raw)
            if connector is not None:
                self.connectors.append((number, connector))
        for number, raw in self.items("digests"):
            digest = self.source.table(tables.DigestTable, ("digests", number), raw)
            if digest is not None:
                self.digests.append((number, digest))
        for number, raw in self.items("clients"):
            client = self.source.table(tables.ClientTable, ("clients", number), raw)
            if client is not None:
                self.entries.append(ClientEntry(client, self.source, ("clients", number)))
        top: tables.TopLevel | None = self.plain["top"]
        if top is not None and top.clients_file is not None:
            self.entries.extend(self._read_file("clients_file", top.clients_file, read_clients_file))
        if top is not None and top.people_file is not None:
            self.people = tuple(self._read_file("people_file", top.people_file, read_people_file))
        if top is not None and top.assessments_file is not None:
            self.assessments = tuple(self._read_file("assessments_file", top.assessments_file, read_assessments_file))

    def _read_file(self, key: str, path: Path, read: Reader[Row]) -> Sequence[Row]:
        """The rows of a file that the config names; its problems are among the others'."""
        text, problem = read_text(path)
        if problem is not None:
            self.source.fault((key,), str(problem))
            return ()
        source, rows = read(path.name, text, self.folder)
        self.others[key] = source
        return rows

    def items(self, name: str) -> list[tuple[int, dict[str, Any]]]:
        """The raw tables of an array of tables, with their numbers."""
        array = self.source.raw.get(name, [])
        items = enumerate(array) if isinstance(array, list) else ()
        return [(number, item) for number, item in items if isinstance(item, dict)]

    def _check_array(self, name: str) -> None:
        array = self.source.raw.get(name, [])
        if not isinstance(array, list):
            self.source.fault((name,), f"allowed: tables that begin with [[{name}]]", found=kind_of(array))
            return
        for number, item in enumerate(array):
            if not isinstance(item, dict):
                self.source.fault((name, number), "allowed: a table", found=kind_of(item))

    def _connector(self, path: KeyPath, raw: dict[str, Any]) -> ConnectorSettings | None:
        kind = raw.get("kind")
        if not isinstance(kind, str) or kind not in known_kinds():
            allowed = f"allowed: {listed(known_kinds())}"
            if kind is None:
                self.source.fault((*path, "kind"), f"is missing; {allowed}")
            else:
                self.source.fault((*path, "kind"), allowed, found=shown(kind), hint=nearest(kind, known_kinds()))
            return None
        module = importlib.import_module(f"connectors.calendars.{kind}")
        model: type[ConnectorSettings] = module.Settings
        return self.source.table(model, path, raw)


def known_kinds() -> tuple[str, ...]:
    """The kinds of connector that there are: a folder each, beside `shared`, which serves them all."""
    modules = pkgutil.iter_modules(connectors.calendars.__path__)
    return tuple(sorted(module.name for module in modules if module.ispkg and module.name != "shared"))


def read_text(path: Path) -> tuple[str, ConfigProblem | None]:
    """A file's text, or what is wrong with it."""
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = f"cannot be read: {error.strerror or 'unknown reason'}"
        return "", ConfigProblem(file=path.name, allowed=reason, hint="look at its permissions")
    try:
        return data.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    return "", ConfigProblem(file=path.name, line=line, allowed="is no UTF-8 text", hint="save it as UTF-8")


def _parse(file: str, text: str) -> tuple[dict[str, Any], ConfigProblem | None]:
    try:
        return tomllib.loads(text), None
    except tomllib.TOMLDecodeError as error:
        message = str(error)
    except (ValueError, RecursionError):
        return {}, ConfigProblem(
            file=file, allowed="is no valid TOML", hint="a number is too long, or brackets nest too deep"
        )
    place = _PLACE.search(message)
    line = int(place[1]) if place and place[1] else scan(text).last()
    column = f" at column {place[2]}" if place and place[2] else ""
    hint = next((said for start, said in _SYNTAX.items() if message.startswith(start)), None)
    if message.startswith("Invalid value (at end"):
        hint = "a value or a closing bracket is missing"
    return {}, ConfigProblem(file=file, line=line, allowed=f"is no valid TOML{column}", hint=hint)
