"""A client's people in one month: who met us, for how long, who never answered (R12 of `docs/rules.md`).

A month is kept as it was counted; `circle` puts months together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import NamedTuple

from scoring.meetings.values import Response
from scoring.months.counting import Judged, Reason
from scoring.months.hours import Ledger
from scoring.months.month import Month
from scoring.months.steps import Rules, is_face_to_face


class Presence(NamedTuple):
    """One client person in one month.

    `man_seconds` is the union of their counted face-to-face meetings (R7), `unanswered_seconds` the part of it to which
    they never answered although a copy that we read would know. `first` and `last` are days of the month (0: none),
    in the company's zone. `booked` meetings have not ended yet.
    """

    man_seconds: int = 0
    unanswered_seconds: int = 0
    meetings: int = 0
    first: int = 0
    last: int = 0
    booked: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class PeopleMonth:
    """Who met in one client's month. People are canonical addresses.

    `ours` says in how many counted meetings each of our people was. `called` are the counted meetings that the
    client's people called, of `meetings`.
    """

    client: str
    month: Month
    theirs: Mapping[str, Presence] = field(default_factory=dict)
    ours: Mapping[str, int] = field(default_factory=dict)
    meetings: int = 0
    called: int = 0


def people_of(client: str, month: Month, judged: Iterable[Judged], rules: Rules, zone: tzinfo) -> PeopleMonth:
    """R12 for one client's month, from all its meetings, counted, booked and set aside."""
    tally = _Tally(rules, zone)
    for judgement in sorted(judged, key=lambda judgement: (judgement.meeting.start, judgement.meeting.end)):
        if judgement.step is not None:
            tally.count(judgement)
        elif judgement.reason is Reason.NOT_YET and not judgement.meeting.all_day:
            tally.book(judgement.people)
    return PeopleMonth(
        client=client,
        month=month,
        theirs={person: Presence(*counts) for person, counts in sorted(tally.theirs.items())},
        ours=dict(sorted(tally.ours.items())),
        meetings=tally.meetings,
        called=tally.called,
    )


class _Tally:
    """Adds a month's meetings up, in the order of their starts; lists stand for presences until they are complete."""

    def __init__(self, rules: Rules, zone: tzinfo) -> None:
        self._rules = rules
        self._zone = zone
        self._time = Ledger()
        self.theirs: dict[str, list[int]] = {}
        self.ours: dict[str, int] = {}
        self.meetings = self.called = 0

    def count(self, judged: Judged) -> None:
        """A counted meeting. That somebody never answered is known only where the organiser's copy is read."""
        meeting = judged.meeting
        span = int(meeting.start.timestamp()), int(meeting.end.timestamp())
        day = meeting.start.astimezone(self._zone).day
        met = is_face_to_face(judged.channel, self._rules)
        silent = _silent(judged) if meeting.organiser in meeting.calendars else ()
        for person in judged.people:
            counts = self._counts(person)
            if met:
                seconds = self._time.credit((person,), span)
                counts[0] += seconds
                counts[1] += seconds if person in silent else 0
            counts[2] += 1
            counts[3] = counts[3] or day
            counts[4] = day
        for ours in judged.ours:
            self.ours[ours] = self.ours.get(ours, 0) + 1
        self.meetings += 1
        self.called += meeting.organiser in judged.people or meeting.organiser in judged.declined

    def book(self, people: Iterable[str]) -> None:
        """A meeting that has not ended."""
        for person in people:
            self._counts(person)[5] += 1

    def _counts(self, person: str) -> list[int]:
        found = self.theirs.get(person)
        if found is None:
            found = self.theirs[person] = [0, 0, 0, 0, 0, 0]
        return found


def _silent(judged: Judged) -> frozenset[str]:
    if len(judged.confirmed) == len(judged.people):
        return frozenset()
    return frozenset(person.address for person in judged.meeting.participants if person.response is Response.NONE)
