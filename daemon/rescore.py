"""Stored copies become monthly figures, only for the months that changed (`design.md` 1)."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from daemon.scope import Scope
from daemon.store.addresses import addresses_mark
from daemon.store.calendars import owners_of, read_calendars
from daemon.store.copies import CopyReader, erase_copies, erase_titles, span_of_copies
from daemon.store.db.engine import Database
from daemon.store.figures import (
    due_months,
    mark_of,
    mark_stale,
    months_with_figures,
    read_figures,
    rename_client,
    replace_month,
    settle_month,
)
from daemon.store.insights import drop_insights
from daemon.store.meta import FROZEN_BEFORE, SCORED_WITH, get_meta, set_meta
from daemon.store.packing import Addresses
from daemon.store.people import Numbers, rename_people, replace_people
from scoring.insights.people import PeopleMonth, people_of
from scoring.meetings.merge import meetings_of
from scoring.meetings.values import Copy, Meeting
from scoring.months.counting import Judged, judge
from scoring.months.figures import Figures, figures_of
from scoring.months.month import Month, begins, month_of, shift

_DAY = timedelta(days=1)
SHARE_FROM = 50_000  # copies; with fewer, starting processes takes longer than the work


@dataclass(frozen=True, kw_only=True, slots=True)
class Derived:
    """A month's figures as derived from the copies at `mark`, and the copies and titles that must go."""

    month: Month
    mark: int | None
    frozen: bool = False
    figures: dict[str, Figures] = field(default_factory=dict)
    people: dict[str, PeopleMonth] = field(default_factory=dict)
    unwanted: list[int] = field(default_factory=list)
    untitled: list[int] = field(default_factory=list)

    def holds(self, mark: int | None) -> bool:
        """Whether nothing can have changed since, by the month's mark now.

        Without a mark the month was not due, and may have been due and done again in between: that shows nowhere.
        """
        return self.mark is not None and self.mark == mark


def rescore(database: Database, scope: Scope, now: datetime, *, share_from: int = SHARE_FROM) -> int:
    """Derives what is due and answers how many figures changed. Costs one small query when nothing is.

    Each month is one transaction: killed half-way, the rest is still due. With `share_from` stored copies or more the
    work is shared among processes.
    """
    with database.reading() as connection:
        fresh = get_meta(connection, SCORED_WITH) == scope.scored_with()
        due = due_months(connection, now)
    if not fresh:
        with database.writing() as connection:
            _start_over(connection, scope)
            due = due_months(connection, now)
    from daemon.insights import refresh
    from daemon.rescore_shared import ahead_of_time

    changed = 0
    known = Remembered()
    with ahead_of_time(database, scope, due, now, share_from) as prepared, no_search_for_cycles():
        for month in due:
            found = prepared(month) or _before_the_turn(database, scope, month, now, known)
            with database.writing() as connection:
                known.check(connection)
                if found is None or not found.holds(mark_of(connection, month)):
                    found = derive(connection, scope, month, now, known.addresses)
                changed += _keep(connection, found, known.numbers)
        refresh(database, scope, now)
    return changed


@dataclass(slots=True)
class Remembered:
    """Addresses and their numbers from one month to the next, as long as none is erased."""

    addresses: Addresses = field(default_factory=Addresses)
    numbers: Numbers = field(default_factory=Numbers)
    mark: str | None = None

    def check(self, connection: Connection) -> None:
        """To be called in each transaction, before anything is taken from here."""
        mark = addresses_mark(connection)
        if mark != self.mark:
            self.addresses, self.numbers, self.mark = Addresses(), Numbers(), mark


def _before_the_turn(
    database: Database, scope: Scope, month: Month, now: datetime, known: Remembered
) -> Derived | None:
    """A month's figures, while others may write; None where it would not show that they did (`Derived.holds`)."""
    with database.reading() as connection:
        if mark_of(connection, month) is None:
            return None
        known.check(connection)
        return derive(connection, scope, month, now, known.addresses)


def settle_due(connection: Connection, scope: Scope, now: datetime) -> None:
    """Derives what is due inside the caller's transaction, so that the figures are those of the copies as they are."""
    for month in due_months(connection, now):
        _keep(connection, derive(connection, scope, month, now, Addresses()), Numbers())


@contextmanager
def no_search_for_cycles() -> Iterator[None]:
    """A month's values are many and hold no cycles; searching them again and again takes a fifth of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def months_between(first: Month, last: Month) -> list[Month]:
    """All months from one to the other, both included."""
    months = [first]
    while months[-1] < last:
        months.append(shift(months[-1], 1))
    return months


def touched_months(starts: set[datetime], scope: Scope) -> set[Month]:
    """The months in which meetings may lie whose copies start at these moments.

    An all-day copy's start is its date's midnight UTC, up to 14 hours from the company's midnight; so a month next to
    a border is taken too.
    """
    half = timedelta(hours=14)
    far = {(start.year, start.month): start for start in starts if 2 < start.day < 27}  # from any border, in any zone
    near = [moment for start in starts if not 2 < start.day < 27 for moment in (start - half, start, start + half)]
    return {month_of(moment, scope.zone) for moment in (*far.values(), *near)}


def _start_over(connection: Connection, scope: Scope) -> None:
    """Marks every month that is not frozen as due under the present config."""
    for client in scope.config.clients:
        for former in client.formerly:
            rename_client(connection, former=former, name=client.name)
            rename_people(connection, former=former, name=client.name)
    months = months_with_figures(connection)
    span = span_of_copies(connection)
    if span is not None:
        ends = sorted(touched_months(set(span), scope))
        months.update(months_between(ends[0], ends[-1]))
    mark_stale(connection, months)
    set_meta(connection, SCORED_WITH, scope.scored_with())


def derive(connection: Connection, scope: Scope, month: Month, now: datetime, addresses: Addresses) -> Derived:
    """A month's figures from the copies as they are now. Writes nothing."""
    mark = mark_of(connection, month)  # first, so that a change made meanwhile shows
    frozen = get_meta(connection, FROZEN_BEFORE)
    if frozen is not None and month < frozen:
        return Derived(month=month, mark=mark, frozen=True)
    sieve = Sieve(scope)
    judged = judged_meetings(connection, scope, month, now, sieve, addresses)
    return Derived(
        month=month,
        mark=mark,
        figures={client: figures_of(client, month, meetings, scope.rules) for client, meetings in judged.items()},
        people={client: people_of(client, month, found, scope.rules, scope.zone) for client, found in judged.items()},
        unwanted=sieve.unwanted,
        untitled=sieve.untitled,
    )


def _keep(connection: Connection, derived: Derived, numbers: Numbers) -> int:
    if derived.frozen:
        settle_month(connection, derived.month)
        return 0
    erase_copies(connection, derived.unwanted)
    erase_titles(connection, derived.untitled)
    before = {one.client: one for one in read_figures(connection, first=derived.month, last=derived.month)}
    changed = {
        client for client in before.keys() | derived.figures.keys() if before.get(client) != derived.figures.get(client)
    }
    changed |= replace_people(connection, derived.month, derived.people, numbers)
    if changed:
        drop_insights(connection, clients=changed, changed=derived.month)
    return replace_month(connection, derived.month, derived.figures)


class Sieve:
    """Finds, on the way, the copies and the titles that may not be kept any more (`design.md` 1, 7)."""

    def __init__(self, scope: Scope) -> None:
        self._book = scope.book
        self._titles = scope.config.sync.titles
        self.unwanted: list[int] = []
        self.untitled: list[int] = []

    def keeps(self, number: int, copy: Copy) -> bool:
        """Whether the copy may stay; whether its title may is noted."""
        addresses = copy.invited
        if not self._book.has_outsiders(addresses):
            self.unwanted.append(number)
            return False
        if copy.title is not None and not (self._titles and self._book.has_client(addresses)):
            self.untitled.append(number)
        return True


def judged_meetings(
    connection: Connection,
    scope: Scope,
    month: Month,
    now: datetime,
    sieve: Sieve | None = None,
    addresses: Addresses | None = None,
) -> dict[str, list[Judged]]:
    """A month's meetings by client, as stored; what the sieve does not keep is left out."""
    return judged_from(meetings_in(connection, scope, month, sieve, addresses), scope, now)


def judged_from(meetings: Iterable[Meeting], scope: Scope, now: datetime) -> dict[str, list[Judged]]:
    """Meetings as each client's."""
    found: dict[str, list[Judged]] = {}
    for meeting in meetings:
        for one in judge(meeting, scope.book, scope.rules, now):
            found.setdefault(one.client, []).append(one)
    return found


def meetings_in(
    connection: Connection,
    scope: Scope,
    month: Month,
    sieve: Sieve | None = None,
    addresses: Addresses | None = None,
    clients: Collection[str] | None = None,
) -> Iterator[Meeting]:
    """The meetings that start in a month of the company's zone (R8), merged from their stored copies.

    With `clients`, those with people of theirs, for which a small part of a month's copies is unpacked.
    """

    def concerning(address: str) -> bool:
        return clients is None or scope.book.who(address).client in clients

    reader = CopyReader(connection, owners_of(read_calendars(connection)), addresses)
    start, end = begins(month, scope.zone), begins(shift(month, 1), scope.zone)
    for numbered in reader.meetings_starting(start - _DAY, end + _DAY, concerning if clients is not None else None):
        copies = [copy for number, copy in numbered if sieve is None or sieve.keeps(number, copy)]
        for meeting in meetings_of(copies, canonical=scope.book.canonical, zone=scope.zone):
            if start <= meeting.start < end:
                yield meeting
