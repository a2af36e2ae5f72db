"""Calendars: who is read, how far, and what stands in the way. And the single values about the store (`meta`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from daemon.store.copies import Owner
from daemon.store.tables import CalendarRow, Meta
from daemon.store.upsert import table_of, upsert
from scoring.meeting import Window

_CALENDARS = table_of(CalendarRow)
_META = table_of(Meta)


@dataclass(frozen=True, kw_only=True, slots=True)
class Calendar:
    """A calendar as the store knows it. `window` is what its last full listing covered."""

    id: int
    connector: str
    key: str
    address: str
    aliases: tuple[str, ...]
    joined: str
    left_at: datetime | None
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

    def __repr__(self) -> str:
        return f"Calendar({self.connector}, {self.id})"  # a cursor is a secret


def read_calendars(connection: Connection, connector: str | None = None) -> list[Calendar]:
    """All calendars, or those of one connector, in a fixed order."""
    statement = select(_CALENDARS).order_by(_CALENDARS.c.connector, _CALENDARS.c.address, _CALENDARS.c.key)
    if connector is not None:
        statement = statement.where(_CALENDARS.c.connector == connector)
    return [_calendar(row) for row in connection.execute(statement).mappings()]


def _calendar(row: object) -> Calendar:
    values = dict(row)  # type: ignore[call-overload]  # a RowMapping, which SQLAlchemy types as abstract
    start, end = values.pop("window_start"), values.pop("window_end")
    values["aliases"] = tuple(values["aliases"].split())
    return Calendar(**values, window=Window(start=start, end=end) if start and end else None)


def owners_of(calendars: Iterable[Calendar]) -> dict[int, Owner]:
    """Whose calendar each number is, as the copies need it."""
    return {
        one.id: Owner(
            connector=one.connector,
            calendar=one.key,
            address=one.address,
            last_reading=(one.last_success or one.left_at) if one.left_at else None,
        )
        for one in calendars
    }


def add_calendar(connection: Connection, *, connector: str, key: str, address: str, joined: str) -> int:
    """A calendar seen for the first time; answers with its number."""
    number: int = connection.execute(
        insert(_CALENDARS)
        .values(connector=connector, key=key, address=address, aliases="", joined=joined, standing=False)
        .returning(_CALENDARS.c.id)
    ).scalar_one()
    return number


def change_calendar(connection: Connection, number: int, **values: object) -> None:
    """Sets columns of one calendar."""
    connection.execute(update(_CALENDARS).where(_CALENDARS.c.id == number).values(**values))


def has_calendar(connection: Connection, number: int) -> bool:
    """Whether a calendar is (still) known."""
    return connection.execute(select(_CALENDARS.c.id).where(_CALENDARS.c.id == number)).first() is not None


def erase_calendar(connection: Connection, number: int) -> None:
    """Deletes a calendar with all its copies."""
    connection.execute(delete(_CALENDARS).where(_CALENDARS.c.id == number))


_GROUPS = "groups "


def read_groups(connection: Connection) -> tuple[str, ...]:
    """The addresses of groups that the connectors' directories told of (R3)."""
    rows = connection.execute(select(_META.c.value).where(_META.c.key.startswith(_GROUPS))).scalars()
    return tuple(sorted({address for value in rows for address in value.split()}))


def save_groups(connection: Connection, connector: str, groups: Iterable[str]) -> None:
    """What one connector's directory told of groups, in place of what it told before."""
    set_meta(connection, _GROUPS + connector, " ".join(sorted(set(groups))))


def get_meta(connection: Connection, key: str) -> str | None:
    """A single value about the store."""
    value: str | None = connection.execute(select(_META.c.value).where(_META.c.key == key)).scalar()
    return value


def set_meta(connection: Connection, key: str, value: str | None) -> None:
    """Sets a single value about the store; None removes it."""
    if value is None:
        connection.execute(delete(_META).where(_META.c.key == key))
    else:
        upsert(connection, Meta, [{"key": key, "value": value}], key=("key",))
