"""What is kept, as people and scripts read it: months of figures, and the meetings behind a figure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache

from sqlalchemy import Connection

from daemon.insights import Insight, insights_of
from daemon.rescore import judged_from, meetings_in, months_between, no_search_for_cycles
from daemon.scope import Scope
from daemon.store.calendars import Calendar
from daemon.store.figures import first_met, read_figures
from daemon.store.meta import FROZEN_BEFORE, HISTORY_BEGINS, get_meta
from daemon.store.told import ToldFigures, in_full, read_told
from scoring.digest.restatement import Restated, Told, restated, told_of
from scoring.meetings.address_book import Client
from scoring.meetings.values import Meeting
from scoring.months.figures import Credited, Figures, credit
from scoring.months.history import History, Reach, Row, missing
from scoring.months.month import Month, first_day, month_of, shift

_FEW = 50  # clients, of which the store is asked by name
_LOOK_BACK = 6  # months before the first one asked for that its verdict and trend may need (R9, quarterly)


class NothingRead(Exception):
    """No calendar has been read yet, so there is nothing to report."""


class UnknownMonth(Exception):
    """A month in the future, or before history begins. Says which are known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthRows:
    """One month of all clients asked for. `missing` are the calendars that its figures lack (R11).

    `restated` says of which clients the month was last told otherwise. `insights` are there once it has ended.
    """

    month: Month
    complete: bool
    missing: tuple[str, ...]
    rows: tuple[Row, ...]
    restated: Mapping[str, Restated]
    insights: Mapping[str, Insight]


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
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


def known_months(connection: Connection, scope: Scope, now: datetime) -> Known:
    """Raises `NothingRead` before the first calendar was read."""
    begun = get_meta(connection, HISTORY_BEGINS)
    if begun is None:
        raise NothingRead
    return Known(begins=Month(begun), running=month_of(now, scope.zone))


def read_months(
    connection: Connection,
    scope: Scope,
    known: Known,
    months: Iterable[Month],
    clients: Iterable[Client],
    now: datetime,
) -> list[MonthRows]:
    """The rows of these months: every client of the config in every month, zeros included."""
    wanted = sorted(set(months))
    histories = read_histories(connection, scope, known, shift(wanted[0], -_LOOK_BACK), clients)
    reach = [reach_of(one, scope) for one in scope.calendars]
    told = read_told(connection, months=wanted)
    by_name = {one.client: one for one in histories}
    otherwise = [changed for changed, _ in restated_months(connection, scope, by_name, told, now)]
    insights: dict[Month, dict[str, Insight]] = {}
    for (client, of), one in insights_of(connection, wanted).items():
        insights.setdefault(of, {})[client] = one
    found = []
    for month in wanted:
        lacking = missing(month, reach, scope.zone) if month < known.running else ()
        found.append(
            MonthRows(
                month=month,
                complete=month < known.running and not lacking,
                missing=lacking,
                rows=tuple(history.row(month) for history in histories),
                restated={changed.client: changed for changed in otherwise if changed.month == month},
                insights=insights.get(month, {}),
            )
        )
    return found


def read_histories(
    connection: Connection, scope: Scope, known: Known, first: Month, clients: Iterable[Client]
) -> list[History]:
    """The kept months of each client from `first` on."""
    kept: dict[str, dict[Month, Figures]] = {}
    clients = list(clients)
    few = [one.name for one in clients] if len(clients) <= _FEW else None
    for figures in read_figures(connection, first=first, clients=few):
        kept.setdefault(figures.client, {})[figures.month] = figures
    met = first_met(connection)
    return [
        History(
            client=one.name,
            quarterly=one.quarterly,
            begins=known.begins,
            running=known.running,
            months=kept.get(one.name, {}),
            first_met=met.get(one.name),
            rules=scope.rules,
        )
        for one in clients
    ]


def reach_of(calendar: Calendar, scope: Scope) -> Reach:
    """How far a calendar is known, as R11 asks."""
    return Reach(
        calendar=calendar.address,
        joined=Month(calendar.joined),
        left=None if calendar.left_at is None else month_of(calendar.left_at, scope.zone),
        read_through=calendar.read_through,
        never_read=(calendar.error or "unreadable") if calendar.standing else None,
    )


def read_meetings(
    connection: Connection, scope: Scope, month: Month, now: datetime, clients: Collection[str] | None = None
) -> dict[str, list[Credited]]:
    """These clients' meetings of a month, or everybody's: counted and set aside, in order, with the time credited."""
    with no_search_for_cycles():
        return credited_meetings(meetings_in(connection, scope, month, clients=clients), scope, now, clients)


def credited_meetings(
    meetings: Iterable[Meeting], scope: Scope, now: datetime, clients: Collection[str] | None = None
) -> dict[str, list[Credited]]:
    """The same from the month's meetings."""
    return {
        client: credit(found, scope.rules)
        for client, found in judged_from(meetings, scope, now).items()
        if clients is None or client in clients
    }


def restated_months(
    connection: Connection,
    scope: Scope,
    histories: Mapping[str, History],
    told: Mapping[tuple[str, Month], ToldFigures],
    now: datetime,
    *,
    apart_from: Month | None = None,
) -> list[tuple[Restated, Told]]:
    """The clients' months that were told otherwise than they are now, with what is to be told instead.

    The meetings of such a month are read only where a figure differs. Of a frozen month they are no longer kept.
    """
    differing: dict[Month, dict[str, Row]] = {}
    for (client, month), figures in sorted(told.items(), key=lambda one: (one[0][1], one[0][0])):
        history = histories.get(client)
        if history is None or month == apart_from or month < history.begins:
            continue
        row = history.row(month)
        if (row.score, row.figures.man_seconds) != (figures.score, figures.man_seconds):
            differing.setdefault(month, {})[client] = row
    found: list[tuple[Restated, Told]] = []
    frozen = get_meta(connection, FROZEN_BEFORE) or ""
    for month, rows in differing.items():
        meetings = read_meetings(connection, scope, month, now, rows.keys()) if month >= frozen else {}
        for client, row in rows.items():
            then = in_full(connection, told[client, month])
            now_told = told_of(row, meetings.get(client, ()), scope.told_with())
            if month < frozen:
                now_told = replace(now_told, meetings=then.meetings)
            if (changed := restated(then, now_told)) is not None:
                found.append((changed, now_told))
    return found


@cache
def working_days(month: Month, country: str, region: str) -> int:
    """Monday to Friday without the public holidays of the company's country and region, where one is named (R10)."""
    days = [
        date.fromordinal(day) for day in range(first_day(month).toordinal(), first_day(shift(month, 1)).toordinal())
    ]
    closed = _closed(days[0].year, country, region) if country else frozenset()
    return sum(1 for day in days if day.weekday() < 5 and day not in closed)


@cache
def _closed(year: int, country: str, region: str) -> frozenset[date]:
    """The public holidays of a year."""
    import holidays

    return frozenset(holidays.country_holidays(country, subdiv=region or None, years=year))


def months_to(last: Month, count: int, known: Known) -> list[Month]:
    """So many months up to `last`, without those before history."""
    return months_between(max(shift(last, 1 - count), known.begins), last)
