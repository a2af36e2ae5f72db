"""One month derived from the stored copies: each client's figures, and who met whom. Writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from daemon.figures.scoring_context import ScoringContext
from daemon.store.addresses import addresses_mark
from daemon.store.calendars import owners_of, read_calendars
from daemon.store.copies import CopyReader
from daemon.store.figures import mark_of
from daemon.store.meta import FROZEN_BEFORE, get_meta
from daemon.store.packing import Addresses
from daemon.store.people import Numbers
from scoring.insights.people import PeopleMonth, people_of
from scoring.meetings.merge import meetings_of
from scoring.meetings.values import Copy, Meeting
from scoring.months.counting import Judged, judge
from scoring.months.figures import Figures, figures_of
from scoring.months.month import Month, begins, shift

_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Derived:
    """A month's figures as derived from the copies at `mark`, and the copies and titles that must go.

    `mark` is None where the month was not due; `figures` and `people` are by client; `unwanted` and `untitled` are
    numbers of copies. A `frozen` month is left as it is and has nothing of all this.
    """

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


@dataclass(slots=True)
class AddressCache:
    """Addresses and their numbers from one month to the next, as long as none is erased."""

    addresses: Addresses = field(default_factory=Addresses)
    numbers: Numbers = field(default_factory=Numbers)
    mark: str | None = None

    def check(self, connection: Connection) -> None:
        """To be called in each transaction, before anything is taken from here."""
        mark = addresses_mark(connection)
        if mark != self.mark:
            self.addresses, self.numbers, self.mark = Addresses(), Numbers(), mark


def derive(
    connection: Connection, context: ScoringContext, month: Month, now: datetime, addresses: Addresses
) -> Derived:
    """A month's figures from the copies as they are now. Writes nothing."""
    mark = mark_of(connection, month)  # first, so that a change made meanwhile shows
    frozen = get_meta(connection, FROZEN_BEFORE)
    if frozen is not None and month < frozen:
        return Derived(month=month, mark=mark, frozen=True)
    retention = RetentionFilter(context)
    judged = judged_meetings(connection, context, month, now, retention, addresses)
    return Derived(
        month=month,
        mark=mark,
        figures={client: figures_of(client, month, meetings, context.rules) for client, meetings in judged.items()},
        people={
            client: people_of(client, month, found, context.rules, context.zone) for client, found in judged.items()
        },
        unwanted=retention.unwanted,
        untitled=retention.untitled,
    )


class RetentionFilter:
    """Finds, on the way, the copies and the titles that may not be kept any more (`docs/design.md` 1, 7)."""

    def __init__(self, context: ScoringContext) -> None:
        self._book = context.book
        self._titles = context.config.sync.titles
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
    context: ScoringContext,
    month: Month,
    now: datetime,
    retention: RetentionFilter | None = None,
    addresses: Addresses | None = None,
) -> dict[str, list[Judged]]:
    """A month's meetings by client, as stored; what retention does not keep is left out."""
    return judged_from(meetings_in(connection, context, month, retention, addresses), context, now)


def judged_from(meetings: Iterable[Meeting], context: ScoringContext, now: datetime) -> dict[str, list[Judged]]:
    """Meetings as each client's."""
    found: dict[str, list[Judged]] = {}
    for meeting in meetings:
        for judged in judge(meeting, context.book, context.rules, now):
            found.setdefault(judged.client, []).append(judged)
    return found


def meetings_in(
    connection: Connection,
    context: ScoringContext,
    month: Month,
    retention: RetentionFilter | None = None,
    addresses: Addresses | None = None,
    clients: Collection[str] | None = None,
) -> Iterator[Meeting]:
    """The meetings that start in a month of the company's zone (R8), merged from their stored copies.

    With `clients`, those with people of theirs, for which a small part of a month's copies is unpacked.
    """

    def concerning(address: str) -> bool:
        return clients is None or context.book.who(address).client in clients

    reader = CopyReader(connection, owners_of(read_calendars(connection)), addresses)
    start, end = begins(month, context.zone), begins(shift(month, 1), context.zone)
    for numbered in reader.meetings_starting(start - _DAY, end + _DAY, concerning if clients is not None else None):
        copies = [copy for number, copy in numbered if retention is None or retention.keeps(number, copy)]
        for meeting in meetings_of(copies, canonical=context.book.canonical, zone=context.zone):
            if start <= meeting.start < end:
                yield meeting
