"""R7: time as integer seconds, each minute of a person once, and how it is rounded for people to read."""

from __future__ import annotations

from collections.abc import Iterable

Interval = tuple[int, int]
"""Start and end in epoch seconds."""


def union_seconds(intervals: Iterable[Interval]) -> int:
    """How long the union of the intervals is. Empty and backward ones add nothing."""
    total = 0
    reached: int | None = None
    for start, end in sorted(intervals):
        if reached is not None and start < reached:
            start = reached  # noqa: PLW2901  # the part already counted is skipped
        if end > start:
            total += end - start
            reached = end
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
    target = tenths(sum(parts))
    shares = [part // 360 for part in parts]
    by_remainder = sorted(range(len(parts)), key=lambda index: (-(parts[index] % 360), index))
    for index in by_remainder[: target - sum(shares)]:
        shares[index] += 1
    return shares
