"""Applying one calendar's round: what is known of its entries, what is written, and which months that touches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, select, update

from daemon.store.packing import pack_participants, pack_setting
from daemon.store.tables import AddressRow, CopyRow
from daemon.store.types import to_millis
from daemon.store.upsert import in_chunks, table_of, upsert, upsert_stored
from scoring.identity import meeting_key, settle
from scoring.meeting import Copy, CopyState, Identity, Window

_MEETING = 3  # where `meeting` stands among the columns
_COPIES = table_of(CopyRow)
_ADDRESSES = table_of(AddressRow)


class Known(NamedTuple):
    """What a plan needs to know of a stored copy."""

    digest: bytes
    state: CopyState
    start: datetime


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
        self._new_entries: set[str] | None = None if self._holds_any() else set()
        self.touched: set[datetime] = set()
        self.changed = 0
        self._date_only = self._load_date_only()

    def known(self, entries: Iterable[str]) -> dict[str, Known]:
        """The stored copies among these entries. What was asked for last need not be looked up again."""
        found: dict[str, Known] = {}
        self._held = dict.fromkeys(entries)
        wanted = self._held if self._new_entries is None else self._new_entries & self._held.keys()
        columns = (_COPIES.c.entry, _COPIES.c.digest, _COPIES.c.state, _COPIES.c.starts_at, _COPIES.c.meeting)
        for chunk in in_chunks(wanted):
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
        if self._new_entries is not None:
            self._new_entries.update(copy.entry for copy, _ in settled)
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

    def _holds_any(self) -> bool:
        """Whether anything of the calendar is stored: of one that is read for the first time nothing is looked up."""
        statement = select(_COPIES.c.id).where(_COPIES.c.calendar_id == self._calendar_id).limit(1)
        return self._connection.execute(statement).first() is not None

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
