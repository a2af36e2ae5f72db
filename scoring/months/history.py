"""A client's months as they are read: verdict, trend, completeness (R8 to R11 of `docs/rules.md`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum
from functools import cached_property

from scoring.months.figures import Figures
from scoring.months.hours import tenths
from scoring.months.month import Month, begins, shift
from scoring.months.steps import Rules, score_of


class Verdict(StrEnum):
    """Whether a relationship is developing this month (R9)."""

    NEW = "new"
    NO_CONTACT = "no_contact"
    DEVELOPING = "developing"
    STEADY = "steady"
    NOT_DEVELOPING = "not_developing"
    SO_FAR = "so_far"


class Trend(StrEnum):
    """Where the score has gone over three months (R10)."""

    IMPROVING = "improving"
    DECLINING = "declining"
    FLAT = "flat"
    NEW = "new"


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """Two spans side by side: their months, points and man-seconds. Monthly: a month and the one before."""

    now: tuple[Month, ...]
    before: tuple[Month, ...]
    score: int
    score_before: int
    man_seconds: int
    man_seconds_before: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A client's month as people read it.

    Scores are points; `score_confirmed` counts confirmed people alone (R6). `previous` and `previous_score` are None
    where the month before lies before history, so are those of `trend_scores`, which are of three months, oldest first.
    """

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

    `first_met` is the month of the first counted meeting, phone included; it outlives the copies. None: never met.
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
        first, second, third = (self.score(past) if past >= self.begins else None for past in three)
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
        before = tuple(shift(past, -3) for past in three)
        return Compared(
            now=three,
            before=before,
            score=sum(self.score(past) for past in three),
            score_before=sum(self.score(past) for past in before),
            man_seconds=sum(self.figures(past).man_seconds for past in three),
            man_seconds_before=sum(self.figures(past).man_seconds for past in before),
        )

    def _verdict(self, month: Month, compared: Compared) -> Verdict:
        """R9, by man-hours as shown, in tenths."""
        if month >= self.running:
            return Verdict.SO_FAR
        if month == self.first_met:
            return Verdict.NEW
        if self.quarterly and compared.before[0] < self.begins and self.first_met is not None:
            return Verdict.NEW
        now, before = tenths(compared.man_seconds), tenths(compared.man_seconds_before)
        if now == before == 0 and not any(self.figures(past).meetings for past in compared.now):
            return Verdict.NO_CONTACT
        if now == before:
            return Verdict.STEADY
        return Verdict.DEVELOPING if now > before else Verdict.NOT_DEVELOPING

    def _trend(self, three: tuple[Month, Month, Month]) -> Trend:
        """R10; a quarterly rhythm compares three months with the three before (R9)."""
        first = self.first_met
        if self.quarterly:
            oldest = shift(three[0], -1)
            then, now = (sum(self.score(shift(past, back)) for past in three) for back in (-3, 0))
        else:
            oldest = three[0]
            then, now = self.score(three[0]), self.score(three[2])
        if first is None or oldest < first or (self.quarterly and shift(three[0], -3) < self.begins):
            return Trend.NEW
        if now == then:
            return Trend.FLAT
        return Trend.IMPROVING if now > then else Trend.DECLINING


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """How far one calendar is known (R11).

    `calendar` is its owner's address. It is in scope from `joined` to `left`, both included; None: it still is.
    `read_through` is the moment, with a zone, up to which it was last read whole; None: never yet. `never_read` is the
    standing reason for which it cannot be read, None where there is none.
    """

    calendar: str
    joined: Month
    left: Month | None
    read_through: datetime | None
    never_read: str | None = None


def missing(month: Month, calendars: Iterable[Coverage], zone: tzinfo) -> tuple[str, ...]:
    """The owners of calendars in scope in the month that were not read after it ended (R11); `zone`: the company's."""
    end = begins(shift(month, 1), zone)
    return tuple(
        sorted(
            {
                coverage.calendar
                for coverage in calendars
                if coverage.never_read is None
                and coverage.joined <= month
                and (coverage.left is None or coverage.left >= month)
                and (coverage.read_through is None or coverage.read_through < end)
            }
        )
    )
