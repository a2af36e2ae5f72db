"""What a digest told of a client's month, and what has changed in that month since: late edits and answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from scoring.meetings.identity import meeting_key
from scoring.months.counting import Judged, Reason
from scoring.months.figures import Credited
from scoring.months.history import Row, Verdict
from scoring.months.hours import hours_text, tenths
from scoring.months.month import Month
from scoring.wording import REASON_WORDS, VERDICT_WORDS, month_name, number_text

_ASIDE = "-"
_KEY_BYTES = 8
_SHORTLY = {
    Reason.CANCELLED: "cancelled",
    Reason.CLIENT_DECLINED: "declined",
    Reason.WE_DID_NOT_ATTEND: "not attended by us",
    Reason.NOT_YET: "moved ahead",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A client's month as it was told, or as it would be told now.

    `meetings` says of each meeting, by a key that names nobody, the step and man-seconds, or why it was set aside.
    `rules` is a fingerprint of what decides the figures.
    """

    client: str
    month: Month
    score: int
    man_seconds: int
    verdict: Verdict
    meetings: Mapping[str, str]
    rules: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Restated:
    """A month that was told otherwise: the figures as told, and why they are others now."""

    client: str
    month: Month
    score: int
    man_seconds: int
    why: str
    sentence: str


def told_of(row: Row, credited: Iterable[Credited], rules: str) -> Told:
    """What is told of a client's month: from its row and its meetings, set-aside ones included."""
    meetings: dict[str, str] = {}
    for meeting in credited:
        key = meeting_key(meeting.judged.meeting.identity).hex()[: 2 * _KEY_BYTES]
        while key in meetings:  # a UID used for two meetings (R1)
            key += "+"
        meetings[key] = _outcome(meeting.judged, meeting.man_seconds)
    return Told(
        client=row.client,
        month=row.month,
        score=row.score,
        man_seconds=row.figures.man_seconds,
        verdict=row.verdict,
        meetings=meetings,
        rules=rules,
    )


def _outcome(judged: Judged, man_seconds: int) -> str:
    return f"{_ASIDE}{judged.reason}" if judged.step is None else f"{judged.step} {man_seconds}"


def restated(then: Told, now: Told) -> Restated | None:
    """What a month that was told has become; None where every figure still stands."""
    if (then.score, then.man_seconds) == (now.score, now.man_seconds):
        return None
    why = ", ".join(_reasons(then, now)) or "the lists of people have changed"
    return Restated(
        client=then.client,
        month=then.month,
        score=then.score,
        man_seconds=then.man_seconds,
        why=why,
        sentence=f"{then.client}: {_difference(then, now)}: {why}.{_verdicts(then, now)}",
    )


def _difference(then: Told, now: Told) -> str:
    """`October was 14.5 h, now 16.0`; where the hours shown are the same, the score's."""
    name = month_name(then.month)
    was, is_now = tenths(then.man_seconds), tenths(now.man_seconds)
    if was != is_now:
        return f"{name} was {hours_text(was)} h, now {hours_text(is_now)}"
    if then.score != now.score:
        return f"{name}'s score was {then.score}, now {now.score}"
    return f"{name} changed by less than six minutes"


def _verdicts(then: Told, now: Told) -> str:
    if then.verdict is now.verdict or Verdict.SO_FAR in (then.verdict, now.verdict):
        return ""
    return f" It was {VERDICT_WORDS[then.verdict]}, and is now {VERDICT_WORDS[now.verdict]}."


def _reasons(then: Told, now: Told) -> Iterator[str]:
    """`one meeting added`, `one declined`, …"""
    counts: dict[str, int] = {}
    for key in {**then.meetings, **now.meetings}:
        what = _change(then.meetings.get(key), now.meetings.get(key))
        if what is not None:
            counts[what] = counts.get(what, 0) + 1
    for place, (what, count) in enumerate(sorted(counts.items(), key=lambda item: (item[0] != "added", item[0]))):
        noun = "" if place else " meeting" if count == 1 else " meetings"
        yield f"{number_text(count)}{noun} {what}"
    if then.rules != now.rules:
        yield "the scoring rules changed"


def _change(was: str | None, now: str | None) -> str | None:
    """In a participle what became of a meeting, None where nothing did."""
    counted, counts = (outcome is not None and not outcome.startswith(_ASIDE) for outcome in (was, now))
    if counts and not counted:
        return "added" if was is None else "counted now"
    if counted and not counts:
        return "removed" if now is None else _set_aside(now)
    return "changed" if counted and was != now else None


def _set_aside(outcome: str) -> str:
    reason = Reason(outcome.removeprefix(_ASIDE))
    return _SHORTLY.get(reason) or f"set aside ({REASON_WORDS[reason].partition(':')[0]})"
