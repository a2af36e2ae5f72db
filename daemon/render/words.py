"""The words and shapes that stand for verdicts and trends, so that neither colour nor code names carry a meaning."""

from __future__ import annotations

from dataclasses import dataclass

from scoring.months import Trend, Verdict


@dataclass(frozen=True, slots=True)
class Mark:
    """A shape with its word. `tone` is how loud it is: the accent, plain ink, or soft."""

    shape: str
    word: str
    tone: str


VERDICTS: dict[Verdict, Mark] = {
    Verdict.NOT_DEVELOPING: Mark("▼", "not developing", "ink"),
    Verdict.NO_CONTACT: Mark("○", "no contact", "ink"),
    Verdict.STEADY: Mark("■", "not developing (unchanged)", "soft"),
    Verdict.DEVELOPING: Mark("▲", "developing", "accent"),
    Verdict.NEW: Mark("●", "new", "accent"),
    Verdict.SO_FAR: Mark("◆", "so far", "soft"),
}
"""In the order in which an overview names them: what needs action first."""

TRENDS: dict[Trend, Mark] = {
    Trend.IMPROVING: Mark("↗", "improving", "accent"),
    Trend.DECLINING: Mark("↘", "declining", "ink"),
    Trend.FLAT: Mark("→", "flat", "soft"),
    Trend.NEW: Mark("·", "new", "soft"),
}

_MONTHS = "January February March April May June July August September October November December".split()


def month_text(month: str) -> str:
    """`October 2026` for `2026-10`; what is no month stays as it is."""
    year, _, number = month.partition("-")
    if year.isdecimal() and number.isdecimal() and 1 <= int(number) <= 12:
        return f"{_MONTHS[int(number) - 1]} {year}"
    return month
