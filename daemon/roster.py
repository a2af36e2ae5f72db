"""Who is read: the known calendars brought in line with what a connector names."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from connectors.contract import Person, Roster
from daemon.rescore import touched_months
from daemon.scope import Scope
from daemon.store.calendars import (
    Calendar,
    add_calendar,
    change_calendar,
    erase_calendar,
    get_meta,
    read_calendars,
    set_meta,
)
from daemon.store.copies import Round
from daemon.store.figures import mark_stale
from scoring.clients import normalise_address
from scoring.months import month_of

_FIRST_ROUND_DONE = "first_pass_done"


def save_roster(
    connection: Connection, scope: Scope, connector: str, roster: Roster, now: datetime
) -> list[tuple[Calendar, Person]]:
    """Adds, renames, erases and lets go of calendars; answers with those to read.

    Excluded ones are erased. Missing ones have left: their past stays, their future does not count (R2). A new
    address keeps its calendar, and who comes back is read in full.
    """
    excluded = {normalise_address(one) or one for one in roster.excluded}
    known = {one.key: one for one in read_calendars(connection, connector)}
    for one in [one for one in known.values() if one.address in excluded]:
        _erase(connection, scope, known.pop(one.key))
    listed: dict[str, tuple[Person, str | None]] = {one.id: (one, None) for one in roster.people}
    listed |= {one.id: (one, reason) for one, reason in roster.unreadable}
    joined = _joins_in(connection, scope, now)
    for person, reason in listed.values():
        if person.id not in known:
            number = add_calendar(connection, connector=connector, key=person.id, address=person.address, joined=joined)
            change_calendar(connection, number, **_changes(person, reason, None))
        elif changes := _changes(person, reason, known[person.id]):
            change_calendar(connection, known[person.id].id, **changes)
    for one in known.values():
        if one.key not in listed and one.left_at is None:
            let_go(connection, scope, one, now)
    return [
        (one, listed[one.key][0])
        for one in read_calendars(connection, connector)
        if one.key in listed and listed[one.key][1] is None
    ]


def let_go(connection: Connection, scope: Scope, calendar: Calendar, now: datetime) -> None:
    """A calendar is no longer read. What it held of the time after its last reading does not count any more."""
    round_ = Round(connection, calendar.id)
    round_.touch(after=calendar.last_success or now)
    mark_stale(connection, touched_months(round_.touched, scope))
    change_calendar(connection, calendar.id, left_at=now)


def end_first_pass(connection: Connection, now: datetime) -> None:
    """From now on, a calendar that appears has joined in that month (R11)."""
    if get_meta(connection, _FIRST_ROUND_DONE) is None:
        set_meta(connection, _FIRST_ROUND_DONE, now.isoformat())


def _changes(person: Person, reason: str | None, known: Calendar | None) -> dict[str, object]:
    changes: dict[str, object] = {}
    if known is None or (known.address, *known.aliases) != person.addresses:
        changes |= {"address": person.address, "aliases": " ".join(person.addresses[1:])}
    if known is not None and known.left_at is not None:
        changes |= {"left_at": None, "cursor": None}
    if reason is not None:
        changes |= {"standing": True, "error_code": "unreadable", "error": reason}
    return changes


def _joins_in(connection: Connection, scope: Scope, now: datetime) -> str:
    """R11: a calendar counts from the month in which it joined; those of the first pass from history's first."""
    first_pass = get_meta(connection, _FIRST_ROUND_DONE) is None
    return month_of(scope.window(now).start if first_pass else now, scope.zone)


def _erase(connection: Connection, scope: Scope, calendar: Calendar) -> None:
    round_ = Round(connection, calendar.id)
    round_.touch()
    mark_stale(connection, touched_months(round_.touched, scope))
    erase_calendar(connection, calendar.id)
