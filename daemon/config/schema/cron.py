"""Cron expressions of five fields, as `crontab(5)` has them: judged here, carried out by the service.

Monday is 1, Sunday 0 or 7; months and days have names too. What can never come (30 February) is refused.
"""

from __future__ import annotations

import re
from typing import Any

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    ("day of the week", 0, 7, {name: number for number, name in enumerate(_DAYS)}),
)
_LONGEST = {1: 31, 2: 29, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}
_PART = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<every>\d{1,3}))?", re.ASCII)
ALLOWED = 'five cron fields (minute, hour, day, month, weekday), such as "0 8 1 * *"'


def parse_cron(value: Any) -> str:
    """The expression, lower-case with single spaces. Raises ValueError naming the field that is wrong."""
    fields = value.lower().split() if isinstance(value, str) else []
    if len(fields) != 5:
        raise ValueError(ALLOWED)
    numbers = [_numbers(text, *field) for text, field in zip(fields, _FIELDS, strict=True)]
    days, months = numbers[2], numbers[3]
    if fields[4] == "*" and not any(min(days) <= _LONGEST[month] for month in months):
        raise ValueError(f"{ALLOWED}; that day never comes")
    return " ".join(fields)


def _numbers(text: str, name: str, lowest: int, highest: int, names: dict[str, int]) -> set[int]:
    """The numbers that a field stands for."""
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise ValueError(f"{ALLOWED}; the {name} is wrong")
        first, last = _ends(match, lowest, highest, names)
        every = int(match["every"] or 1)
        if first is None or last is None or not lowest <= first <= last <= highest or not every:
            raise ValueError(f"{ALLOWED}; the {name} goes from {lowest} to {highest}")
        found.update(range(first, last + 1, every))
    return found


def _ends(match: re.Match[str], lowest: int, highest: int, names: dict[str, int]) -> tuple[int | None, int | None]:
    """Where a part begins and ends; None for what is no number of this field."""
    if match["first"] is None:
        return lowest, highest
    first = _number(match["first"], names)
    if match["last"] is not None:
        last = _number(match["last"], names)
        return first, 7 if match["last"] == "sun" else last  # fri-sun
    return first, highest if match["every"] else first


def _number(word: str, names: dict[str, int]) -> int | None:
    return int(word) if word.isdecimal() and len(word) < 4 else names.get(word)


def expand_cron(expression: str) -> dict[str, str]:
    """A valid expression as APScheduler's CronTrigger takes it: lists of numbers, weekdays by name.

    Its own `from_crontab` counts weekdays from Monday, so numbers must not reach it.
    """
    fields = expression.split()
    minute, hour, day, month, weekday = (
        "*" if text == "*" else ",".join(str(number) for number in sorted(_numbers(text, *field)))
        for text, field in zip(fields, _FIELDS, strict=True)
    )
    if weekday != "*":
        weekday = ",".join(dict.fromkeys(_DAYS[int(number) % 7] for number in weekday.split(",")))
    return {"minute": minute, "hour": hour, "day": day, "month": month, "day_of_week": weekday}
