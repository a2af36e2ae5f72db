"""Months of kept figures, as people and scripts read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from daemon.figures.affected_months import months_between
from daemon.figures.history import KnownMonths, coverage_of, read_histories
from daemon.figures.insights import Insight, insights_of
from daemon.figures.scoring_context import ScoringContext
from daemon.reporting.restatements import restated_months
from daemon.store.told import read_told
from scoring.digest.restatement import Restated
from scoring.meetings.address_book import Client
from scoring.months.history import Row, missing
from scoring.months.month import Month, shift

_LOOK_BACK = 6  # months before the first one asked for that its verdict and trend may need (R9, quarterly)


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthRows:
    """One month of all clients asked for. `missing` are the addresses of calendars that its figures lack (R11).

    `restated` says of which clients the month was last told otherwise. `insights` are there once it has ended.
    """

    month: Month
    complete: bool
    missing: tuple[str, ...]
    rows: tuple[Row, ...]
    restated: Mapping[str, Restated]
    insights: Mapping[str, Insight]


def read_months(
    connection: Connection,
    context: ScoringContext,
    known: KnownMonths,
    months: Iterable[Month],
    clients: Iterable[Client],
    now: datetime,
) -> list[MonthRows]:
    """The rows of these months: every client of the config in every month, zeros included."""
    wanted = sorted(set(months))
    histories = read_histories(connection, context, known, shift(wanted[0], -_LOOK_BACK), clients)
    coverage = [coverage_of(calendar, context) for calendar in context.calendars]
    told = read_told(connection, months=wanted)
    by_name = {history.client: history for history in histories}
    otherwise = [changed for changed, _ in restated_months(connection, context, by_name, told, now)]
    insights: dict[Month, dict[str, Insight]] = {}
    for (client, of), insight in insights_of(connection, wanted).items():
        insights.setdefault(of, {})[client] = insight
    found = []
    for month in wanted:
        lacking = missing(month, coverage, context.zone) if month < known.running else ()
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


def months_to(last: Month, count: int, known: KnownMonths) -> list[Month]:
    """So many months up to `last`, without those before history."""
    return months_between(max(shift(last, 1 - count), known.begins), last)
