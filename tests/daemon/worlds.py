"""A small world for tests of the service: a company, clients, copies, a store, a provider in memory."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from connectors.contract import Calendars
from daemon.config.load import load
from daemon.config.model import Config
from daemon.figures.history import known_months
from daemon.figures.rescore import rescore
from daemon.figures.scoring_context import ScoringContext, read_scoring_context
from daemon.reporting.months import read_months
from daemon.store.db.engine import Database
from daemon.sync.run import run_sync
from daemon.sync.run_values import ConnectorResult, SyncRun
from scoring.meetings.identity import identify
from scoring.meetings.values import Copy, CopyState, Participant, Response, Setting
from scoring.months.history import Row
from scoring.months.month import Month

NOW = datetime(2026, 11, 15, 9, 0, tzinfo=UTC)
JO, KIM, ANA, BO = "jo@northwind.example", "kim@northwind.example", "ana@acme.example", "bo@acme.example"

BASE = """
[company]
name = "Northwind"
timezone = "Europe/London"
domains = ["northwind.example"]
"""
CLIENTS = """
[[clients]]
name = "Acme"
domains = ["acme.example"]
manager = "jo@northwind.example"
[[clients]]
name = "Beta"
domains = ["beta.example"]
"""


def config_of(folder: Path, *, base: str = BASE, clients: str = CLIENTS, more: str = "") -> Config:
    """A loaded config with the tables given."""
    path = folder / "config.toml"
    path.write_text(base + clients + more, "utf-8")
    return load(path)


def make_copy(
    entry: str = "e1",
    *,
    owner: str = JO,
    uid: str | None = None,
    start: datetime = datetime(2026, 10, 6, 9, tzinfo=UTC),
    minutes: int = 60,
    organiser: str | None = JO,
    people: Iterable[str | tuple[str, Response]] = (JO, ANA),
    response: Response = Response.ACCEPTED,
    state: CopyState = CopyState.LIVE,
    title: str | None = "Steering group",
    occurrence: datetime | None = None,
    all_day: bool = False,
    changed: datetime = datetime(2026, 9, 1, tzinfo=UTC),
    setting: Setting | None = None,
) -> Copy:
    """A copy of an hour of Jo with Ana in October, but for what is given."""
    listed = [(one, Response.ACCEPTED) if isinstance(one, str) else one for one in people]
    return Copy(
        connector="memory",
        calendar=owner,
        entry=entry,
        owner=owner,
        identity=identify(uid or f"{entry}@northwind.example", at=occurrence),
        state=state,
        start=start,
        end=start + timedelta(minutes=minutes),
        all_day=all_day,
        organiser=organiser,
        participants=tuple(Participant(address, answer) for address, answer in listed),
        response=response,
        setting=setting or Setting(),
        title=title,
        changed_at=changed,
        read_at=NOW,
    )


def sync(
    database: Database,
    config: Config,
    *connectors: Calendars,
    now: datetime = NOW,
    full: bool = False,
    all_connectors: bool = True,
) -> list[ConnectorResult]:
    """One pass."""
    work = SyncRun(database=database, context=scoring_context_of(database, config), now=now, full=full)
    return run_sync(work, connectors, all_connectors=all_connectors)


def scoring_context_of(database: Database, config: Config) -> ScoringContext:
    with database.reading() as connection:
        return read_scoring_context(connection, config)


def rows_of(database: Database, config: Config, month: str = "2026-10", now: datetime = NOW) -> dict[str, Row]:
    """The month's rows by client, figures brought up to date first, as every command does."""
    context = scoring_context_of(database, config)
    rescore(database, context, now)
    with database.reading() as connection:
        known = known_months(connection, context, now)
        (found,) = read_months(connection, context, known, [Month(month)], context.clients, now)
    return {row.client: row for row in found.rows}


def hours(
    database: Database, config: Config, month: str = "2026-10", client: str = "Acme", now: datetime = NOW
) -> float:
    """A client's man-hours of a month."""
    return rows_of(database, config, month, now)[client].figures.man_seconds / 3600


def stored(database: Database, columns: str = "entry, state") -> list[tuple[object, ...]]:
    """The stored copies as plain rows."""
    with database.reading() as connection:
        rows = connection.exec_driver_sql(f"SELECT {columns} FROM copies ORDER BY calendar_id, entry")  # noqa: S608  # ours
        return [tuple(row) for row in rows]
