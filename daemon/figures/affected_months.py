"""Months in a row, and of which months figures are kept at all."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from daemon.config.model import Config
from daemon.store.copies import span_of_copies
from daemon.store.figures import due_months
from daemon.store.meta import HISTORY_BEGINS, get_meta
from scoring.months.month import Month, begins, month_of, shift, touched_months


def months_between(first: Month, last: Month) -> list[Month]:
    """All months from one to the other, both included."""
    months = [first]
    while months[-1] < last:
        months.append(shift(months[-1], 1))
    return months


def reach(connection: Connection, config: Config, now: datetime) -> tuple[Month, Month]:
    """The first and the last month of which figures are kept: as far back as copies are, and as far ahead as is read.

    An entry may be moved anywhere, to the year 9000 too; a month beyond `ahead` stays due until the days reach it.
    """
    zone, sync = config.company.timezone, config.sync
    oldest = shift(month_of(now, zone), -max(sync.retain, sync.history))
    begun = get_meta(connection, HISTORY_BEGINS)
    return min(oldest, Month(begun or oldest)), month_of(now + sync.ahead + timedelta(days=1), zone)


def months_due(connection: Connection, config: Config, now: datetime) -> list[Month]:
    """The months within reach that are to be derived now, in order."""
    first, last = reach(connection, config, now)
    return [month for month in due_months(connection, now) if first <= month <= last]


def months_of_copies(connection: Connection, config: Config, now: datetime) -> list[Month]:
    """The months within reach from that of the first stored copy to that of the last."""
    span = span_of_copies(connection)
    if span is None:
        return []
    first, last = reach(connection, config, now)
    zone, day = config.company.timezone, timedelta(days=1)
    low = max(span[0], begins(first, zone) - day)
    high = min(span[1], begins(shift(last, 1), zone) + day)
    ends = sorted(touched_months([low, high], zone)) if low <= high else []
    return [month for month in months_between(ends[0], ends[-1]) if first <= month <= last] if ends else []
