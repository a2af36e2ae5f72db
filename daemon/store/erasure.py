"""Everything in the store that names whom it has to forget: found first, then erased, in the caller's transaction.

Works on older backups too: what their version does not have is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, column, delete, func, inspect, select, table, update

from daemon.store.addresses import erase_unused_addresses, mark_addresses
from daemon.store.db.bulk import in_chunks, table_of
from daemon.store.db.tables import AddressRow, CalendarRow, CalendarState, CopyRow, DeliveryRow, InsightRow, Meta
from daemon.store.deliveries import State
from daemon.store.forgotten import Forgotten
from daemon.store.insights import drop_insights
from daemon.store.people import months_naming

_ADDRESSES, _CALENDARS, _COPIES = table_of(AddressRow), table_of(CalendarRow), table_of(CopyRow)
_STATES = table_of(CalendarState)
_DELIVERIES, _META, _INSIGHTS = table_of(DeliveryRow), table_of(Meta), table_of(InsightRow)
_LOOK_AHEAD = 2_000
_LETTERS = "datn"  # of the responses, as packed
_NOT_SENT = "the recipient has been forgotten"

Values = dict[str, Any]


@dataclass(kw_only=True, slots=True)
class Concerned:
    """A meeting that somebody forgotten was in: when its copies start, and everybody in any of them."""

    starts: set[datetime] = field(default_factory=set)
    people: set[str] = field(default_factory=set)


@dataclass(kw_only=True, slots=True)
class Findings:
    """What names somebody forgotten: lists of rows, some with what is to stand in them, and the meetings concerned."""

    calendars: list[int] = field(default_factory=list)
    copies_there: int = 0
    copies: list[tuple[int, Values]] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    titles: list[int] = field(default_factory=list)
    addresses: list[int] = field(default_factory=list)
    people: int = 0
    deliveries: list[tuple[int, Values]] = field(default_factory=list)
    texts: list[tuple[int, Values]] = field(default_factory=list)
    meta: list[tuple[str, str]] = field(default_factory=list)
    meetings: list[Concerned] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """How many rows of which sort, in words for people."""
        return {
            "calendars": len(self.calendars),
            "copies in those calendars": self.copies_there,
            "copies in others' calendars": len(self.copies) + len(self.lost),
            "of them with nobody else from outside": len(self.lost),
            "titles of other meetings": len(self.titles),
            "addresses": len(self.addresses),
            "clients' months in which they are known": self.people,
            "deliveries": len(self.deliveries),
            "notes": len(self.texts) + len(self.meta),
        }

    def __bool__(self) -> bool:
        return any(self.counts().values())


def find(connection: Connection, forgotten: Forgotten, has_outsiders: Callable[[Iterable[str]], bool]) -> Findings:
    """What is to be erased. A meeting that nobody from outside is left in goes altogether (R3)."""
    found = Findings()
    _find_calendars(connection, forgotten, found)
    _find_copies(connection, forgotten, has_outsiders, found)
    found.people = months_naming(connection, set(found.addresses))
    if _has(connection, _DELIVERIES):
        _find_deliveries(connection, forgotten, found)
    for key, value in connection.execute(select(_META.c.key, _META.c.value)):
        if forgotten.is_in(value):
            found.meta.append(
                (key, _without(value, forgotten) if key.startswith("groups ") else forgotten.redact(value))
            )
    return found


def _has(connection: Connection, table: Table) -> bool:
    return inspect(connection).has_table(table.name)


def _state_of_calendars(connection: Connection) -> tuple[Any, Any]:
    """Where a calendar's cursor and error stand, and by which number: up to schema 0004 beside its address."""
    if _has(connection, _STATES):
        return _STATES, _STATES.c.calendar_id
    former = table(_CALENDARS.name, column("id"), column("error"), column("cursor")).alias("state")
    return former, former.c.id


def _without(addresses: str, forgotten: Forgotten) -> str:
    return " ".join(address for address in addresses.split() if not forgotten.holds(address))


def _find_calendars(connection: Connection, forgotten: Forgotten, found: Findings) -> None:
    state, number = _state_of_calendars(connection)
    names = [_CALENDARS.c[name] for name in ("id", "key", "address", "aliases")]
    statement = select(*names, state.c.error, state.c.cursor)
    statement = statement.join_from(_CALENDARS, state, number == _CALENDARS.c.id, isouter=True)
    for row in connection.execute(statement).mappings():
        aliases = row["aliases"].split()
        if any(map(forgotten.holds, (row["key"], row["address"]))) or any(map(forgotten.holds_itself, aliases)):
            found.calendars.append(row["id"])
            continue
        values: Values = {}
        if any(map(forgotten.holds, aliases)):
            values["aliases"] = _without(row["aliases"], forgotten)
        if row["error"] and forgotten.is_in(row["error"]):
            values["error"] = forgotten.redact(row["error"])
        if row["cursor"] and forgotten.is_in(row["cursor"]):
            values["cursor"] = None
        if values:
            found.texts.append((row["id"], values))
    for chunk in in_chunks(found.calendars):
        counted = select(func.count()).select_from(_COPIES).where(_COPIES.c.calendar_id.in_(chunk))
        found.copies_there += connection.execute(counted).scalar_one()


def _find_copies(
    connection: Connection,
    forgotten: Forgotten,
    has_outsiders: Callable[[Iterable[str]], bool],
    found: Findings,
) -> None:
    names = {row.id: row.address for row in connection.execute(select(_ADDRESSES.c.id, _ADDRESSES.c.address))}
    gone = {number for number, address in names.items() if forgotten.holds(address)}
    found.addresses = sorted(gone)
    tokens = {f"{number}{letter}" for number in gone for letter in _LETTERS}
    calendars, meetings = set(found.calendars), set()
    columns = [_COPIES.c[name] for name in ("id", "calendar_id", "organiser_id", "participants", "title", "meeting")]
    rows = connection.execute(select(*columns).execution_options(yield_per=_LOOK_AHEAD))
    for number, calendar, organiser, packed, title, meeting in rows:
        there = packed.split()
        if calendar in calendars:
            meetings.add(meeting)
        elif organiser in gone or not tokens.isdisjoint(there):
            meetings.add(meeting)
            left = [token for token in there if token not in tokens]
            organiser = None if organiser in gone else organiser  # noqa: PLW2901  # what is left of it
            people = [names[int(token[:-1])] for token in left] + ([names[organiser]] if organiser is not None else [])
            if has_outsiders(people):
                values = {"organiser_id": organiser, "participants": " ".join(left), "title": None, "digest": b""}
                found.copies.append((number, values))
            else:
                found.lost.append(number)
        elif title is not None and forgotten.is_in(title):
            found.titles.append(number)
    _find_meetings(connection, meetings, names, found)


def _find_meetings(
    connection: Connection, meetings: Iterable[bytes], names: Mapping[int, str], found: Findings
) -> None:
    columns = [_COPIES.c[name] for name in ("meeting", "starts_at", "organiser_id", "participants")]
    gathered: dict[bytes, Concerned] = {}
    for chunk in in_chunks(meetings):
        for meeting, start, organiser, packed in connection.execute(
            select(*columns).where(_COPIES.c.meeting.in_(chunk))
        ):
            concerned = gathered.setdefault(meeting, Concerned())
            concerned.starts.add(start)
            concerned.people.update(names[int(token[:-1])] for token in packed.split())
            if organiser is not None:
                concerned.people.add(names[organiser])
    found.meetings = list(gathered.values())


def _find_deliveries(connection: Connection, forgotten: Forgotten, found: Findings) -> None:
    """A recipient becomes nameless; what was still to be sent to them is not."""
    columns = [_DELIVERIES.c[name] for name in ("id", "recipient", "reason", "place", "state")]
    for row in connection.execute(select(*columns)).mappings():
        values: Values = {
            name: forgotten.redact(row[name])
            for name in ("reason", "place")
            if row[name] and forgotten.is_in(row[name])
        }
        service, _, whom = row["recipient"].partition(":")
        if forgotten.holds(whom.lstrip("@")):
            values["recipient"] = f"{service}:forgotten-{row['id']}"
            if row["state"] == State.WAITING:
                values |= {"state": State.FAILED.value, "reason": _NOT_SENT}
        if values:
            found.deliveries.append((row["id"], values))


def _erase_texts(connection: Connection, number: int, values: Values) -> None:
    """The aliases stand with the calendar, what its last listing left elsewhere."""
    named = {name: value for name, value in values.items() if name == "aliases"}
    noted = {name: value for name, value in values.items() if name != "aliases"}
    if named:
        connection.execute(update(_CALENDARS).where(_CALENDARS.c.id == number).values(**named))
    if noted and _has(connection, _STATES):
        connection.execute(update(_STATES).where(_STATES.c.calendar_id == number).values(**noted))
    elif noted:
        former = table(_CALENDARS.name, column("id"), column("error"), column("cursor"))
        connection.execute(update(former).where(former.c.id == number).values(**noted))


def erase(connection: Connection, found: Findings) -> None:
    """Erases what was found, in the same transaction in which it was found."""
    for chunk in in_chunks([*found.lost]):
        connection.execute(delete(_COPIES).where(_COPIES.c.id.in_(chunk)))
    for chunk in in_chunks(found.calendars):
        connection.execute(delete(_COPIES).where(_COPIES.c.calendar_id.in_(chunk)))
        connection.execute(delete(_CALENDARS).where(_CALENDARS.c.id.in_(chunk)))
    for chunk in in_chunks(found.titles):
        connection.execute(update(_COPIES).where(_COPIES.c.id.in_(chunk)).values(title=None, digest=b""))
    for holder, rows in ((_COPIES, found.copies), (_DELIVERIES, found.deliveries)):
        for number, values in rows:
            connection.execute(update(holder).where(holder.c.id == number).values(**values))
    for number, values in found.texts:
        _erase_texts(connection, number, values)
    for key, value in found.meta:
        connection.execute(update(_META).where(_META.c.key == key).values(value=value))
    if found:
        mark_addresses(connection)
        for chunk in in_chunks(found.addresses):
            connection.execute(delete(_ADDRESSES).where(_ADDRESSES.c.id.in_(chunk)))
        if _has(connection, _INSIGHTS):
            drop_insights(connection)  # their sentences may name people
        erase_unused_addresses(connection)
