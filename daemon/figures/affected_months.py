"""Which months a change of copies concerns."""

from __future__ import annotations

from datetime import datetime, timedelta

from daemon.figures.scoring_context import ScoringContext
from scoring.months.month import Month, month_of, shift


def months_between(first: Month, last: Month) -> list[Month]:
    """All months from one to the other, both included."""
    months = [first]
    while months[-1] < last:
        months.append(shift(months[-1], 1))
    return months


def touched_months(starts: set[datetime], context: ScoringContext) -> set[Month]:
    """The months in which meetings may lie whose copies start at these moments.

    An all-day copy's start is its date's midnight UTC, up to 14 hours from the company's midnight; so a month next to
    a border is taken too.
    """
    half = timedelta(hours=14)
    far = {(start.year, start.month): start for start in starts if 2 < start.day < 27}  # from any border, in any zone
    near = [moment for start in starts if not 2 < start.day < 27 for moment in (start - half, start, start + half)]
    return {month_of(moment, context.zone) for moment in (*far.values(), *near)}
