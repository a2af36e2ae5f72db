"""A month of the calendar, as text `YYYY-MM`, and where it begins in a zone (R8 of `docs/rules.md`)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from typing import NewType

Month = NewType("Month", str)
"""A calendar month as `2026-10`; months compare as text does."""


def month_of(moment: datetime, zone: tzinfo) -> Month:
    """The month in which a moment lies, in the company's zone (R8)."""
    local = moment.astimezone(zone)
    return Month(f"{local.year:04d}-{local.month:02d}")


def month_from(text: str) -> Month:
    """A month as people type it. Raises ValueError."""
    year, dash, month = text.partition("-")
    if not (text.isascii() and dash and len(year) == 4 and len(month) == 2 and year.isdigit() and month.isdigit()):
        raise ValueError("a month is written YYYY-MM")
    date(int(year), int(month), 1)
    return Month(text)


@cache
def shift(month: Month, months: int) -> Month:
    """So many months later, or earlier."""
    index = int(month[:4]) * 12 + int(month[5:]) - 1 + months
    return Month(f"{index // 12:04d}-{index % 12 + 1:02d}")


def first_day(month: Month) -> date:
    """The first day of a month."""
    return date(int(month[:4]), int(month[5:]), 1)


def begins(month: Month, zone: tzinfo) -> datetime:
    """The instant, in UTC, at which a month begins in the company's zone."""
    return datetime.combine(first_day(month), time(), zone).astimezone(UTC)


def can_be_reckoned(moment: datetime) -> bool:
    """Whether other zones, days and months can be reckoned from a moment: not from the first and the last year."""
    return MINYEAR < moment.year < MAXYEAR


def touched_months(starts: Iterable[datetime], zone: tzinfo) -> set[Month]:
    """The months in which meetings may lie whose copies start at these moments.

    An all-day copy's start is its date's midnight UTC, up to 14 hours from the company's midnight; so a month next to
    a border is taken too. What `can_be_reckoned` does not take is in no month.
    """
    half = timedelta(hours=14)
    starts = set(filter(can_be_reckoned, starts))
    far = {(start.year, start.month): start for start in starts if 2 < start.day < 27}  # from any border, in any zone
    near = [moment for start in starts if not 2 < start.day < 27 for moment in (start - half, start, start + half)]
    return {month_of(moment, zone) for moment in (*far.values(), *near)}
