"""The months that are known, and the kept figures of clients over them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from daemon.figures.scoring_context import ScoringContext
from daemon.store.calendars import Calendar
from daemon.store.figures import first_met, read_figures
from daemon.store.meta import HISTORY_BEGINS, get_meta
from scoring.meetings.address_book import Client
from scoring.months.figures import Figures
from scoring.months.history import Coverage, History
from scoring.months.month import Month, month_of, shift

_FEW = 50  # clients, of which the store is asked by name


class NothingRead(Exception):
    """No calendar has been read yet, so there is nothing to report."""


class UnknownMonth(Exception):
    """A month in the future, or before history begins. Says which are known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownMonths:
    """The months that can be asked for: from `begins` (R11) to `running`, the one not yet ended."""

    begins: Month
    running: Month

    @property
    def last(self) -> Month:
        """The last complete month."""
        return shift(self.running, -1)

    def check(self, month: Month) -> Month:
        """The month, if it is known. Raises `UnknownMonth`."""
        if month > self.running:
            raise UnknownMonth(f"{month} lies in the future; the running month is {self.running}")
        if month < self.begins:
            raise UnknownMonth(f"{month} lies before history, which begins with {self.begins}; it is unknown, not zero")
        return month


def known_months(connection: Connection, context: ScoringContext, now: datetime) -> KnownMonths:
    """Raises `NothingRead` before the first calendar was read."""
    begun = get_meta(connection, HISTORY_BEGINS)
    if begun is None:
        raise NothingRead
    return KnownMonths(begins=Month(begun), running=month_of(now, context.zone))


def read_histories(
    connection: Connection, context: ScoringContext, known: KnownMonths, first: Month, clients: Iterable[Client]
) -> list[History]:
    """The kept months of each client from `first` on."""
    kept: dict[str, dict[Month, Figures]] = {}
    clients = list(clients)
    few = [client.name for client in clients] if len(clients) <= _FEW else None
    for figures in read_figures(connection, first=first, clients=few):
        kept.setdefault(figures.client, {})[figures.month] = figures
    met = first_met(connection)
    return [
        History(
            client=client.name,
            quarterly=client.quarterly,
            begins=known.begins,
            running=known.running,
            months=kept.get(client.name, {}),
            first_met=met.get(client.name),
            rules=context.rules,
        )
        for client in clients
    ]


def coverage_of(calendar: Calendar, context: ScoringContext) -> Coverage:
    """How far a calendar is known, as R11 asks."""
    return Coverage(
        calendar=calendar.address,
        joined=Month(calendar.joined),
        left=None if calendar.left_at is None else month_of(calendar.left_at, context.zone),
        read_through=calendar.read_through,
        never_read=(calendar.error or "unreadable") if calendar.standing else None,
    )
