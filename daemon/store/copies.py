"""Copies read back meeting by meeting for scoring, and erased."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, select, text, update

from daemon.store.db.bulk import among, in_chunks, table_of
from daemon.store.db.tables import AddressRow, CopyRow, Meta
from daemon.store.db.types import from_millis, to_millis
from daemon.store.packing import Addresses, unpack_setting
from scoring.meetings.values import Copy, CopyState, Identity, Response, Window

_MEETING = 3  # where `meeting` stands among the columns
_COPIES = table_of(CopyRow)
_ADDRESSES = table_of(AddressRow)
_META = table_of(Meta)


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """Whose calendar a stored copy stands in. `last_reading` is set when it is no longer read (R2)."""

    connector: str
    calendar: str
    address: str
    last_reading: datetime | None = None


_SCORED = """
SELECT calendar_id, entry, series, meeting, occurrence_at, state, starts_at, ends_at, all_day, organiser_id,
       participants, response, setting, title, changed_at, read_at, flaws, id,
       occurrence_on
FROM copies
WHERE {which}
ORDER BY meeting, calendar_id, entry
"""
_COMPARED = "SELECT entry, digest, state FROM copies WHERE calendar_id = {given} AND entry {among}"
_STARTING = "meeting IN (SELECT meeting FROM copies WHERE starts_at >= :start AND starts_at < :end)"
_ALL = "true"
_LOOK_AHEAD = 2_000
_STATES = {state.value: state for state in CopyState}
_RESPONSES = {response.value: response for response in Response}


class StoredCopy(NamedTuple):
    """What a stored copy is compared by: the digest that it was stored with (`copy_digest`), and its state."""

    digest: bytes
    state: CopyState


def stored_copies(connection: Connection, calendar_id: int, entries: Iterable[str]) -> dict[str, StoredCopy]:
    """The calendar's stored copies among these entries."""
    rows = among(connection, _COMPARED, entries, calendar_id)
    return {entry: StoredCopy(bytes(digest), _STATES[state]) for entry, digest, state in rows}


def holds_copies(connection: Connection, calendar_id: int) -> bool:
    """Whether anything of the calendar is stored."""
    statement = select(_COPIES.c.id).where(_COPIES.c.calendar_id == calendar_id).limit(1)
    return connection.execute(statement).first() is not None


def live_entries(connection: Connection, calendar_id: int, within: Window | None = None) -> frozenset[str]:
    """The entries of a calendar that are kept and not deleted: all, or those that lie in a window."""
    statement = select(_COPIES.c.entry).where(
        _COPIES.c.calendar_id == calendar_id, _COPIES.c.state == CopyState.LIVE.value
    )
    if within is not None:
        lasts = (_COPIES.c.ends_at > within.start) | (_COPIES.c.starts_at >= within.start)
        statement = statement.where(_COPIES.c.starts_at < within.end, lasts)
    return frozenset(connection.execute(statement).scalars())


def starts_concerned(connection: Connection, calendar_id: int, *, after: datetime | None = None) -> set[datetime]:
    """When the copies of a calendar's meetings start, in whatever calendar: of all, or of those that start `after`."""
    own = select(_COPIES.c.meeting).where(_COPIES.c.calendar_id == calendar_id)
    if after is not None:
        own = own.where(_COPIES.c.starts_at > after)
    statement = select(_COPIES.c.starts_at).where(_COPIES.c.meeting.in_(own)).distinct()
    return set(connection.execute(statement).scalars())


class CopyReader:
    """Streams stored copies, all copies of a meeting together. Keeps the addresses that it has met."""

    def __init__(self, connection: Connection, owners: Mapping[int, Owner], addresses: Addresses | None = None) -> None:
        self._connection = connection
        self._owners = owners
        self._addresses = addresses or Addresses()
        self._settings: dict[str, Any] = {}

    def meetings_starting(
        self, start: datetime, end: datetime, concerning: Callable[[str], bool] | None = None
    ) -> Iterator[list[tuple[int, Copy]]]:
        """For each meeting of which any copy starts in the span: all its copies, with their row numbers.

        With `concerning`, only meetings whose guests or organiser are any of whom it is true.
        """
        rows = self._rows(_STARTING, {"start": to_millis(start), "end": to_millis(end)})
        concerns = None if concerning is None else self._concerns(concerning)
        for _, group in groupby(rows, key=itemgetter(_MEETING)):
            copies = list(group)
            if concerns is None or any(map(concerns, copies)):
                yield [(row[17], self._copy(row)) for row in copies]

    def _concerns(self, concerning: Callable[[str], bool]) -> Callable[[Any], bool]:
        """Whether a row names anybody of whom it is true; each address is asked about once."""

        @cache
        def number_does(number: int) -> bool:
            return concerning(self._addresses.name(number))

        @cache
        def token_does(token: str) -> bool:
            return number_does(int(token[:-1]))

        def row_does(row: Any) -> bool:
            return any(map(token_does, row[10].split())) or (row[9] is not None and number_does(row[9]))

        return row_does

    def every_copy(self) -> Iterator[Copy]:
        """All that is stored."""
        return (self._copy(row) for row in self._rows(_ALL, {}))

    def _rows(self, which: str, parameters: Mapping[str, int]) -> Iterator[Any]:
        statement = text(_SCORED.format(which=which)).execution_options(yield_per=_LOOK_AHEAD)
        result = self._connection.execute(statement, parameters)
        return (row for part in result.partitions(_LOOK_AHEAD) for row in self._prepared([tuple(row) for row in part]))

    def _prepared(self, rows: list[Any]) -> list[Any]:
        numbers = self._addresses.unknown((row[10] for row in rows), (row[9] for row in rows))
        for chunk in in_chunks(numbers):
            found = self._connection.execute(
                select(_ADDRESSES.c.id, _ADDRESSES.c.address).where(_ADDRESSES.c.id.in_(chunk))
            )
            self._addresses.learn((number, address) for number, address in found)
        return rows

    def _copy(self, row: Any) -> Copy:
        owner = self._owners[row[0]]
        setting = self._settings.get(row[12])
        if setting is None:
            setting = self._settings[row[12]] = unpack_setting(row[12])
        return Copy(
            connector=owner.connector,
            calendar=owner.calendar,
            entry=row[1],
            owner=owner.address,
            identity=_identity(row),
            state=_STATES[row[5]],
            start=from_millis(row[6]),
            end=from_millis(row[7]),
            all_day=bool(row[8]),
            organiser=None if row[9] is None else self._addresses.name(row[9]),
            participants=self._addresses.unpack(row[10]),
            response=_RESPONSES[row[11]],
            setting=setting,
            title=row[13],
            changed_at=from_millis(row[14]),
            read_at=from_millis(row[15]),
            flaws=tuple(row[16].split()) if row[16] else (),
            last_reading=owner.last_reading,
        )


def _identity(row: Any) -> Identity:
    at, on = row[4], row[18]
    return Identity(
        series=bytes(row[2]),
        at=None if at is None else from_millis(at),
        on=None if on is None else date.fromisoformat(str(on)),
    )


def span_of_copies(connection: Connection) -> tuple[datetime, datetime] | None:
    """The first and the last start of all stored copies; None when there are none."""
    low, high = connection.execute(text("SELECT min(starts_at), max(starts_at) FROM copies")).one()
    return None if low is None else (from_millis(low), from_millis(high) + timedelta(milliseconds=1))


def count_copies(connection: Connection) -> int:
    """How many copies are stored."""
    count: int = connection.execute(text("SELECT count(*) FROM copies")).scalar_one()
    return count


def erase_copies(connection: Connection, numbers: Iterable[int]) -> None:
    """Deletes copies by row number."""
    for chunk in in_chunks(numbers):
        connection.execute(delete(_COPIES).where(_COPIES.c.id.in_(chunk)))


def erase_titles(connection: Connection, numbers: Iterable[int]) -> None:
    """Forgets the titles of copies by row number. Their digests go too, so that a later reading may bring them back."""
    for chunk in in_chunks(numbers):
        connection.execute(update(_COPIES).where(_COPIES.c.id.in_(chunk)).values(title=None, digest=b""))


def erase_copies_before(connection: Connection, moment: datetime) -> int:
    """Retention: copies that start earlier. Answers how many."""
    return connection.execute(delete(_COPIES).where(_COPIES.c.starts_at < moment)).rowcount
