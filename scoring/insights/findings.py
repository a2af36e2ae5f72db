"""A finding: something that the pattern of meetings says, with its numbers and a sentence for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_TOLD = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """`name` is a signal's (R13 of `docs/rules.md`) or a stage's finding (R14); `good`: good news.

    `numbers` are JSON, hours to a thousandth, shares between 0 and 1, days as `2026-10-31`.
    """

    name: str
    numbers: Mapping[str, Any]
    sentence: str
    good: bool = False


IMPORTANCE = (
    "falling",
    "gone_quiet",
    "single_threaded",
    "moved_down",
    "believed_above",
    "too_long",
    "one_buying_centre",
    "we_push",
    "one_of_ours",
    "no_new_people",
    "unconfirmed",
    "new_executive",
    "new_buying_centre",
    "moved_up",
    "evidence_ahead",
    "new_people",
    "client_invites",
)
"""What a reader should know first. `not_met` is not among them: a digest has a section of its own for it."""


def most_important(findings: Iterable[Finding]) -> Sequence[Finding]:
    """At most three, the most important first; where there is good news, the best of it is one of them."""
    known = sorted(
        (finding for finding in findings if finding.name in IMPORTANCE),
        key=lambda finding: IMPORTANCE.index(finding.name),
    )
    told = known[:MOST_TOLD]
    good = [finding for finding in known if finding.good]
    if good and not any(finding.good for finding in told):
        told[-1] = good[0]
    return told


def reaches(part: int, whole: int, share: float) -> bool:
    """Whether a part is so large a share of a whole, or more; exact to a ten-thousandth of the share."""
    return part * 10_000 >= round(share * 10_000) * whole
