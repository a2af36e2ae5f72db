"""A digest's schedule: five cron fields, as `crontab(5)` has them, reckoned by cronsim as Debian's cron does.

Monday is 1, Sunday 0 or 7; months and days have names too. Where both a day of the month and a weekday are given,
either of them will do. What can never come (30 February) is refused, and so is what cronsim has beyond crontab(5).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from cronsim import CronSim, CronSimError

_FIELDS = (
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of the month", "1 to 31"),
    ("month", "1 to 12"),
    ("day of the week", "0 to 7"),
)
_PART = r"(?:\*|\w+(?:-\w+)?)(?:/\d{1,3})?"
_FIELD = re.compile(rf"{_PART}(?:,{_PART})*", re.ASCII)
_LAST_DAYS = re.compile(r"\d*lw?")  # cronsim's own: l, lw, 5l
_ANY_DAY = datetime(2000, 1, 1, tzinfo=UTC)
ALLOWED = 'five cron fields (minute, hour, day, month, weekday), such as "0 8 1 * *"'


def parse_cron(value: Any) -> str:
    """The expression, lower-case with single spaces. Raises ValueError naming the field that is wrong."""
    fields = value.lower().split() if isinstance(value, str) else []
    if len(fields) != len(_FIELDS):
        raise ValueError(ALLOWED)
    for position, (name, limits) in enumerate(_FIELDS):
        if not _FIELD.fullmatch(fields[position]):
            raise ValueError(f"{ALLOWED}; the {name} is wrong")
        if not _is_sound(" ".join(["*"] * position + [fields[position]] + ["*"] * (4 - position))):
            raise ValueError(f"{ALLOWED}; the {name} goes from {limits}")
    expression = " ".join(fields)
    if not _is_sound(expression):
        raise ValueError(f"{ALLOWED}; that day never comes")
    return expression


def next_moment(expression: str, moment: datetime) -> datetime:
    """The first moment of a sound expression after `moment`, whose zone is the expression's; in UTC.

    Moments that a clock change leaves out come when it is over, and those that it repeats come once; only where
    the minute or the hour begins with `*` does the schedule follow the clock, as in Debian's cron.
    """
    after = moment.astimezone(UTC)
    # In the hour that comes twice, cronsim names moments of its first pass even where `moment` is in its second.
    moments = (found.astimezone(UTC) for found in CronSim(_for_cronsim(expression), moment))
    return next(found for found in moments if found > after)


def _is_sound(expression: str) -> bool:
    words = re.findall(r"\w+", expression)
    if any(len(word) > 3 or _LAST_DAYS.fullmatch(word) for word in words):
        return False
    try:
        CronSim(_for_cronsim(expression), _ANY_DAY)
    except CronSimError:
        return False
    return True


def _for_cronsim(expression: str) -> str:
    """It knows Sunday by name as the first day of a week only: `fri-sun` goes to 7."""
    return expression.replace("-sun", "-7")
