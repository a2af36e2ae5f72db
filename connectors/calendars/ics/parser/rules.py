"""Recurrence rules (RFC 5545 3.3.10) made fit for expansion on a series' own wall clock, or refused.

Real files end a rule by a date where a time is due and the other way round; hostile ones repeat every second for ever.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time
from math import prod

from icalendar import vRecur

from connectors.calendars.ics.parser.event import Event
from connectors.calendars.ics.parser.values import Malformed, Moment

_TOO_FREQUENT = ("SECONDLY", "MINUTELY")
_FREQUENCIES = ("HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_PARTS = frozenset(("FREQ", "UNTIL", "COUNT", "INTERVAL", "WKST", "BYSETPOS")) | {
    *("BYSECOND", "BYMINUTE", "BYHOUR", "BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH")
}
_MOST_TIMES_A_DAY = 96
_LEAP_YEAR = 2024
_END_OF_DAY = time(23, 59, 59)


def rule_of(text: str, event: Event) -> vRecur:
    """The rule with its UNTIL on the event's wall clock. Raises `Malformed`."""
    rule = _parsed(text)
    frequency = str(_one(rule, "FREQ") or "")
    if frequency in _TOO_FREQUENT:
        raise Malformed("it repeats every second or every minute")
    if frequency not in _FREQUENCIES:
        raise Malformed("its repetition cannot be read")
    if _times_a_day(rule) > _MOST_TIMES_A_DAY:
        raise Malformed(f"it repeats more than {_MOST_TIMES_A_DAY} times a day")
    if not _is_possible(rule):
        raise Malformed("it repeats on a day that no month has")
    interval = _one(rule, "INTERVAL")
    if isinstance(interval, int) and interval < 1:
        raise Malformed("its repetition has no interval")
    count = _one(rule, "COUNT")
    if isinstance(count, int) and count < 0:
        del rule["COUNT"]  # some write -1 for endless
    if "UNTIL" in rule:
        rule["UNTIL"] = [_until(_one(rule, "UNTIL"), event)]
        rule.pop("COUNT", None)  # both are forbidden together (3.3.10)
    return rule


def _parsed(text: str) -> vRecur:
    try:
        rule = vRecur.from_ical(text.upper())
    except ValueError:
        raise Malformed("its repetition cannot be read") from None
    if str(_one(rule, "RSCALE") or "GREGORIAN") != "GREGORIAN" or str(_one(rule, "SKIP") or "OMIT") != "OMIT":
        raise Malformed("it repeats by another calendar than ours")
    return vRecur({name: value for name, value in rule.items() if name.upper() in _PARTS})


def _one(rule: vRecur, name: str) -> object:
    found = rule.get(name)
    if isinstance(found, list):
        return found[0] if found else None
    return found


def _times_a_day(rule: vRecur) -> int:
    return prod(len(rule.get(name) or (None,)) for name in ("BYHOUR", "BYMINUTE", "BYSECOND"))


def _is_possible(rule: vRecur) -> bool:
    """Whether any of its days is in any of its months (30 February is in none, and is looked for until year 9999)."""
    days = [abs(day) for day in rule.get("BYMONTHDAY") or () if isinstance(day, int)]
    months = [month for month in rule.get("BYMONTH") or () if isinstance(month, int) and 1 <= month <= 12]
    return not days or not months or min(days) <= max(monthrange(_LEAP_YEAR, month)[1] for month in months)


def _until(found: object, event: Event) -> datetime:
    """The last moment on the event's wall clock. A day alone counts to its end, since people name the last day."""
    if isinstance(found, datetime):
        moment = Moment(found.replace(tzinfo=None), None if found.tzinfo is None else UTC)
        if event.all_day:
            return datetime.combine(moment.date, time.min)
        return moment.wall_in(event.zone)
    if isinstance(found, date):
        return datetime.combine(found, time.min if event.all_day else _END_OF_DAY)
    raise Malformed("its repetition cannot be read")
