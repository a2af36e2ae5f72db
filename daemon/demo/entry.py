"""An entry as somebody books it: times by the wall clock, attendees with their answers, a venue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import blake2b

DOMAIN = "northwind.example"


def dice(*parts: object) -> int:
    """A number that only depends on the parts: chance, but the same on every machine."""
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())


class PartStat(StrEnum):
    """PARTSTAT, as files spell it."""

    ACCEPTED = "ACCEPTED"
    TENTATIVE = "TENTATIVE"
    DECLINED = "DECLINED"
    NONE = "NEEDS-ACTION"


@dataclass(frozen=True, slots=True)
class Venue:
    """Where people meet: a text, a room that is booked by inviting it, a link of a video service, a number to dial."""

    text: str = ""
    room: str = ""
    google_meet: str = ""
    teams: str = ""
    dial_in: str = ""


NOWHERE = Venue()
THAMES = Venue(text="Thames room, 3rd floor", room="room.thames@rooms.northwind.example")
HUMBER = Venue(text="Humber room", room="room.humber@rooms.northwind.example")
TEAMS = Venue(text="Microsoft Teams Meeting", teams="https://teams.microsoft.com/l/meetup-join/19%3ameeting_northwind")


def google_meet(code: str) -> Venue:
    """A call on Google Meet; the link is the location too, as Google writes it."""
    return Venue(google_meet=f"https://meet.google.com/{code}-nrth-wnd")


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeats:
    """A series: its rule without the end, which is the timeline's, and what became of single occurrences."""

    rule: dict[str, str | int]
    until: datetime
    left_out: tuple[datetime, ...] = ()
    moved: tuple[tuple[datetime, datetime], ...] = ()
    called_off: tuple[datetime, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoEntry:
    """Stands in the calendars of all of ours who are invited. All-day ones have dates instead of times."""

    title: str
    start: datetime | date
    end: datetime | date
    organiser: str
    attendees: tuple[tuple[str, PartStat], ...] = ()
    venue: Venue = NOWHERE
    repeats: Repeats | None = None
    cancelled: bool = False
    private_for: frozenset[str] = frozenset()
    note: str = ""
    out_of_office: bool = False

    @property
    def uid(self) -> str:
        """As unique as the title at that time with those people, and made by the organiser's calendar."""
        domain = self.organiser.partition("@")[2]
        people = " ".join(address for address, _ in self.attendees)
        return f"{dice(self.title, self.start, people):016x}@{domain}"

    @property
    def first_day(self) -> date:
        return self.start.date() if isinstance(self.start, datetime) else self.start

    @property
    def length(self) -> timedelta:
        """By the clock on the wall."""
        if isinstance(self.start, datetime) and isinstance(self.end, datetime):
            return self.end - self.start
        return timedelta(days=self.end.toordinal() - self.start.toordinal())

    def owners(self) -> tuple[str, ...]:
        """Those of ours whose calendars hold it."""
        people = (self.organiser, *(address for address, _ in self.attendees))
        return tuple(dict.fromkeys(person for person in people if person.endswith(f"@{DOMAIN}")))


def ours(names: str) -> tuple[str, ...]:
    """Addresses of colleagues by their first names, blank between."""
    return tuple(f"{name}@{DOMAIN}" for name in names.split())


def meeting(
    title: str,
    start: datetime,
    minutes: int,
    people: Iterable[str],
    *,
    venue: Venue = NOWHERE,
    declined: Iterable[str] = (),
    repeats: Repeats | None = None,
    cancelled: bool = False,
    private_for: Iterable[str] = (),
    note: str = "",
) -> DemoEntry:
    """A meeting called by the first of the people, so many minutes long by the clock on the wall."""
    attendees = _attendees(title, start, people, declined)
    return DemoEntry(
        title=title,
        start=start,
        end=start + timedelta(minutes=minutes),
        organiser=attendees[0][0],
        attendees=attendees,
        venue=venue,
        repeats=repeats,
        cancelled=cancelled,
        private_for=frozenset(private_for),
        note=note,
    )


def unanswered(entry: DemoEntry, people: Iterable[str]) -> DemoEntry:
    """The same entry, to which these people never answered."""
    silent = frozenset(people)
    attendees = ((person, PartStat.NONE if person in silent else answer) for person, answer in entry.attendees)
    return replace(entry, attendees=tuple(attendees))


def all_day(
    title: str,
    day: date,
    people: Iterable[str],
    *,
    days: int = 1,
    venue: Venue = NOWHERE,
    out_of_office: bool = False,
) -> DemoEntry:
    """An entry without hours."""
    attendees = _attendees(title, day, people, ())
    end = day + timedelta(days=days)
    return DemoEntry(
        title=title,
        start=day,
        end=end,
        organiser=attendees[0][0],
        attendees=attendees,
        venue=venue,
        out_of_office=out_of_office,
    )


def _attendees(
    title: str, start: date, people: Iterable[str], declined: Iterable[str]
) -> tuple[tuple[str, PartStat], ...]:
    organiser, *others = people
    refused = frozenset(declined)
    answers = (PartStat.DECLINED if person in refused else _usual_answer(person, title, start) for person in others)
    return ((organiser, PartStat.ACCEPTED), *zip(others, answers, strict=True))


def _usual_answer(person: str, title: str, start: date) -> PartStat:
    """Ours accept, the others mostly; some never answer, as people do."""
    if person.endswith(f"@{DOMAIN}"):
        return PartStat.ACCEPTED
    roll = dice("answer", person, title, start) % 10
    return PartStat.NONE if roll == 0 else PartStat.TENTATIVE if roll == 1 else PartStat.ACCEPTED
