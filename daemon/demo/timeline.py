"""The days of the demo: 24 complete months before today, the running one, and what is booked ahead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

MONTHS = 24
"""Complete months before the running one; months are counted from 0, so the last complete one is 23."""

LAST = MONTHS - 1
AHEAD = timedelta(days=60)

MON, TUE, WED, THU, FRI, SAT, SUN = range(7)

_HOLIDAYS = {(12, 25), (12, 26), (1, 1)}


@dataclass(frozen=True, slots=True)
class Timeline:
    """Wall-clock moments in the company's zone, by month and week."""

    today: date

    @property
    def first(self) -> date:
        """The first day of month 0."""
        return self.month(0)

    @property
    def end(self) -> date:
        """The first day on which nothing may be booked any more."""
        return self.today + AHEAD

    def month(self, index: int) -> date:
        """The first day of a month."""
        months = self.today.year * 12 + self.today.month - 1 + index - MONTHS
        return date(months // 12, months % 12 + 1, 1)

    def months(self, start: int = 0, stop: int = MONTHS + 3) -> range:
        """Months that can hold entries, those ahead included."""
        return range(max(start, 0), min(stop, MONTHS + 3))

    def day(self, index: int, week: int, weekday: int) -> date:
        """The first to fourth such weekday of a month, or the working day before or after that holiday."""
        first = self.month(index)
        found = first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (week - 1))
        step = timedelta(days=1 if week == 1 else -1)
        while (found.month, found.day) in _HOLIDAYS or (found.weekday() > FRI >= weekday):
            found += step
        return found

    def at(self, index: int, week: int, weekday: int, hour: int, minute: int = 0) -> datetime:
        """The same with an hour, without a zone: the file says which."""
        return datetime.combine(self.day(index, week, weekday), time(hour, minute))

    def weeks(self, weekday: int) -> Iterator[date]:
        """Every such weekday from the first month until the end, holidays left out."""
        day = self.first + timedelta(days=(weekday - self.first.weekday()) % 7)
        while day < self.end:
            if (day.month, day.day) not in _HOLIDAYS:
                yield day
            day += timedelta(days=7)

    def last_clock_change(self) -> date:
        """The latest Sunday in the complete months on which British clocks change."""
        change = self.month(MONTHS) - timedelta(days=1)
        while not (change.weekday() == SUN and change.month in {3, 10} and change.day > 24):
            change -= timedelta(days=1)
        return change

    def holds(self, start: datetime | date) -> bool:
        """Whether an entry that starts then belongs into the files."""
        day = start.date() if isinstance(start, datetime) else start
        return self.first <= day < self.end
