"""The words for verdicts, steps, reasons, months and lengths: one place, so that every output says the same."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, timedelta

from scoring.months.counting import Reason
from scoring.months.history import Row, Trend, Verdict
from scoring.months.hours import hours_text
from scoring.months.month import Month
from scoring.months.steps import Step

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

VERDICT_WORDS = {
    Verdict.NEW: "new",
    Verdict.NO_CONTACT: "no contact",
    Verdict.DEVELOPING: "developing",
    Verdict.STEADY: "not developing (unchanged)",
    Verdict.NOT_DEVELOPING: "not developing",
    Verdict.SO_FAR: "so far",
}
TREND_WORDS = {
    Trend.IMPROVING: "improving",
    Trend.DECLINING: "declining",
    Trend.FLAT: "flat",
    Trend.NEW: "new",
}
STEP_WORDS = {
    Step.PHONE: "phone",
    Step.SHORT_ONE: "short, one person",
    Step.LONG_ONE: "long, one person",
    Step.SHORT_MANY: "short, several people",
    Step.LONG_MANY: "long, several people",
}
_NUMBERS = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_STEP_MEETINGS = {
    Step.PHONE: ("phone call", "phone calls"),
    Step.SHORT_ONE: ("short meeting with one person", "short meetings with one person"),
    Step.LONG_ONE: ("long meeting with one person", "long meetings with one person"),
    Step.SHORT_MANY: ("short meeting with several people", "short meetings with several people"),
    Step.LONG_MANY: ("long meeting with several people", "long meetings with several people"),
}
REASON_WORDS = {
    Reason.CANCELLED: "cancelled",
    Reason.NOT_YET: "not ended yet",
    Reason.ALL_DAY: "an all-day entry: not counted; enter each day with its hours",
    Reason.NO_DURATION: "without duration: it ends when it starts, or before",
    Reason.TOO_LONG: "too long for one meeting: not counted; enter each day with its hours",
    Reason.TOO_MANY_PEOPLE: "too many people: a webinar, not a meeting",
    Reason.WE_DID_NOT_ATTEND: "none of ours attended",
    Reason.CLIENT_DECLINED: "declined by everybody of the client",
    Reason.RESPONSE_NOT_COUNTED: "nobody of the client has answered in a way that counts",
}


# The dot before a last label, which has two letters at least ("e.g.", "S.p.A." and 1.5 have none) or holds a joiner;
# what IDNA takes for a dot; what begins a link or a share of Windows.
_LINKED = re.compile(
    r"[.\u3002\uff0e\uff61\u2024](?=[^\W\d_][\u200c\u200d]*[^\W\d_]|[\u200c\u200d])|:(?=//)|(?<=mailto):|\\(?=\\)",
    re.IGNORECASE,
)
_JOINERS = ("\u200c", "\u200d")


def unlinked(text: str) -> str:
    """Text of outsiders for a sentence in a digest: `acme[.]example`, of which nothing makes a link.

    Mail programs and Slack make links of bare domains and addresses as well. What is not seen goes first, since it is
    left out where the sentence is shown, and would leave a domain behind.
    """
    if not text.isprintable():
        text = "".join(sign for sign in text if sign in _JOINERS or unicodedata.category(sign) != "Cf")
    return _LINKED.sub(lambda found: f"[{found[0]}]", text)


def month_text(month: Month) -> str:
    """`October 2026`."""
    return f"{_MONTHS[int(month[5:]) - 1]} {month[:4]}"


def month_name(month: Month) -> str:
    """`October`."""
    return _MONTHS[int(month[5:]) - 1]


def day_text(day: date) -> str:
    """`12 August 2026`."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def weekday_text(day: date) -> str:
    """`Thursday 12 November`."""
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"


def span_text(months: Sequence[Month]) -> str:
    """`October`, or `August to October`."""
    first, last = month_name(months[0]), month_name(months[-1])
    return last if len(months) == 1 else f"{first} to {last}"


def length_text(length: timedelta) -> str:
    """`45 min`, `2 h`, `1 h 30`."""
    minutes = int(length.total_seconds()) // 60
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest:02d}" if rest else f"{hours} h"


def count_text(count: int, one: str, many: str) -> str:
    """`1 meeting`, `3 meetings`."""
    return f"{count} {one if count == 1 else many}"


def number_text(number: int) -> str:
    """`one` to `nine`, then digits."""
    return _NUMBERS[number] if 0 < number < len(_NUMBERS) else str(number)


def meetings_text(step: Step, count: int) -> str:
    """`3 short meetings with one person`."""
    return count_text(count, *_STEP_MEETINGS[step])


def signed(tenths_of_hours: int) -> str:
    """`+8.0`, `−2.0` with a real minus sign, `0.0`."""
    return ("+" if tenths_of_hours > 0 else "") + hours_text(tenths_of_hours).replace("-", "\u2212")


def names_text(names: Sequence[str], *, most: int = 3) -> str:
    """`A`, `A and B`, `A, B and C`, `A, B, C and 4 more`."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def verdict_sentence(row: Row, tenths: int, before: int) -> str:
    """R9: what the client gave, against what, and what it means. It speaks of the client's time, never of a manager."""
    now, then = span_text(row.compared.now), span_text(row.compared.before)
    gave = f"{row.client} gave {hours_text(tenths)} h"
    if row.verdict is Verdict.SO_FAR:
        return f"{row.client} has given {hours_text(tenths)} h in {month_name(row.month)} so far"
    if row.verdict is Verdict.NEW and row.quarterly:
        return f"{gave} in {now}: new, there are no three months before to compare with"
    if row.verdict is Verdict.NEW:
        return f"{gave} in {now}: new, the first month with a meeting"
    if row.verdict is Verdict.NO_CONTACT:
        spoken = row.previous is None or (not row.quarterly and row.previous.meetings)
        return f"{row.client} was not met in {now}{'' if spoken else f', nor in {then}'}: no contact"
    if row.verdict is Verdict.STEADY:
        return f"{gave}, as much as in {then}: not developing (unchanged)"
    period = "in these three months" if row.quarterly else "this month"
    if row.verdict is Verdict.DEVELOPING:
        return f"{gave}, {hours_text(tenths - before)} more than in {then}: developing {period}"
    return f"{gave}, {hours_text(before - tenths)} less than in {then}: not developing {period}"
