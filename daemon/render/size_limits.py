"""How much of a large portfolio goes into one message, and which clients that is.

Gmail cuts a page off at about 102 kB, and nobody reads 300 charts. What needs reading comes first; the CSV file
has all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from scoring.digest.value import ClientLine
from scoring.wording import count_text

MOST_BYTES = 98_000


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """How many clients are told in full, and how many more in a row each."""

    full: int
    brief: int


SIZE_LIMITS = tuple(SizeLimits(*most) for most in ((25, 75), (20, 75), (15, 75), (10, 50), (5, 25), (2, 10)))
"""Each is tried in turn until the page is small enough; with the usual lengths of text the first is."""


class HasLine(Protocol):
    """A client's row that knows the value it shows."""

    @property
    def line(self) -> ClientLine: ...


R = TypeVar("R", bound=HasLine)


def in_full(rows: Sequence[R], most: int) -> tuple[tuple[R, ...], tuple[R, ...]]:
    """Those told in full, and the rest, both in reading order.

    Beyond `most`, three fifths of the places go to the first in reading order, which are those that need action, and
    two fifths to those whose hours changed most.
    """
    if len(rows) <= most:
        return tuple(rows), ()
    first = range(most * 3 // 5)
    others = sorted(range(len(first), len(rows)), key=lambda index: (-_moved(rows[index].line), index))
    chosen = {*first, *others[: most - len(first)]}
    full = tuple(row for index, row in enumerate(rows) if index in chosen)
    return full, tuple(row for index, row in enumerate(rows) if index not in chosen)


def about_full(full: int, clients: int) -> str:
    """Says that not all clients are told in full, and which are."""
    if full == clients:
        return ""
    return (
        f"{full} of {clients} clients in full: those that need action first, and those whose hours changed most. "
        "The others follow in short."
    )


def about_rest(left_out: int, clients: int) -> str:
    """Says where to find those that are not in the message at all."""
    if left_out <= 0:
        return ""
    told = count_text(left_out, "more client is", "more clients are")
    return f"{told} only in the attached digest.csv, which has all {clients}."


def about_not_met(left_out: int) -> str:
    """Says that the list of those not met goes on."""
    return f"And {left_out} more: those with no meetings in digest.csv." if left_out > 0 else ""


def _moved(line: ClientLine) -> int:
    """By how much a client's hours changed, in tenths; all of them where the month before is unknown.

    With a quarterly rhythm the month before is no yardstick, so such a client is no mover.
    """
    if line.quarterly:
        return 0
    return abs(line.tenths if line.change_tenths is None else line.change_tenths)
