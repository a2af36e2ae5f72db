"""A month's working days in the company's country."""

from __future__ import annotations

from datetime import date
from functools import cache

from scoring.months.month import Month, first_day, shift


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
