"""Months in a row."""

from __future__ import annotations

from scoring.months.month import Month, shift


def months_between(first: Month, last: Month) -> list[Month]:
    """All months from one to the other, both included."""
    months = [first]
    while months[-1] < last:
        months.append(shift(months[-1], 1))
    return months
