"""Applying one calendar's round: what is known of its entries, what is written, and which months that touches."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, select, update

from daemon.store.db.bulk import among, in_chunks, insert_stored, table_of, upsert_stored
from daemon.store.db.tables import AddressRow, CopyRow
from daemon.store.db.types import from_millis, to_millis
from daemon.store.packing import RESPONSE_WORD, STATE_WORD, pack_participants, pack_setting
from scoring.meetings.identity import meeting_key, settle
from scoring.meetings.values import Copy, CopyState, Identity, Window

_ENTRY, _MEETING, _START = 1, 3, 7  # where they stand among the columns
_KNOWN = "SELECT entry, digest, state, starts_at, meeting FROM copies WHERE calendar_id = {given} AND entry {among}"
_HELD = "SELECT starts_at, meeting FROM copies WHERE calendar_id = {given} AND entry {among}"
_ELSEWHERE = "SELECT DISTINCT starts_at FROM copies WHERE calendar_id <> {given} AND meeting {among}"
_NUMBERS = "SELECT address, id FROM addresses WHERE address {among}"
_STATES = {state.value: state for state in CopyState}
_COPIES = table_of(CopyRow)
_millis_of_reading = lru_cache(maxsize=8)(to_millis)  # a round's copies have one


class Known(NamedTuple):
    """What a plan needs to know of a stored copy."""

    digest: bytes
    state: CopyState


class Round:
    """Applies one calendar's round inside the transaction of `connection`, remembering what it touches.

    Nobody else writes meanwhile (`Database.writing`), so what was looked up once need not be again. Nothing is looked
    up before it is needed: most rounds change nothing.
    """

    def __init__(self, connection: Connection, calendar_id: int) -> None:
        self._connection = connection
        self._calendar_id = calendar_id
        self._address_ids: dict[str, int] = {}
        self._is_sqlite = connection.dialect.name == "sqlite"
        self._held: dict[str, tuple[int, bytes] | None] = {}
        self._starts: set[int] = set()
        self._met: set[bytes] = set()  # meetings of which the other calendars' copies are touched
        self.changed = 0

    @property
    def touched(self) -> set[datetime]:
        """The starts of all copies, before and after, of every meeting that the round changed.

        Their months are to be scored again.
        """
        return {from_millis(one) for one in self._starts}

    def known(self, entries: Iterable[str]) -> dict[str, Known]:
        """The stored copies among these entries. What was asked for last need not be looked up again."""
        found: dict[str, Known] = {}
        self._held = dict.fromkeys(entries)
        rows = among(self._connection, _KNOWN, self._perhaps_stored(self._held), self._calendar_id)
        for entry, digest, state, start, meeting in rows:
            found[entry] = Known(digest, _STATES[state])
            self._held[entry] = (start, meeting)
        return found

    def upsert(self, copies: list[tuple[Copy, bytes]]) -> None:
        """Copies with their digests (`copy_digest`), as they are read now; of one that stands twice the later form."""
        if not copies:
            return
        latest = {copy.entry: (self._settle(copy), digest) for copy, digest in copies}
        self._touch_stored(latest)
        self._learn_addresses(copy for copy, _ in latest.values())
        rows = [self._row(copy, digest) for copy, digest in latest.values()]
        self._write(rows)
        self._starts.update([row[_START] for row in rows])
        self._touch_meetings({row[_MEETING] for row in rows})
        self.changed += len(rows)

    def _write(self, rows: list[tuple[Any, ...]]) -> None:
        new = self._new_entries
        if new is None or self._is_sqlite:
            upsert_stored(self._connection, CopyRow, rows, key=("calendar_id", "entry"))
        else:
            upsert_stored(
                self._connection, CopyRow, [row for row in rows if row[_ENTRY] in new], key=("calendar_id", "entry")
            )
            insert_stored(self._connection, CopyRow, [row for row in rows if row[_ENTRY] not in new])
        if new is not None:
            new.update([row[_ENTRY] for row in rows])

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

    @cached_property
    def _new_entries(self) -> set[str] | None:
        """The entries that this round wrote, where nothing else of the calendar is stored; None where anything is.

        Of one that is read for the first time nothing is looked up.
        """
        statement = select(_COPIES.c.id).where(_COPIES.c.calendar_id == self._calendar_id).limit(1)
        return set() if self._connection.execute(statement).first() is None else None

    def _perhaps_stored(self, entries: Collection[str]) -> Collection[str]:
        if not entries or self._new_entries is None:
            return entries
        return self._new_entries.intersection(entries)

    def _touch_stored(self, entries: Iterable[str]) -> None:
        wanted = list(entries)
        held = [found for entry in wanted if (found := self._held.get(entry)) is not None]
        unknown = self._perhaps_stored([entry for entry in wanted if entry not in self._held])
        held += among(self._connection, _HELD, unknown, self._calendar_id)
        self._starts.update([start for start, _ in held])
        self._touch_meetings({meeting for _, meeting in held})

    def _touch_meetings(self, meetings: set[bytes]) -> None:
        """The other calendars' copies of these meetings."""
        unmet = meetings - self._met
        self._met |= unmet
        self._starts.update([start for (start,) in among(self._connection, _ELSEWHERE, unmet, self._calendar_id)])

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
        self._met.clear()  # other calendars' copies have changed
        if identity.on is not None:
            self._date_only.discard((identity.series, identity.on))

    def _learn_addresses(self, copies: Iterable[Copy]) -> None:
        known = self._address_ids
        wanted: set[str] = set()
        for copy in copies:
            wanted.update([one.address for one in copy.participants if one.address not in known])
            if copy.organiser and copy.organiser not in known:
                wanted.add(copy.organiser)
        unknown = sorted(wanted)
        self._find_addresses(unknown)
        new = [(one,) for one in unknown if one not in known]
        upsert_stored(self._connection, AddressRow, new, key=("address",))
        self._find_addresses(one for (one,) in new)

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
