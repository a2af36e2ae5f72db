"""A month's digest as a value: lines, totals, notes. Nothing about e-mail, Slack or HTML.

All hours are tenths of hours as shown (R7); every sentence is plain text for people. Renderers add nothing to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from scoring.months.history import Trend, Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One month of a client's strip. `tenths` is None where the month lies before history: unknown, never zero."""

    month: str
    tenths: int | None
    score: int | None
    complete: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class HoursPart:
    """A part of the sum behind a client's man-hours; the parts' tenths add up to the line's."""

    text: str
    tenths: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientLine:
    """One client's month. Months are the company's, hours are man-hours in tenths as shown (R7).

    `manager` is an address, None where the config names nobody; `tier` is None where it says none. `before_tenths`,
    `score_before` and those of `trend_scores` are None where the month lies before history: unknown, never zero. Of a
    quarterly client they are the month's too, and the verdict compares three months with the three before.
    `findings` are what the pattern of meetings says (R13, R14), at most three, the most important first.
    """

    client: str
    manager: str | None
    tier: str | None
    quarterly: bool
    verdict: Verdict
    verdict_text: str
    trend: Trend
    tenths: int
    before_tenths: int | None
    score: int
    score_confirmed: int
    score_before: int | None
    trend_scores: tuple[int | None, int | None, int | None]
    meetings: int
    client_people: int
    phone_tenths: int
    parts: tuple[HoursPart, ...]
    sentences: tuple[str, ...]
    strip: tuple[Bar, ...]
    findings: tuple[str, ...] = ()

    @property
    def change_tenths(self) -> int | None:
        return None if self.before_tenths is None else self.tenths - self.before_tenths

    @property
    def judged(self) -> bool:
        """Whether the month is over, so that it can be compared."""
        return self.verdict is not Verdict.SO_FAR


@dataclass(frozen=True, kw_only=True, slots=True)
class NotMet:
    """A client with no counted meeting in the month. `last_met` is a month (`2026-08`), None if never in history."""

    client: str
    manager: str | None
    last_met: str | None
    sentence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SetAside:
    """Meetings seen and not counted for one reason of R4. `clients`: those named for all-day and too long ones."""

    reason: str
    meetings: int
    sentence: str
    clients: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A few sentences under a title, shown as they are."""

    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Digest:
    """What managers read. `lines` stand in reading order: those that need action first.

    `month` is `2026-10` and `month_text` the same in words; `timezone` the company's, by its IANA name; `generated_at`
    an aware moment in any zone. Of the `judged` clients, which are those the headline counts, `developing` are.
    `complete` says that the month is over and every calendar read to its end; `lacks` says from what it is not.
    """

    name: str
    company: str
    month: str
    month_text: str
    timezone: str
    generated_at: datetime
    subject: str
    headline: str
    developing: int
    judged: int
    complete: bool
    lines: tuple[ClientLine, ...]
    not_met: tuple[NotMet, ...]
    set_aside: tuple[SetAside, ...]
    lacks: tuple[str, ...]
    notes: tuple[str, ...]
    sections: tuple[Section, ...] = ()
