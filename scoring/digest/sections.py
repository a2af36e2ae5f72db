"""What a digest tells beside its table: what changed since, the largest changes, what is booked, who is nobody's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from scoring.digest.restatement import Restated
from scoring.digest.value import ClientLine, Section
from scoring.months.counting import Reason
from scoring.months.figures import Credited
from scoring.months.month import Month, shift
from scoring.wording import count_text, length_text, month_name, names_text, signed, unlinked

_MOST_LINES = 10
_MOST_MEETINGS = 3
_MOST_MOVERS = 3
_FEWEST_LINES = 4  # with fewer clients the table itself shows the largest changes


@dataclass(frozen=True, kw_only=True, slots=True)
class Aside:
    """What the sections are made of.

    `restated` are months that were told otherwise, `booked` the next month's meetings by client, `strangers` outside
    domains that are nobody's client with how often they were met, `without_digest` managers who are sent nothing.
    `next_steps` are what to do next by client (R15), told in place of `booked`; `portfolio` is of all clients (R14).
    """

    restated: Sequence[Restated] = ()
    booked: Mapping[str, Sequence[Credited]] = field(default_factory=dict)
    strangers: Sequence[tuple[str, int]] = ()
    without_digest: Sequence[str] = ()
    next_steps: Mapping[str, Sequence[str]] = field(default_factory=dict)
    portfolio: Sequence[str] = ()


def sections_of(aside: Aside, lines: Sequence[ClientLine], month: Month, timezone: str) -> tuple[Section, ...]:
    """The sections that have anything to say, in reading order."""
    name = month_name(shift(month, 1))
    found = (
        ("Changed since it was last told", [restated.sentence for restated in aside.restated]),
        ("Largest changes", list(_movers(lines))),
        (f"Next steps in {name}", [sentence for line in lines for sentence in aside.next_steps.get(line.client, ())]),
        (f"Booked in {name}", [] if aside.next_steps else list(_booked(aside.booked, lines, ZoneInfo(timezone)))),
        ("All clients together", list(aside.portfolio)),
        ("Met, but nobody's client", list(_strangers(aside.strangers))),
        ("Without a digest", list(_without(aside.without_digest))),
    )
    return tuple(Section(title=title, sentences=_shortened(sentences)) for title, sentences in found if sentences)


def _shortened(sentences: list[str]) -> tuple[str, ...]:
    """All of them, or the first ones and how many more there are."""
    if len(sentences) <= _MOST_LINES:
        return tuple(sentences)
    shown = sentences[: _MOST_LINES - 1]
    return (*shown, f"And {len(sentences) - len(shown)} more.")


def _movers(lines: Sequence[ClientLine]) -> Iterator[str]:
    """The clients whose man-hours grew most, and those whose shrank most; quarterly ones move at another pace."""
    moved = [
        (change, line.client) for line in lines if not line.quarterly and line.judged and (change := line.change_tenths)
    ]
    if len(lines) < _FEWEST_LINES:
        return
    for word, found in (
        ("More", sorted((move for move in moved if move[0] > 0), key=lambda move: (-move[0], move[1]))),
        ("Less", sorted(move for move in moved if move[0] < 0)),
    ):
        if found:
            named = [f"{client} {signed(change)} h" for change, client in found[:_MOST_MOVERS]]
            yield f"{word}: {', '.join(named)}."


def _booked(booked: Mapping[str, Sequence[Credited]], lines: Sequence[ClientLine], zone: ZoneInfo) -> Iterator[str]:
    for line in lines:
        ahead = [credited for credited in booked.get(line.client, ()) if _is_ahead(credited)]
        if ahead:
            told = [_meeting(credited, zone) for credited in ahead[:_MOST_MEETINGS]]
            more = f"; and {len(ahead) - len(told)} more" if len(ahead) > len(told) else ""
            yield f"{line.client}: {'; '.join(told)}{more}."


def _is_ahead(credited: Credited) -> bool:
    """All-day entries would not count, so nobody is to look forward to them (R4)."""
    return credited.judged.reason is Reason.NOT_YET and not credited.judged.meeting.all_day


def _meeting(credited: Credited, zone: ZoneInfo) -> str:
    meeting = credited.judged.meeting
    day = meeting.start.astimezone(zone)
    people = count_text(len(credited.judged.people), "person", "people")
    return f"{day.day} {day:%b} {unlinked(meeting.title or 'a meeting')}, {people}, {length_text(meeting.length)}"


def _strangers(strangers: Iterable[tuple[str, int]]) -> Iterator[str]:
    named = [f"{unlinked(domain)} ({count_text(times, 'meeting', 'meetings')})" for domain, times in strangers]
    if named:
        yield f"{names_text(named, most=5)}: `rapport clients suggest` lists them."


def _without(managers: Sequence[str]) -> Iterator[str]:
    if managers:
        yield f"No digest went to {names_text(managers, most=5)}: their calendars are no longer there."
