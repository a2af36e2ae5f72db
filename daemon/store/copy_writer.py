"""One calendar's copies written in a transaction, and which months that concerns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import Any

from sqlalchemy import Connection, delete, select, update

from daemon.store.db.bulk import among, in_chunks, insert_stored, table_of, upsert_stored
from daemon.store.db.tables import AddressRow, CopyRow
from daemon.store.db.types import from_millis, to_millis
from daemon.store.packing import RESPONSE_WORD, STATE_WORD, pack_participants, pack_setting
from scoring.meetings.identity import meeting_key, settle
from scoring.meetings.values import Copy, CopyState, Identity

_MEETING = 3  # where it stands among the columns
_STORED = "SELECT starts_at, meeting FROM copies WHERE calendar_id = {given} AND entry {among}"
_STARTS = "SELECT starts_at FROM copies WHERE meeting {among}"
_NUMBERS = "SELECT address, id FROM addresses WHERE address {among}"
_COPIES = table_of(CopyRow)
_millis_of_reading = lru_cache(maxsize=8)(to_millis)  # a listing's copies have one

Digested = tuple[Copy, bytes]
"""A copy with its digest (`copy_digest`)."""


class CopyWriter:
    """Writes one calendar's copies inside the transaction of `connection`, remembering whose months that touches.

    Nobody else writes meanwhile (`Database.writing`), so an address that was looked up once need not be again.
    """

    def __init__(self, connection: Connection, calendar_id: int) -> None:
        self._connection = connection
        self._calendar_id = calendar_id
        self._address_ids: dict[str, int] = {}
        self._is_sqlite = connection.dialect.name == "sqlite"
        self._starts: set[int] = set()
        self._meetings: dict[bytes, None] = {}  # in the order in which they were stored, which is quicker to look up
        self.count = 0

    def touched(self) -> set[datetime]:
        """The starts of all copies, before and after, of every meeting that was changed."""
        now = {start for (start,) in among(self._connection, _STARTS, self._meetings)}
        return {from_millis(start) for start in self._starts | now}

    def upsert(self, new: Sequence[Digested], changed: Sequence[Digested]) -> None:
        """Copies of which nothing is stored, and those that take the place of a stored one."""
        if not (new or changed):
            return
        self._touch_stored(copy.entry for copy, _ in changed)
        settled = [(self._settle(copy), digest) for copy, digest in (*new, *changed)]
        self._learn_addresses(copy for copy, _ in settled)
        rows = [self._row(copy, digest) for copy, digest in settled]
        stored = 0 if self._is_sqlite else len(new)
        insert_stored(self._connection, CopyRow, rows[:stored])
        upsert_stored(self._connection, CopyRow, rows[stored:], key=("calendar_id", "entry"))
        self._meetings.update(dict.fromkeys([row[_MEETING] for row in rows]))
        self.count += len(rows)

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
            self.count += result.rowcount

    def erase(self, entries: Iterable[str]) -> None:
        """What may not be kept (private, nobody from outside) goes without a trace."""
        for chunk in in_chunks(entries):
            self._touch_stored(chunk)
            result = self._connection.execute(
                delete(_COPIES).where(_COPIES.c.calendar_id == self._calendar_id, _COPIES.c.entry.in_(chunk))
            )
            self.count += result.rowcount

    def _touch_stored(self, entries: Iterable[str]) -> None:
        for start, meeting in among(self._connection, _STORED, entries, self._calendar_id):
            self._starts.add(start)
            self._meetings[bytes(meeting)] = None

    @cached_property
    def _date_only(self) -> set[tuple[bytes, date]]:
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
        found = settle([identity, *(Identity(series=identity.series, at=at, on=identity.on) for at in instants)])
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
        known = self._address_ids
        wanted: set[str] = set()
        for copy in copies:
            wanted.update([who.address for who in copy.participants if who.address not in known])
            if copy.organiser and copy.organiser not in known:
                wanted.add(copy.organiser)
        unknown = sorted(wanted)
        self._find_addresses(unknown)
        new = [(address,) for address in unknown if address not in known]
        upsert_stored(self._connection, AddressRow, new, key=("address",))
        self._find_addresses(address for (address,) in new)

    def _find_addresses(self, addresses: Iterable[str]) -> None:
        rows = among(self._connection, _NUMBERS, addresses)
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
            STATE_WORD[copy.state],
            to_millis(copy.start),
            to_millis(copy.end),
            copy.all_day,
            self._address_ids[copy.organiser] if copy.organiser else None,
            pack_participants(copy.participants, self._address_ids),
            RESPONSE_WORD[copy.response],
            pack_setting(copy.setting),
            copy.title,
            to_millis(copy.changed_at),
            _millis_of_reading(copy.read_at),
            " ".join(copy.flaws),
            digest,
        )
