"""Copies: applying one calendar's round, and reading them back meeting by meeting for scoring."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, select, text, update

from daemon.store.packing import Addresses, copy_digest, pack_participants, pack_setting, unpack_setting
from daemon.store.tables import AddressRow, CopyRow
from daemon.store.types import from_millis, to_millis
from daemon.store.upsert import in_chunks, table_of, upsert, upsert_stored
from scoring.identity import meeting_key, settle
from scoring.meeting import Copy, CopyState, Identity, Response, Window

_MEETING = 3  # where `meeting` stands among the columns
_COPIES = table_of(CopyRow)
_ADDRESSES = table_of(AddressRow)


class Known(NamedTuple):
    """What a plan needs to know of a stored copy."""

    digest: bytes
    state: CopyState
    start: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """Whose calendar a stored copy stands in. `last_reading` is set when it is no longer read (R2)."""

    connector: str
    calendar: str
    address: str
    last_reading: datetime | None = None


class Round:
    """Applies one calendar's round inside the transaction of `connection`, remembering what it touches.

    `touched` are the starts of all copies, before and after, of every meeting that the round changed: their months
    are to be scored again.
    """

    def __init__(self, connection: Connection, calendar_id: int) -> None:
        self._connection = connection
        self._calendar_id = calendar_id
        self._address_ids: dict[str, int] = {}
        self._is_sqlite = connection.dialect.name == "sqlite"
        self._held: dict[str, tuple[datetime, bytes] | None] = {}
        self.touched: set[datetime] = set()
        self.changed = 0
        self._date_only = self._load_date_only()

    def known(self, entries: Iterable[str]) -> dict[str, Known]:
        """The stored copies among these entries. What was asked for last need not be looked up again."""
        found: dict[str, Known] = {}
        self._held = dict.fromkeys(entries)
        columns = (_COPIES.c.entry, _COPIES.c.digest, _COPIES.c.state, _COPIES.c.starts_at, _COPIES.c.meeting)
        for chunk in in_chunks(self._held):
            rows = self._connection.execute(
                select(*columns).where(_COPIES.c.calendar_id == self._calendar_id, _COPIES.c.entry.in_(chunk))
            )
            for entry, digest, state, start, meeting in rows:
                found[entry] = Known(digest, CopyState(state), start)
                self._held[entry] = (start, meeting)
        return found

    def upsert(self, copies: list[tuple[Copy, bytes]]) -> None:
        """Copies with their digests (`copy_digest`), as they are read now."""
        if not copies:
            return
        settled = [(self._settle(copy), digest) for copy, digest in copies]
        self._touch_stored(copy.entry for copy, _ in settled)
        self._learn_addresses(copy for copy, _ in settled)
        rows = [self._row(copy, digest) for copy, digest in settled]
        upsert_stored(self._connection, CopyRow, rows, key=("calendar_id", "entry"))
        self.touched.update(copy.start for copy, _ in settled)
        self._touch_meetings({row[_MEETING] for row in rows})
        self.changed += len(rows)

    def mark_deleted(self, entries: Iterable[str], now: datetime) -> None:
        """R2: their owner removed them. They are kept until `retain`."""
        for chunk in in_chunks(entries):
            self._touch_stored(chunk)
            result = self._connection.execute(
                update(_COPIES)
                .where(
                    _COPIES.c.calendar_id == self._calendar_id,
                    _COPIES.c.entry.in_(chunk),
                    _COPIES.c.state == CopyState.LIVE.value,
                )
                .values(state=CopyState.DELETED.value, changed_at=now, read_at=now, digest=b"")
            )
            self.changed += result.rowcount

    def erase(self, entries: Iterable[str]) -> None:
        """What may not be kept (private, nobody from outside) goes without a trace."""
        for chunk in in_chunks(entries):
            self._touch_stored(chunk)
            result = self._connection.execute(
                delete(_COPIES).where(_COPIES.c.calendar_id == self._calendar_id, _COPIES.c.entry.in_(chunk))
            )
            self.changed += result.rowcount

    def touch(self, *, after: datetime | None = None) -> None:
        """Marks the calendar's copies as touched without changing them: all, or those that start later."""
        statement = select(_COPIES.c.entry).where(_COPIES.c.calendar_id == self._calendar_id)
        if after is not None:
            statement = statement.where(_COPIES.c.starts_at > after)
        self._touch_stored(self._connection.execute(statement).scalars().all())

    def live_within(self, window: Window) -> set[str]:
        """The entries of the live copies that lie in the window."""
        within = (_COPIES.c.starts_at < window.end) & (
            (_COPIES.c.ends_at > window.start) | (_COPIES.c.starts_at >= window.start)
        )
        statement = select(_COPIES.c.entry).where(
            _COPIES.c.calendar_id == self._calendar_id, _COPIES.c.state == CopyState.LIVE.value, within
        )
        return set(self._connection.execute(statement).scalars())

    def _touch_stored(self, entries: Iterable[str]) -> None:
        wanted = list(entries)
        held = [found for entry in wanted if (found := self._held.get(entry)) is not None]
        for chunk in in_chunks(entry for entry in wanted if entry not in self._held):
            rows = self._connection.execute(
                select(_COPIES.c.starts_at, _COPIES.c.meeting).where(
                    _COPIES.c.calendar_id == self._calendar_id, _COPIES.c.entry.in_(chunk)
                )
            )
            held += [(start, meeting) for start, meeting in rows]
        self.touched.update(start for start, _ in held)
        self._touch_meetings({meeting for _, meeting in held})

    def _touch_meetings(self, meetings: set[bytes]) -> None:
        for chunk in in_chunks(meetings):
            starts = self._connection.execute(
                select(_COPIES.c.starts_at)
                .where(_COPIES.c.meeting.in_(chunk), _COPIES.c.calendar_id != self._calendar_id)
                .distinct()
            )
            self.touched.update(starts.scalars())

    def _load_date_only(self) -> set[tuple[bytes, date]]:
        """Stored occurrences of timed series of which only the date is known (few, if any)."""
        rows = self._connection.execute(
            select(_COPIES.c.series, _COPIES.c.occurrence_on)
            .where(_COPIES.c.occurrence_at.is_(None), _COPIES.c.occurrence_on.is_not(None))
            .where(_COPIES.c.all_day.is_(False))
        )
        return {(series, on) for series, on in rows}

    def _settle(self, copy: Copy) -> Copy:
        """R1: where only the date of an occurrence is known, it is that UID's occurrence of that date."""
        identity = copy.identity
        if copy.all_day or identity.on is None:
            return copy
        if identity.at is not None:
            if (identity.series, identity.on) in self._date_only:
                self._settle_stored(identity)
            return copy
        instants = self._connection.execute(
            select(_COPIES.c.occurrence_at)
            .where(_COPIES.c.series == identity.series, _COPIES.c.occurrence_on == identity.on)
            .where(_COPIES.c.occurrence_at.is_not(None))
        ).scalars()
        found = settle([identity, *(Identity(series=identity.series, at=one, on=identity.on) for one in instants)])
        if identity not in found:
            self._date_only.add((identity.series, identity.on))
            return copy
        return replace(copy, identity=found[identity])

    def _settle_stored(self, identity: Identity) -> None:
        self._connection.execute(
            update(_COPIES)
            .where(_COPIES.c.series == identity.series, _COPIES.c.occurrence_on == identity.on)
            .where(_COPIES.c.occurrence_at.is_(None), _COPIES.c.all_day.is_(False))
            .values(occurrence_at=identity.at, meeting=meeting_key(identity))
        )
        if identity.on is not None:
            self._date_only.discard((identity.series, identity.on))

    def _learn_addresses(self, copies: Iterable[Copy]) -> None:
        wanted: set[str] = set()
        for copy in copies:
            wanted.update([one.address for one in copy.participants])
            if copy.organiser:
                wanted.add(copy.organiser)
        unknown = sorted(wanted - self._address_ids.keys())
        self._find_addresses(unknown)
        new = [one for one in unknown if one not in self._address_ids]
        upsert(self._connection, AddressRow, [{"address": one} for one in new], key=("address",))
        self._find_addresses(new)

    def _find_addresses(self, addresses: Iterable[str]) -> None:
        for chunk in in_chunks(addresses):
            rows = self._connection.execute(
                select(_ADDRESSES.c.address, _ADDRESSES.c.id).where(_ADDRESSES.c.address.in_(chunk))
            )
            self._address_ids.update((address, number) for address, number in rows)

    def _row(self, copy: Copy, digest: bytes) -> tuple[Any, ...]:
        """The columns in the table's order, as the database keeps them."""
        identity, at, on = copy.identity, copy.identity.at, copy.identity.on
        return (
            self._calendar_id,
            copy.entry,
            identity.series,
            meeting_key(identity),
            None if at is None else to_millis(at),
            on.isoformat() if on is not None and self._is_sqlite else on,
            copy.state.value,
            to_millis(copy.start),
            to_millis(copy.end),
            copy.all_day,
            self._address_ids[copy.organiser] if copy.organiser else None,
            pack_participants(copy.participants, self._address_ids),
            copy.response.value,
            pack_setting(copy.setting),
            copy.title,
            to_millis(copy.changed_at),
            to_millis(copy.read_at),
            " ".join(copy.flaws),
            digest,
        )


_SCORED = """
SELECT calendar_id, entry, series, meeting, occurrence_at, state, starts_at, ends_at, all_day, organiser_id,
       participants, response, setting, title, changed_at, read_at, flaws, id,
       occurrence_on
FROM copies
WHERE {which}
ORDER BY meeting, calendar_id, entry
"""
_STARTING = "meeting IN (SELECT meeting FROM copies WHERE starts_at >= :start AND starts_at < :end)"
_LOOK_AHEAD = 2_000
_STATES = {state.value: state for state in CopyState}
_RESPONSES = {response.value: response for response in Response}


class CopyReader:
    """Streams stored copies, all copies of a meeting together. Keeps the addresses that it has met."""

    def __init__(self, connection: Connection, owners: Mapping[int, Owner], addresses: Addresses | None = None) -> None:
        self._connection = connection
        self._owners = owners
        self._addresses = addresses or Addresses()
        self._settings: dict[str, Any] = {}

    def meetings_starting(self, start: datetime, end: datetime) -> Iterator[list[tuple[int, Copy]]]:
        """For each meeting of which any copy starts in the span: all its copies, with their row numbers."""
        statement = text(_SCORED.format(which=_STARTING)).execution_options(yield_per=_LOOK_AHEAD)
        result = self._connection.execute(statement, {"start": to_millis(start), "end": to_millis(end)})
        rows = (row for part in result.partitions(_LOOK_AHEAD) for row in self._prepared([tuple(row) for row in part]))
        for _, group in groupby(rows, key=itemgetter(_MEETING)):
            yield [(row[17], self._copy(row)) for row in group]

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


def erase_unused_addresses(connection: Connection) -> None:
    """Deletes the addresses that no copy names any more. Reads every copy once."""
    used: set[int] = set()
    for organiser, packed in connection.execute(select(_COPIES.c.organiser_id, _COPIES.c.participants)):
        used.update(int(token[:-1]) for token in packed.split())
        if organiser is not None:
            used.add(organiser)
    known = connection.execute(select(_ADDRESSES.c.id)).scalars().all()
    for chunk in in_chunks(number for number in known if number not in used):
        connection.execute(delete(_ADDRESSES).where(_ADDRESSES.c.id.in_(chunk)))


__all__ = ["CopyReader", "Known", "Owner", "Round", "copy_digest"]
