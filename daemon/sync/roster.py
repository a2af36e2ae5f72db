"""Who is read: the known calendars brought in line with what a connector names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from connectors.contract import Person, Roster
from daemon.figures.scoring_context import ScoringContext
from daemon.store.calendars import UNLISTED, Calendar, add_calendar, change_calendar, erase_calendar, read_calendars
from daemon.store.copies import starts_concerned
from daemon.store.figures import mark_stale
from daemon.store.forgotten import Forgotten, hashed, read_forgotten, save_forgotten
from daemon.store.meta import get_meta, mark_roster, read_groups, save_groups, set_meta
from daemon.sync.storable import storable_roster
from scoring.meetings.address_book import normalise_address
from scoring.months.month import month_of, touched_months

_FIRST_RUN_DONE = "first_pass_done"  # as stores have it
_DOUBTED = "roster_doubted "
_DOUBT = timedelta(days=1)

log = structlog.get_logger()


def save_roster(
    connection: Connection, context: ScoringContext, connector: str, roster: Roster, now: datetime
) -> list[tuple[Calendar, Person]]:
    """Adds, renames, erases and lets go of calendars; answers with those to read.

    Excluded ones are erased, forgotten ones are not known again. Missing ones have left: their past stays, their
    future does not count (R2). A new address keeps its calendar, and who comes back is read in full.
    """
    roster = _without_forgotten(connection, storable_roster(roster), now)
    excluded = {normalise_address(address) or address for address in roster.excluded}
    known = {calendar.key: calendar for calendar in read_calendars(connection, connector)}
    before, groups = _identities(known.values()), read_groups(connection)
    for calendar in [calendar for calendar in known.values() if calendar.address in excluded]:
        _erase(connection, context, known.pop(calendar.key))
    listed: dict[str, tuple[Person, str | None]] = {person.id: (person, None) for person in roster.people}
    listed |= {person.id: (person, reason) for person, reason in roster.unreadable}
    joined = _joins_in(connection, context, now)
    for person, reason in listed.values():
        if person.id not in known:
            number = add_calendar(connection, connector=connector, key=person.id, address=person.address, joined=joined)
            change_calendar(connection, number, **_changes(person, reason, None))
        elif changes := _changes(person, reason, known[person.id]):
            if "left_at" in changes:  # what it holds counts again, and may not have changed
                _mark_all(connection, context, known[person.id])
            change_calendar(connection, known[person.id].id, **changes)
    missing = [calendar for calendar in known.values() if calendar.key not in listed and calendar.left_at is None]
    present = sum(calendar.left_at is None for calendar in known.values())
    if missing and roster.from_directory and _is_doubted(connection, connector, len(missing), present, now):
        listed |= {calendar.key: (_person(calendar), None) for calendar in missing}
    else:
        set_meta(connection, _DOUBTED + connector, None)
        for calendar in missing:
            let_go(connection, context, calendar, now)
    save_groups(connection, connector, roster.groups)
    saved = read_calendars(connection, connector)
    if _identities(saved) != before or read_groups(connection) != groups:
        mark_roster(connection)
    readable = {key: person for key, (person, reason) in listed.items() if reason is None}
    return [(calendar, readable[calendar.key]) for calendar in saved if calendar.key in readable]


def _person(calendar: Calendar) -> Person:
    """Whose calendar it is, as the connector named them before."""
    return Person(id=calendar.key, addresses=(calendar.address, *calendar.aliases))


def _identities(calendars: Iterable[Calendar]) -> set[tuple[object, ...]]:
    return {(calendar.id, calendar.address, calendar.aliases, calendar.left_at) for calendar in calendars}


def _without_forgotten(connection: Connection, roster: Roster, now: datetime) -> Roster:
    """The roster without the people whom the store has forgotten, and without such addresses of others.

    Whoever was forgotten is so under each new address that the directory tells of them.
    """
    forgotten = read_forgotten(connection)
    if not forgotten:
        return roster
    listed = [*roster.people, *(person for person, _ in roster.unreadable)]
    gone = [person for person in listed if _is_gone(person, forgotten)]
    save_forgotten(connection, hashed([address for person in gone for address in person.addresses], forgotten, now))

    def remembered(person: Person) -> Person:
        return replace(person, addresses=tuple(address for address in person.addresses if not forgotten.holds(address)))

    return replace(
        roster,
        people=tuple(remembered(person) for person in roster.people if person not in gone),
        unreadable=tuple((remembered(person), reason) for person, reason in roster.unreadable if person not in gone),
        groups=tuple(address for address in roster.groups if not forgotten.holds(address)),
    )


def _is_gone(person: Person, forgotten: Forgotten) -> bool:
    return forgotten.holds(person.address) or any(forgotten.holds_itself(address) for address in person.addresses)


def _is_doubted(connection: Connection, connector: str, missing: int, present: int, now: datetime) -> bool:
    """Whether a directory's answer that lacks over a tenth of the people is to be confirmed (`docs/design.md` 3)."""
    if missing * 10 <= present:
        return False
    since = get_meta(connection, _DOUBTED + connector)
    if since is None:
        set_meta(connection, _DOUBTED + connector, now.isoformat())
        log.warning("roster_doubted", connector=connector, missing=missing, of=present)
        return True
    return now - datetime.fromisoformat(since) < _DOUBT


def let_go(connection: Connection, context: ScoringContext, calendar: Calendar, now: datetime) -> None:
    """A calendar is no longer read. What it held of the time after its last reading does not count any more."""
    starts = starts_concerned(connection, calendar.id, after=calendar.last_success or now)
    mark_stale(connection, touched_months(starts, context.zone))
    change_calendar(connection, calendar.id, left_at=now)


def end_first_run(connection: Connection, now: datetime) -> None:
    """From now on, a calendar that appears has joined in that month (R11)."""
    if get_meta(connection, _FIRST_RUN_DONE) is None:
        set_meta(connection, _FIRST_RUN_DONE, now.isoformat())


def _changes(person: Person, reason: str | None, known: Calendar | None) -> dict[str, object]:
    changes: dict[str, object] = {}
    if known is None or (known.address, *known.aliases) != person.addresses:
        changes |= {"address": person.address, "aliases": " ".join(person.addresses[1:])}
    if known is not None and known.left_at is not None:
        changes |= {"left_at": None, "cursor": None}
    if reason is None and known is not None and known.standing and known.error_code == UNLISTED:
        changes |= {"standing": False, "error_code": None, "error": None}
    if reason is not None and (known is None or (known.error_code, known.error) != (UNLISTED, reason)):
        changes |= {"standing": True, "error_code": UNLISTED, "error": reason}
    return changes


def _joins_in(connection: Connection, context: ScoringContext, now: datetime) -> str:
    """R11: a calendar counts from the month in which it joined; those of the first run from history's first."""
    is_first_run = get_meta(connection, _FIRST_RUN_DONE) is None
    return month_of(context.window(now).start if is_first_run else now, context.zone)


def _mark_all(connection: Connection, context: ScoringContext, calendar: Calendar) -> None:
    """All months of a calendar's meetings are derived again."""
    mark_stale(connection, touched_months(starts_concerned(connection, calendar.id), context.zone))


def _erase(connection: Connection, context: ScoringContext, calendar: Calendar) -> None:
    _mark_all(connection, context, calendar)
    erase_calendar(connection, calendar.id)
