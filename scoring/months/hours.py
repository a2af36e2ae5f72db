"""Time as integer seconds, each minute of a person once, and how it is rounded to be read (R7 of `docs/rules.md`)."""

from __future__ import annotations

from collections.abc import Iterable

Interval = tuple[int, int]
"""Start and end in epoch seconds."""


class Ledger:
    """Credits people's time to meetings in the order of their starts, so that no minute of a person counts twice.

    After any number of credits in that order, a person's total is the length of the union of their intervals.
    """

    def __init__(self) -> None:
        self._reached: dict[str, int] = {}

    def credit(self, people: Iterable[str], span: Interval) -> int:
        """The seconds of `span` not credited before, summed over the people. Starts may not go backwards."""
        start, end = span
        total = 0
        for person in people:
            free_from = max(start, self._reached.get(person, start))
            if end > free_from:
                total += end - free_from
                self._reached[person] = end
        return total


def tenths(seconds: int) -> int:
    """Tenths of an hour, half up: how hours are shown and compared (R7, R9)."""
    return (seconds + 180) // 360


def thousandths(seconds: int) -> float:
    """Hours to a thousandth, half up: how hours stand in JSON."""
    return ((5 * seconds + 9) // 18) / 1000


def hours_text(tenths_of_hours: int) -> str:
    """`14.5` for 145 tenths."""
    sign = "-" if tenths_of_hours < 0 else ""
    whole, part = divmod(abs(tenths_of_hours), 10)
    return f"{sign}{whole}.{part}"


def share_out(parts: list[int]) -> list[int]:
    """Seconds as tenths that add up to the tenths of their sum, the largest remainders rounded up."""
    shares = [part // 360 for part in parts]
    left = tenths(sum(parts)) - sum(shares)
    by_remainder = sorted(range(len(parts)), key=lambda index: (-(parts[index] % 360), index))
    for index in by_remainder[:left]:
        shares[index] += 1
    return shares
