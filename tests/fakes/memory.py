"""A calendar provider in memory: people with entries, listed in full or by what changed since a cursor.

It keeps the contract of `connectors.contract.Calendars` as a real provider does: windows on full listings, none on
deltas, tombstones with nothing but an id, cursors that expire, faults on demand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from connectors.contract import Done, Page, Person, Problem, Reading, Roster
from connectors.errors import ConnectorError, CursorExpired
from scoring.meetings.values import Copy

PAGE = 3


@dataclass
class Account:
    """One person's calendar: entries by id, and a journal of what changed."""

    person: Person
    entries: dict[str, Copy] = field(default_factory=dict)
    private: set[str] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)
    journal: list[str] = field(default_factory=list)
    error: Exception | None = None
    fails_after_pages: int | None = None
    oldest_cursor: int = 0

    def put(self, copy: Copy) -> None:
        self.entries[copy.entry] = copy
        self.journal.append(copy.entry)

    def remove(self, entry: str) -> None:
        self.entries.pop(entry, None)
        self.journal.append(entry)

    def hide(self, entry: str) -> None:
        """The owner marks it private."""
        self.private.add(entry)
        self.journal.append(entry)


class MemoryCalendars:
    """A connector over accounts."""

    def __init__(self, name: str = "memory", accounts: tuple[Account, ...] = ()) -> None:
        self.name = name
        self.accounts = {one.person.id: one for one in accounts}
        self.roster_requests = 1
        self.roster_error: ConnectorError | None = None
        self.unreadable: tuple[tuple[Person, str], ...] = ()
        self.excluded: tuple[str, ...] = ()
        self.groups: tuple[str, ...] = ()
        self.from_directory = False
        self.hidden: dict[str, Account] = {}
        self.version = "1"
        self.full_listings = 0
        self.readings: list[Reading] = []

    def account(self, address: str) -> Account:
        """The account of this address, made on first use."""
        if address not in self.accounts:
            self.accounts[address] = Account(Person(id=address, addresses=(address,)))
        return self.accounts[address]

    def query(self) -> str:
        return self.version

    def people(self) -> Roster:
        if self.roster_error is not None:
            raise self.roster_error
        people = tuple(one.person for one in self.accounts.values())
        return Roster(
            people=people,
            unreadable=self.unreadable,
            excluded=self.excluded,
            groups=self.groups,
            from_directory=self.from_directory,
        )

    def pull(self, person: Person, reading: Reading) -> Iterator[Page | Done]:
        account = self.accounts.get(person.id) or self.hidden[person.id]
        self.readings.append(reading)
        if account.error is not None:
            raise account.error
        since = None if reading.cursor is None or reading.full else int(reading.cursor)
        if since is not None and since < account.oldest_cursor:
            raise CursorExpired
        if since is None:
            self.full_listings += 1
            listed = [one for one in account.entries.values() if reading.window.holds(one.start, one.end)]
            changed = [one.entry for one in listed]
        else:
            changed = list(dict.fromkeys(account.journal[since:]))
        for number, start in enumerate(range(0, max(len(changed), 1), PAGE)):
            if number == account.fails_after_pages:
                raise ConnectionResetError("the provider hung up")
            yield self._page(account, changed[start : start + PAGE], reading.now)
        yield Done(
            cursor=str(len(account.journal)),
            full=since is None,
            window=reading.window,
            read_through=reading.now,
            requests=len(changed) // PAGE + 1,
        )

    def _page(self, account: Account, entries: list[str], now: datetime) -> Page:
        strange = [one for one in entries if one in account.unreadable]
        seen = [account.entries[one] for one in entries if one in account.entries.keys() - account.private - {*strange}]
        return Page(
            copies=tuple(replace(one, connector=self.name, read_at=now) for one in seen),
            removed=tuple(one for one in entries if one not in account.entries),
            erased=tuple(one for one in entries if one in account.private),
            problems=tuple(Problem(where=one, reason="it is strange", entry=one) for one in strange),
            entries=len(entries),
        )

    def close(self) -> None:
        pass
