"""A client's people over the months: who is new, who was met last, and what a span of months holds.

R12 of `docs/rules.md`. Who is an executive, and of which buying centre, is asked when it is read. What nobody has told
is None, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from scoring.insights.people import PeopleMonth
from scoring.months.month import Month, first_day, shift
from scoring.wording import unlinked

QUARTER = 3
"""Months; a quarter is the last three ended ones (R13)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """What is known of a client person from `people_file` and `buying_centres`; None where nobody has told."""

    name: str | None = None
    title: str | None = None
    centre: str | None = None
    executive: bool | None = None
    left: bool = False


UNKNOWN = Profile()


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientPerson:
    """A client person over all that is stored: canonical address, and what is known of them.

    `first` and `last` are the days of counted meetings, in the company's zone. `seconds` are man-seconds of each month
    with a counted meeting, 0 where they only phoned (R7).
    """

    address: str
    profile: Profile
    first: date
    last: date
    seconds: Mapping[Month, int]


@dataclass(frozen=True, kw_only=True)
class Circle:
    """One client's people over the months. `begins` is the first month of which people are known at all.

    `centres` are the names of the buying centres that the client is known to have, met or not; empty: not known.
    """

    months: Mapping[Month, PeopleMonth]
    begins: Month
    profile: Callable[[str], Profile] = lambda _: UNKNOWN
    centres: frozenset[str] = frozenset()

    @cached_property
    def first_met(self) -> Mapping[str, Month]:
        """The month of each person's first counted meeting, of all that are known."""
        first: dict[str, Month] = {}
        for month in sorted(self.months):
            for person, presence in self.months[month].theirs.items():
                if presence.meetings and person not in first:
                    first[person] = month
        return first

    def span(self, months: tuple[Month, ...]) -> Span:
        """Some months added up."""
        found = self._spans.get(months)
        if found is None:
            half = len(months) - QUARTER
            if half > 0:  # what is left of a longer span was asked for before, most likely
                found = Span.joined(self.span(months[:half]), self.span(months[half:]))
            else:
                found = Span.of([self.months[month] for month in months if month in self.months])
            self._spans[months] = found
        return found

    @cached_property
    def _spans(self) -> dict[tuple[Month, ...], Span]:
        return {}  # the same half year is asked for again and again

    def reaches_before(self, month: Month) -> bool:
        """Whether people are known a quarter further back, so that who was first met since then is new."""
        return self.begins <= shift(month, -QUARTER)

    def new_in(self, months: tuple[Month, ...]) -> list[str] | None:
        """R12: whose first counted meeting ever lies in these months; None where that cannot be known."""
        if not self.reaches_before(months[0]):
            return None
        return sorted(person for person, first in self.first_met.items() if months[0] <= first <= months[-1])

    def new_centres_in(self, months: tuple[Month, ...]) -> list[str] | None:
        """Buying centres of which we met somebody for the first time; None where that cannot be known."""
        if not self.reaches_before(months[0]) or not self.centres:
            return None
        first: dict[str, Month] = {}
        for person, month in self.first_met.items():
            centre = self.profile(person).centre
            if centre is not None:
                first[centre] = min(month, first.get(centre, month))
        return sorted(centre for centre, month in first.items() if months[0] <= month <= months[-1])

    def last_met(self, person: str, until: Month) -> date | None:
        """The day of a person's last counted meeting up to the end of a month; None: not met by then."""
        for month in sorted((past for past in self.months if past <= until), reverse=True):
            presence = self.months[month].theirs.get(person)
            if presence is not None and presence.last:
                return first_day(month).replace(day=presence.last)
        return None

    def last_meeting(self, until: Month) -> tuple[date, tuple[str, ...]] | None:
        """The day on which we last met anybody up to the end of a month, and whom we met then; None: nobody."""
        for month in sorted((past for past in self.months if past <= until), reverse=True):
            theirs = self.months[month].theirs
            last = max((presence.last for presence in theirs.values()), default=0)
            if last:
                people = tuple(person for person, presence in theirs.items() if presence.last == last)
                return first_day(month).replace(day=last), people
        return None

    def met_after(self, person: str, month: Month, months: int = QUARTER) -> bool:
        """Whether a person has met us since the end of a month, or is booked, in so many months after it."""
        for later in range(1, months + 1):
            kept = self.months.get(shift(month, later))
            presence = None if kept is None else kept.theirs.get(person)
            if presence is not None and (presence.meetings or presence.booked):
                return True
        return False

    def everybody(self) -> list[ClientPerson]:
        """All people ever met, those with most hours first."""
        found = [self._known(person) for person in self.first_met]
        return sorted(found, key=lambda person: (-sum(person.seconds.values()), person.address))

    def _known(self, person: str) -> ClientPerson:
        met = {
            month: presence
            for month, kept in sorted(self.months.items())
            if (presence := kept.theirs.get(person)) is not None and presence.meetings
        }
        (first, at_first), (last, at_last) = next(iter(met.items())), list(met.items())[-1]
        return ClientPerson(
            address=person,
            profile=self.profile(person),
            first=first_day(first).replace(day=at_first.first),
            last=first_day(last).replace(day=at_last.last),
            seconds={month: presence.man_seconds for month, presence in met.items()},
        )

    def name(self, person: str) -> str:
        """A person's name for sentences: as told, else made of the address."""
        return self.profile(person).name or name_from(person)


class Span:
    """Months of one client added up.

    `seconds` are man-seconds of each person who met, `unanswered` those of them to which nobody answered (`Presence`);
    `meetings`, `called` as in `PeopleMonth`; `months_met` had a counted meeting; `ours` are our people in them.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, int] = {}
        self.unanswered = self.meetings = self.called = self.months_met = 0
        self.ours: set[str] = set()

    @classmethod
    def of(cls, months: Iterable[PeopleMonth]) -> Span:
        """Of single months."""
        span = cls()
        seconds = span.seconds
        for month in months:
            span.meetings += month.meetings
            span.called += month.called
            span.months_met += month.meetings > 0
            span.ours.update(month.ours)
            for person, (man_seconds, unanswered, meetings, _, _, _) in month.theirs.items():
                if meetings:
                    seconds[person] = seconds.get(person, 0) + man_seconds
                    span.unanswered += unanswered
        return span

    @classmethod
    def joined(cls, one: Span, other: Span) -> Span:
        """Of two spans that do not overlap."""
        span = cls()
        span.seconds = one.seconds.copy()
        for person, seconds in other.seconds.items():
            span.seconds[person] = span.seconds.get(person, 0) + seconds
        span.unanswered = one.unanswered + other.unanswered
        span.meetings = one.meetings + other.meetings
        span.called = one.called + other.called
        span.months_met = one.months_met + other.months_met
        span.ours = one.ours | other.ours
        return span

    @cached_property
    def total(self) -> int:
        """Man-seconds of everybody."""
        return sum(self.seconds.values())

    @cached_property
    def by_seconds(self) -> list[str]:
        """Those who gave time, the most first."""
        gave = [person for person, seconds in self.seconds.items() if seconds]
        return sorted(gave, key=lambda person: (-self.seconds[person], person))


def last_day(month: Month) -> date:
    """The last day of a month."""
    return first_day(shift(month, 1)) - timedelta(days=1)


def name_from(address: str) -> str:
    """`ana.brown@acme.example` as `Ana Brown`: a name to read, where none was told."""
    local = address.partition("@")[0]
    words = [word for word in local.replace("_", ".").replace("-", ".").split(".") if word]
    return unlinked(" ".join(word[:1].upper() + word[1:] for word in words) or address)
