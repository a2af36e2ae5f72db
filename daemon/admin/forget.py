"""Forgetting a person or an organisation for good (`docs/design.md` 7): in the store, its file, and its own backups.

What is erased is found by keyed hashes, which are kept: so the same work is done again on a restored backup, and
every copy that is read later is checked against them (`daemon.sync.plan`). Figures of closed months keep their totals.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from daemon.config.model import Config
from daemon.figures.rescore import rescore, settle_due
from daemon.figures.scoring_context import ScoringContext, read_scoring_context
from daemon.store.db.engine import Database
from daemon.store.db.errors import StoreError
from daemon.store.erasure import Findings, erase, find
from daemon.store.figures import freeze_figures, mark_stale, read_figures
from daemon.store.files.known_backups import backups_beside, backups_written, remove_unfinished
from daemon.store.files.sqlite_file import as_one_file, compact, store_in
from daemon.store.forgotten import Forgotten, hashed, keeps_forgotten, read_forgotten, save_forgotten
from daemon.store.meta import mark_roster
from daemon.store.schema import check_revision
from scoring.meetings.address_book import normalise_address
from scoring.months.month import Month, month_of, touched_months


class NotToForget(Exception):
    """What was named cannot be forgotten: one sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Backups:
    """The store's own backups: those that were cleaned (with what was found in each), and those out of reach."""

    cleaned: dict[Path, int] = field(default_factory=dict)
    unreached: dict[Path, str] = field(default_factory=dict)


def names_of(text: str, context: ScoringContext) -> tuple[str, ...]:
    """The address with its aliases that the directory told, or the domain. Raises `NotToForget`."""
    address = normalise_address(text) if "@" in text.strip().lstrip("@") else None
    if address is not None:
        return (address, *aliases_of(address, context))
    domain = (normalise_address(f"x@{text.strip().lstrip('@')}") or "").removeprefix("x@")
    if "." not in domain or "@" in text.strip().lstrip("@"):
        raise NotToForget(f"{text!r} is neither an e-mail address nor a domain")
    if any(own == domain or own.endswith(f".{domain}") for own in context.config.company.domains):
        raise NotToForget(f"{domain} is the company's own: without it no meeting is anybody's")
    return (domain,)


def aliases_of(address: str, context: ScoringContext) -> list[str]:
    """The other addresses of the same person: from the directory, and by `same_as` of the people file (R3)."""
    told = {alias for calendar in context.calendars for alias in (calendar.address, *calendar.aliases)}
    told |= {alias for person in context.config.people for alias in (person.address, person.same_as) if alias}
    canonical = context.book.canonical
    return sorted({alias for alias in told if canonical(alias) == canonical(address)} - {address})


def meant(connection: Connection, names: Iterable[str], now: datetime) -> Forgotten:
    """These names alone, as they will be kept."""
    return hashed(names, read_forgotten(connection), now)


def still_named(config: Config, names: Iterable[str]) -> list[str]:
    """Where the config makes Rapport write to these people, and so would store them again."""
    wanted = set(names)
    places = [
        *((f"[[digests]] {digest.name}, to", digest.to) for digest in config.digests),
        ("[alerts] to", config.alerts.to),
        *((f"client {client.name}, manager", (client.manager or "",)) for client in config.clients),
    ]
    return [place for place, people in places if any(_is_one_of(person, wanted) for person in people)]


def _is_one_of(recipient: str, wanted: set[str]) -> bool:
    address = normalise_address(recipient.rpartition(":")[2].lstrip("@")) or ""
    domain = address.rpartition("@")[2]
    return address in wanted or any(domain == name or domain.endswith(f".{name}") for name in wanted if name)


def lines_naming(config: Config, forgotten: Forgotten) -> list[str]:
    """The lines of the config and its lists in which they stand: Rapport never writes these files."""
    found = []
    for path in (config.path, config.clients_file, config.people_file, config.assessments_file):
        if path is None or not path.is_file():
            continue
        lines = path.read_text("utf-8", "replace").splitlines()
        numbers = [str(number) for number, line in enumerate(lines, 1) if forgotten.is_in(line)]
        if numbers:
            found.append(f"{path.name}, line {', '.join(numbers)}")
    return found


def look(connection: Connection, context: ScoringContext, forgotten: Forgotten) -> Findings:
    """What would be erased from the store's tables."""
    return find(connection, forgotten, context.book.has_outsiders)


def forget_people(database: Database, config: Config, forgotten: Forgotten, now: datetime) -> Findings:
    """Erases them from every table, for good, in one transaction; answers with what was erased."""
    with database.reading() as connection:
        context = read_scoring_context(connection, config)
    rescore(database, context, now)
    with database.writing() as connection:
        save_forgotten(connection, forgotten)
        found = erase_and_freeze(connection, config, forgotten, now)
        context = read_scoring_context(connection, config)
    rescore(database, context, now)
    return found


def erase_and_freeze(connection: Connection, config: Config, forgotten: Forgotten, now: datetime) -> Findings:
    """Erases in the caller's transaction. Figures of closed months with a meeting that they were in stay as they are.

    Only those are frozen, a client's month at a time: late edits of other clients and months still count.
    """
    context = read_scoring_context(connection, config)
    settle_due(connection, context, now)
    found = look(connection, context, forgotten)
    running = month_of(now, context.zone)
    for month, clients in _clients_by_month(found, context).items():
        if month < running:
            kept = {row.client for row in read_figures(connection, first=month, last=month)}
            freeze_figures(connection, month, clients & kept)
        mark_stale(connection, [month])
    erase(connection, found)
    mark_roster(connection)
    return found


def _clients_by_month(found: Findings, context: ScoringContext) -> dict[Month, set[str]]:
    """Whose meetings are concerned, by the months in which they may lie."""
    months: dict[Month, set[str]] = {}
    for meeting in found.meetings:
        clients = {who.client for who in map(context.book.who, meeting.people) if who.client is not None}
        for month in touched_months(meeting.starts, context.zone):
            months.setdefault(month, set()).update(clients)
    return months


def clean_backups(database: Database, context: ScoringContext, forgotten: Forgotten) -> Backups:
    """Erases them from the backups that Rapport made, beside the store and where `rapport db backup` was told to."""
    with database.reading() as connection:
        written = backups_written(connection)
    beside = []
    if database.file is not None:
        remove_unfinished(database.file)
        beside = backups_beside(database.file)
    done = Backups()
    for path in dict.fromkeys([*beside, *written]):
        if not path.is_file():
            done.unreached[path] = "it is not there now"
            continue
        try:
            done.cleaned[path] = _clean(path, context, forgotten)
        except (StoreError, OSError) as error:
            done.unreached[path] = error.what if isinstance(error, StoreError) else str(error.strerror)
    return done


def _clean(path: Path, context: ScoringContext, forgotten: Forgotten) -> int:
    """How many rows of a backup named them."""
    backup = store_in(path)
    try:
        if check_revision(backup) is None:
            raise StoreError("it holds no store", "Delete it.")
        with backup.writing() as connection:
            found = look(connection, context, forgotten)
            erase(connection, found)
            if keeps_forgotten(connection):
                save_forgotten(connection, forgotten)
        compact(backup)
    finally:
        backup.close()
    as_one_file(path)
    return sum(found.counts().values())
