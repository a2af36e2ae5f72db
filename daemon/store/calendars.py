"""Calendars: who is read, how far, and what stands in the way. And the single values about the store (`meta`)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, null, select, update
from sqlalchemy.dialects import postgresql, sqlite

from daemon.store.copies import Owner
from daemon.store.db.bulk import table_of
from daemon.store.db.tables import CalendarRow, CalendarState
from scoring.meetings.values import Window

_CALENDARS = table_of(CalendarRow)
_STATES = table_of(CalendarState)
_OF_STATE = tuple(column for column in _STATES.columns if column.name != "calendar_id")
_WITHOUT_CURSOR = tuple(null().label("cursor") if column.name == "cursor" else column for column in _OF_STATE)
_STATE_NAMES = frozenset(column.name for column in _OF_STATE)

UNLISTED = "unreadable"
"""The error of a calendar of which its connector's list of people says that it cannot be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Calendar:
    """A calendar as the store knows it. `window` is what its last full listing covered.

    `turn` changes with everything that is noted of it (`note_listing`); `batch_id` is with which calendars it is read.
    """

    id: int
    connector: str
    key: str
    address: str
    aliases: tuple[str, ...]
    joined: str
    left_at: datetime | None
    batch_id: int | None
    turn: int
    last_try: datetime | None
    last_success: datetime | None
    read_through: datetime | None
    last_full: datetime | None
    held_at: datetime | None
    error_code: str | None
    error: str | None
    standing: bool
    cursor: str | None
    query: str | None
    window: Window | None
    again_at: datetime | None
    kills: int

    def __repr__(self) -> str:
        return f"Calendar({self.connector}, {self.id})"  # a cursor is a secret


def read_calendars(
    connection: Connection,
    connector: str | None = None,
    *,
    numbers: Collection[int] | None = None,
    cursors: bool = True,
) -> list[Calendar]:
    """All calendars, those of one connector, or those of some numbers, in a fixed order.

    Without `cursors`, which are long, these are None.
    """
    statement = (
        select(_CALENDARS, *(_OF_STATE if cursors else _WITHOUT_CURSOR))
        .join_from(_CALENDARS, _STATES, _STATES.c.calendar_id == _CALENDARS.c.id, isouter=True)
        .order_by(_CALENDARS.c.connector, _CALENDARS.c.address, _CALENDARS.c.key)
    )
    if connector is not None:
        statement = statement.where(_CALENDARS.c.connector == connector)
    if numbers is not None:
        statement = statement.where(_CALENDARS.c.id.in_(numbers))
    result = connection.execute(statement)
    names = tuple(result.keys())
    return [_calendar(dict(zip(names, row, strict=True))) for row in result]


def _calendar(values: dict[str, Any]) -> Calendar:
    start, end = values.pop("window_start"), values.pop("window_end")
    values["aliases"] = tuple(values["aliases"].split())
    for name in ("turn", "kills", "standing"):  # a version before knew of no such table when it added this calendar
        values[name] = values[name] or 0
    values["standing"] = bool(values["standing"])
    return Calendar(**values, window=Window(start=start, end=end) if start and end else None)


def owners_of(calendars: Iterable[Calendar]) -> dict[int, Owner]:
    """Whose calendar each number is, as the copies need it."""
    return {
        calendar.id: Owner(
            connector=calendar.connector,
            calendar=calendar.key,
            address=calendar.address,
            last_reading=(calendar.last_success or calendar.left_at) if calendar.left_at else None,
        )
        for calendar in calendars
    }


def add_calendar(connection: Connection, *, connector: str, key: str, address: str, joined: str) -> int:
    """A calendar seen for the first time; answers with its number."""
    number: int = connection.execute(
        insert(_CALENDARS)
        .values(connector=connector, key=key, address=address, aliases="", joined=joined)
        .returning(_CALENDARS.c.id)
    ).scalar_one()
    connection.execute(insert(_STATES).values(calendar_id=number, turn=0, standing=False, kills=0))
    return number


def change_calendar(connection: Connection, number: int, **values: object) -> None:
    """Sets columns of one calendar; a listing that goes on at this moment will be too late."""
    state = {name: value for name, value in values.items() if name in _STATE_NAMES}
    named = {name: value for name, value in values.items() if name not in _STATE_NAMES}
    if named:
        connection.execute(update(_CALENDARS).where(_CALENDARS.c.id == number).values(**named))
    note_listing(connection, number, None, **state)


def note_listing(connection: Connection, number: int, turn: int | None, **values: object) -> bool:
    """Notes what came of a calendar's listing that began at `turn`. False if anything was noted since, or it is erased.

    So of two that read a calendar at once, the later one changes nothing.
    """
    statement = update(_STATES).where(_STATES.c.calendar_id == number)
    if turn is not None:
        statement = statement.where(_STATES.c.turn == turn)
    if connection.execute(statement.values(turn=_STATES.c.turn + 1, **values)).rowcount:
        return True
    if turn or not has_calendar(connection, number):
        return False
    row = {"calendar_id": number, "turn": 1, "standing": False, "kills": 0, **values}
    kind = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    added = kind(_STATES).values(**row).on_conflict_do_nothing().returning(_STATES.c.calendar_id)
    return connection.execute(added).first() is not None


def has_calendar(connection: Connection, number: int) -> bool:
    """Whether a calendar is (still) known."""
    return connection.execute(select(_CALENDARS.c.id).where(_CALENDARS.c.id == number)).first() is not None


def erase_calendar(connection: Connection, number: int) -> None:
    """Deletes a calendar with all its copies."""
    connection.execute(delete(_CALENDARS).where(_CALENDARS.c.id == number))
