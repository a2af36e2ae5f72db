"""R8 to R11: a client's month: what is kept of it, and what is read from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, tzinfo
from enum import StrEnum
from functools import cache, cached_property
from typing import NewType

from scoring.counting import Judged, Reason
from scoring.hours import Ledger, tenths
from scoring.steps import Rules, Step, is_face_to_face, score_of

Month = NewType("Month", str)
"""A calendar month as `2026-10`; months compare as text does."""


def month_of(moment: datetime, zone: tzinfo) -> Month:
    """R8: the month in which a moment lies, in the company's zone."""
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


class Verdict(StrEnum):
    """R9: whether a relationship is developing this month."""

    NEW = "new"
    NO_CONTACT = "no_contact"
    DEVELOPING = "developing"
    STEADY = "steady"
    NOT_DEVELOPING = "not_developing"
    SO_FAR = "so_far"


class Trend(StrEnum):
    """R10: where the score has gone over three months."""

    IMPROVING = "improving"
    DECLINING = "declining"
    FLAT = "flat"
    NEW = "new"


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """What is kept of a client's month: counts and seconds, none of which depends on points or on the clock.

    `largest_seconds` are the man-seconds of the meeting that brought most (R9's "without it"). `our_people` is how
    many of ours were in the face-to-face meetings. `next_end` is when the first booked meeting ends: then the figures
    are due again.
    """

    client: str
    month: Month
    steps: Mapping[Step, int] = field(default_factory=dict)
    confirmed_steps: Mapping[Step, int] = field(default_factory=dict)
    man_seconds: int = 0
    confirmed_seconds: int = 0
    phone_seconds: int = 0
    our_seconds: int = 0
    client_people: int = 0
    our_people: int = 0
    largest_seconds: int = 0
    set_aside: Mapping[Reason, int] = field(default_factory=dict)
    next_end: datetime | None = None

    @property
    def meetings(self) -> int:
        """Counted meetings, phone included."""
        return sum(self.steps.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class Credited:
    """A judged meeting with the man-seconds it is credited: double-booked time is the first meeting's (R7)."""

    judged: Judged
    man_seconds: int = 0
    confirmed_seconds: int = 0
    phone_seconds: int = 0
    our_seconds: int = 0


def credit(judged: Iterable[Judged], rules: Rules) -> list[Credited]:
    """One client's meetings of a month in order, each with its share of the time; shares add up to the month (R7)."""
    ledgers = Ledger(), Ledger(), Ledger(), Ledger()
    return [_credit(one, rules, ledgers) for one in sorted(judged, key=_order)]


def _order(judged: Judged) -> tuple[datetime, datetime, bytes, tuple[str, ...]]:
    meeting = judged.meeting
    return (meeting.start, meeting.end, meeting.identity.series, meeting.calendars)


def _credit(judged: Judged, rules: Rules, ledgers: tuple[Ledger, Ledger, Ledger, Ledger]) -> Credited:
    if judged.step is None:
        return Credited(judged=judged)
    theirs, confirmed, phone, ours = ledgers
    span = int(judged.meeting.start.timestamp()), int(judged.meeting.end.timestamp())
    if not is_face_to_face(judged.channel, rules):
        return Credited(judged=judged, phone_seconds=phone.credit(judged.people, span))
    return Credited(
        judged=judged,
        man_seconds=theirs.credit(judged.people, span),
        confirmed_seconds=confirmed.credit(judged.confirmed, span),
        our_seconds=ours.credit(judged.ours, span),
    )


def figures_of(client: str, month: Month, judged: Iterable[Judged], rules: Rules) -> Figures:
    """R6 and R7 for one client's month, from all its meetings, counted and set aside."""
    steps: dict[Step, int] = {}
    confirmed_steps: dict[Step, int] = {}
    set_aside: dict[Reason, int] = {}
    people: set[str] = set()
    ours: set[str] = set()
    ends: list[datetime] = []
    credited = credit(judged, rules)
    for line in credited:
        one = line.judged
        if one.reason is not None:
            set_aside[one.reason] = set_aside.get(one.reason, 0) + 1
            if one.reason is Reason.NOT_YET:
                ends.append(one.meeting.end)
            continue
        if one.step is not None:
            steps[one.step] = steps.get(one.step, 0) + 1
        if one.confirmed_step is not None:
            confirmed_steps[one.confirmed_step] = confirmed_steps.get(one.confirmed_step, 0) + 1
        people.update(one.people)
        if is_face_to_face(one.channel, rules):
            ours.update(one.ours)
    return Figures(
        client=client,
        month=month,
        steps=steps,
        confirmed_steps=confirmed_steps,
        man_seconds=sum(line.man_seconds for line in credited),
        confirmed_seconds=sum(line.confirmed_seconds for line in credited),
        phone_seconds=sum(line.phone_seconds for line in credited),
        our_seconds=sum(line.our_seconds for line in credited),
        client_people=len(people),
        our_people=len(ours),
        largest_seconds=max((line.man_seconds for line in credited), default=0),
        set_aside=set_aside,
        next_end=min(ends, default=None),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """Two spans side by side: the months, their scores and man-seconds. Monthly: a month and the one before."""

    now: tuple[Month, ...]
    before: tuple[Month, ...]
    score: int
    score_before: int
    man_seconds: int
    man_seconds_before: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A client's month as people read it. `previous` is None where the month before lies before history."""

    client: str
    month: Month
    figures: Figures
    score: int
    score_confirmed: int
    previous: Figures | None
    previous_score: int | None
    verdict: Verdict
    trend: Trend
    trend_scores: tuple[int | None, int | None, int | None]
    quarterly: bool
    compared: Compared


@dataclass(frozen=True, kw_only=True)
class History:
    """A client's kept months. `begins` is the first month known at all (R11), `running` the month not yet ended.

    `first_met` is the month of the first counted meeting, phone included; it outlives the copies.
    """

    client: str
    quarterly: bool
    begins: Month
    running: Month
    months: Mapping[Month, Figures]
    first_met: Month | None
    rules: Rules

    def figures(self, month: Month) -> Figures:
        """A month's figures, zeros included."""
        return self.months.get(month) or Figures(client=self.client, month=month)

    def score(self, month: Month) -> int:
        """A month's points."""
        return self._scores.get(month, 0)

    @cached_property
    def _scores(self) -> dict[Month, int]:
        return {month: score_of(figures.steps, self.rules) for month, figures in self.months.items()}

    def row(self, month: Month) -> Row:
        """R9 and R10 for one month, from history on and not in the future."""
        figures = self.figures(month)
        previous = shift(month, -1)
        known = previous >= self.begins
        three = self._last_three(month)
        compared = self._compared(month, three)
        first, second, third = (self.score(one) if one >= self.begins else None for one in three)
        return Row(
            client=self.client,
            month=month,
            figures=figures,
            score=self.score(month),
            score_confirmed=score_of(figures.confirmed_steps, self.rules),
            previous=self.figures(previous) if known else None,
            previous_score=self.score(previous) if known else None,
            verdict=self._verdict(month, compared),
            trend=self._trend(three),
            trend_scores=(first, second, third),
            quarterly=self.quarterly,
            compared=compared,
        )

    def _last_three(self, month: Month) -> tuple[Month, Month, Month]:
        """The last three ended months as of `month`: it and two before, or the three before a running one."""
        last = month if month < self.running else shift(self.running, -1)
        return shift(last, -2), shift(last, -1), last

    def _compared(self, month: Month, three: tuple[Month, Month, Month]) -> Compared:
        if not self.quarterly:
            last = shift(month, -1)
            return Compared(
                now=(month,),
                before=(last,),
                score=self.score(month),
                score_before=self.score(last),
                man_seconds=self.figures(month).man_seconds,
                man_seconds_before=self.figures(last).man_seconds,
            )
        before = tuple(shift(one, -3) for one in three)
        return Compared(
            now=three,
            before=before,
            score=sum(self.score(one) for one in three),
            score_before=sum(self.score(one) for one in before),
            man_seconds=sum(self.figures(one).man_seconds for one in three),
            man_seconds_before=sum(self.figures(one).man_seconds for one in before),
        )

    def _verdict(self, month: Month, compared: Compared) -> Verdict:
        """R9, by man-hours as shown."""
        if month >= self.running:
            return Verdict.SO_FAR
        if month == self.first_met:
            return Verdict.NEW
        if self.quarterly and compared.before[0] < self.begins and self.first_met is not None:
            return Verdict.NEW
        now, before = tenths(compared.man_seconds), tenths(compared.man_seconds_before)
        if now == before == 0 and not any(self.figures(one).meetings for one in compared.now):
            return Verdict.NO_CONTACT
        if now == before:
            return Verdict.STEADY
        return Verdict.DEVELOPING if now > before else Verdict.NOT_DEVELOPING

    def _trend(self, three: tuple[Month, Month, Month]) -> Trend:
        """R10; a quarterly rhythm compares three months with the three before (R9)."""
        first = self.first_met
        if self.quarterly:
            oldest = shift(three[0], -1)
            then, now = (sum(self.score(shift(one, back)) for one in three) for back in (-3, 0))
        else:
            oldest = three[0]
            then, now = self.score(three[0]), self.score(three[2])
        if first is None or oldest < first or (self.quarterly and shift(three[0], -3) < self.begins):
            return Trend.NEW
        if now == then:
            return Trend.FLAT
        return Trend.IMPROVING if now > then else Trend.DECLINING


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """How far one calendar is known (R11). `never_read` is the standing reason for which it cannot be read."""

    calendar: str
    joined: Month
    left: Month | None
    read_through: datetime | None
    never_read: str | None = None


def missing(month: Month, calendars: Iterable[Reach], zone: tzinfo) -> tuple[str, ...]:
    """R11: the calendars in scope in the month that were not read after it ended."""
    end = begins(shift(month, 1), zone)
    return tuple(
        sorted(
            {
                one.calendar
                for one in calendars
                if one.never_read is None
                and one.joined <= month
                and (one.left is None or one.left >= month)
                and (one.read_through is None or one.read_through < end)
            }
        )
    )
