"""One client's line of a digest: the sum behind its hours, and the sentences that explain its verdict (R9, R10)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from scoring.digest.value import Bar, ClientLine, HoursPart
from scoring.meetings.values import Meeting
from scoring.months.figures import Credited
from scoring.months.history import History, Row, Trend, Verdict
from scoring.months.hours import hours_text, share_out, tenths
from scoring.months.month import Month, shift
from scoring.months.steps import Step
from scoring.wording import (
    count_text,
    length_text,
    meetings_text,
    month_name,
    signed,
    span_text,
    unlinked,
    verdict_sentence,
)

STRIP_MONTHS = 24
"""The months of a client's strip, the digest's own included."""
_APART = 3  # so many meetings are told one by one; beyond, only the largest is
_FEWEST_OURS = 3
WorkingDays = Callable[[Month], int]


def line_of(
    history: History,
    month: Month,
    credited: Sequence[Credited],
    *,
    manager: str | None,
    tier: str | None,
    incomplete: frozenset[Month],
    working_days: WorkingDays,
    findings: tuple[str, ...] = (),
) -> ClientLine:
    """A client's line. `credited` are its meetings of the month, set-aside ones included."""
    row = history.row(month)
    now, before = tenths(row.compared.man_seconds), tenths(row.compared.man_seconds_before)
    if row.verdict is Verdict.SO_FAR:
        now = tenths(row.figures.man_seconds)
    return ClientLine(
        client=row.client,
        manager=manager,
        tier=tier,
        quarterly=row.quarterly,
        verdict=row.verdict,
        verdict_text=verdict_sentence(row, now, before) + ".",
        trend=row.trend,
        tenths=tenths(row.figures.man_seconds),
        before_tenths=None if row.previous is None else tenths(row.previous.man_seconds),
        score=row.score,
        score_confirmed=row.score_confirmed,
        score_before=row.previous_score,
        trend_scores=row.trend_scores,
        meetings=row.figures.meetings,
        client_people=row.figures.client_people,
        phone_tenths=tenths(row.figures.phone_seconds),
        parts=parts_of(credited),
        sentences=tuple(_sentences(history, row, working_days)),
        strip=strip_of(history, month, incomplete),
        findings=findings,
    )


def parts_of(credited: Sequence[Credited]) -> tuple[HoursPart, ...]:
    """The sum behind a month's man-hours; the parts add up to them as shown."""
    met = [meeting for meeting in credited if meeting.judged.step not in (None, Step.PHONE)]
    met.sort(key=_most_hours_first)
    apart = met if len(met) <= _APART else met[:1]
    texts = [_meeting_text(meeting) for meeting in apart]
    seconds = [meeting.man_seconds for meeting in apart]
    rest = met[len(apart) :]
    for step in reversed(Step):
        grouped = [meeting for meeting in rest if meeting.judged.step is step]
        if grouped:
            texts.append(meetings_text(step, len(grouped)))
            seconds.append(sum(meeting.man_seconds for meeting in grouped))
    return tuple(HoursPart(text=text, tenths=share) for text, share in zip(texts, share_out(seconds), strict=True))


def _most_hours_first(credited: Credited) -> tuple[int, datetime, bytes]:
    meeting = credited.judged.meeting
    return -credited.man_seconds, meeting.start, meeting.identity.series


def _meeting_text(credited: Credited) -> str:
    meeting: Meeting = credited.judged.meeting
    what = unlinked(meeting.title or "a meeting")
    people = count_text(len(credited.judged.people), "person", "people")
    return f"{what}, {people}, {length_text(meeting.length)}"


def strip_of(history: History, month: Month, incomplete: frozenset[Month]) -> tuple[Bar, ...]:
    """The months up to `month`; those before history are unknown."""
    bars = []
    for back in range(STRIP_MONTHS - 1, -1, -1):
        past = shift(month, -back)
        known = past >= history.begins
        bars.append(
            Bar(
                month=past,
                tenths=tenths(history.figures(past).man_seconds) if known else None,
                score=history.score(past) if known else None,
                complete=past not in incomplete,
            )
        )
    return tuple(bars)


def _sentences(history: History, row: Row, working_days: WorkingDays) -> list[str]:
    found = [
        _without_largest(row),
        _year_earlier(history, row),
        _disagreement(row),
        _long_view(history, row),
        _per_working_day(row, working_days),
        _phone(row),
        _ours(row),
        _confirmed(row),
    ]
    return [sentence for sentence in found if sentence]


def _without_largest(row: Row) -> str | None:
    """R9: where one meeting is half or more of either month, the change without it."""
    if row.quarterly or row.previous is None or row.verdict is Verdict.SO_FAR:
        return None
    change = tenths(row.figures.man_seconds) - tenths(row.previous.man_seconds)
    for figures, sign in ((row.figures, -1), (row.previous, 1)):
        largest = figures.largest_seconds
        if largest and largest * 2 >= figures.man_seconds:
            without = change + sign * tenths(largest)
            return (
                f"One meeting is {hours_text(tenths(largest))} of {month_name(figures.month)}'s "
                f"{hours_text(tenths(figures.man_seconds))} h; without it the change would be {signed(without)} h."
            )
    return None


def _year_earlier(history: History, row: Row) -> str | None:
    """R9: the change in the same months a year earlier."""
    if row.verdict in (Verdict.SO_FAR, Verdict.NEW, Verdict.NO_CONTACT):
        return None
    now = [shift(month, -12) for month in row.compared.now]
    before = [shift(month, -12) for month in row.compared.before]
    if before[0] < history.begins or history.first_met is None or now[-1] < history.first_met:
        return None
    seconds = [sum(history.figures(month).man_seconds for month in months) for months in (now, before)]
    change = tenths(seconds[0]) - tenths(seconds[1])
    return f"A year earlier, the change from {span_text(before)} to {span_text(now)} was {signed(change)} h."


def _disagreement(row: Row) -> str | None:
    """R10: where verdict and trend disagree, one sentence says both."""
    scores = " → ".join("?" if score is None else str(score) for score in row.trend_scores)
    over = "against the three months before" if row.quarterly else f"over three months ({scores})"
    if row.verdict is Verdict.DEVELOPING and row.trend is Trend.DECLINING:
        return f"The hours grew, but the score has declined {over}."
    if row.verdict in (Verdict.NOT_DEVELOPING, Verdict.STEADY) and row.trend is Trend.IMPROVING:
        return f"The hours did not grow, but the score has improved {over}."
    return None


def _long_view(history: History, row: Row) -> str | None:
    """R10: the mean of the last three months against the same three a year earlier."""
    if row.verdict is Verdict.SO_FAR:
        return None
    recent = [shift(row.month, -back) for back in (2, 1, 0)]
    earlier = [shift(month, -12) for month in recent]
    if earlier[0] < history.begins or history.first_met is None or earlier[0] < history.first_met:
        return None
    now, then = (
        tenths(sum(history.figures(month).man_seconds for month in months) // 3) for months in (recent, earlier)
    )
    if now == then == 0:
        return None
    return f"Long view: {hours_text(now)} h a month over three months, {hours_text(then)} h a year earlier."


def _per_working_day(row: Row, working_days: WorkingDays) -> str | None:
    """R10: per working day, so that December and Easter do not read as failure. Told where it changes the picture."""
    if row.quarterly or row.previous is None or row.verdict not in (Verdict.DEVELOPING, Verdict.NOT_DEVELOPING):
        return None
    days, days_before = working_days(row.month), working_days(row.previous.month)
    if not days or not days_before:
        return None
    seconds, before = row.figures.man_seconds, row.previous.man_seconds
    grew, grew_per_day = seconds > before, seconds * days_before > before * days
    if grew is grew_per_day:
        return None
    minutes, minutes_before = round(seconds / days / 60), round(before / days_before / 60)
    return f"Per working day it was {minutes} min, against {minutes_before} min: the months differ in working days."


def _phone(row: Row) -> str | None:
    calls = row.figures.steps.get(Step.PHONE, 0)
    if not calls:
        return None
    hours = hours_text(tenths(row.figures.phone_seconds))
    return f"Beside it, {count_text(calls, 'phone call', 'phone calls')} ({hours} h), which are no man-hours."


def _ours(row: Row) -> str | None:
    """Our own hours as a total only, and not of so few that it would tell who worked how much."""
    if row.figures.our_people < _FEWEST_OURS or not row.figures.our_seconds:
        return None
    return f"Our people gave {hours_text(tenths(row.figures.our_seconds))} h."


def _confirmed(row: Row) -> str | None:
    """R6: shown where it differs."""
    if row.score_confirmed == row.score:
        return None
    return f"Counting only those who accepted or organised, the score is {row.score_confirmed} instead of {row.score}."
