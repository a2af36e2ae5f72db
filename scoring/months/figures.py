"""A client's month in numbers: what is kept of it, and each meeting's part in it (R4 to R8 of `docs/rules.md`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from scoring.months.counting import Judged, Reason
from scoring.months.hours import Ledger
from scoring.months.month import Month
from scoring.months.steps import Rules, Step, is_face_to_face


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """What is kept of a client's month: counts and seconds, none of which depends on points or on the clock.

    `steps` and `set_aside` count meetings, `confirmed_steps` those of confirmed people alone. `man_seconds` are client
    people's face to face, `confirmed_seconds` the confirmed ones' part, `phone_seconds` theirs on the phone,
    `our_seconds` our people's face to face (R7). `largest_seconds` are the man-seconds of the meeting that brought most
    (R9's "without it"). `client_people` is how many of theirs counted, `our_people` how many of ours were in the
    face-to-face meetings. `next_end` is when the first booked meeting ends, in UTC: then the figures are due again;
    None: nothing is booked.
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
    return [_credit(judgement, rules, ledgers) for judgement in sorted(judged, key=_order)]


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
        judgement = line.judged
        if judgement.reason is not None:
            set_aside[judgement.reason] = set_aside.get(judgement.reason, 0) + 1
            if judgement.reason is Reason.NOT_YET:
                ends.append(judgement.meeting.end)
            continue
        if judgement.step is not None:
            steps[judgement.step] = steps.get(judgement.step, 0) + 1
        if judgement.confirmed_step is not None:
            confirmed_steps[judgement.confirmed_step] = confirmed_steps.get(judgement.confirmed_step, 0) + 1
        people.update(judgement.people)
        if is_face_to_face(judgement.channel, rules):
            ours.update(judgement.ours)
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
