"""A calendar file of 10,000 entries, 5 MB, a tenth recurring: through the connector, and through icalendar alone."""

from __future__ import annotations

import random
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import icalendar

from benchmarks.measuring import Figure, Stopwatch, is_small, note, show
from connectors.calendars.ics import Settings, connect
from connectors.contract import Calendars, Context, Page, Reading
from scoring.meetings.values import Window

_OWNER = "jo@northwind.example"
_END = datetime(2026, 12, 1, tzinfo=UTC)
_WINDOW = Window(start=_END - timedelta(days=730), end=_END + timedelta(days=60))
_ROUNDS = 3
_RULES = (
    "FREQ=WEEKLY;COUNT=10",
    "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=12",
    "FREQ=MONTHLY;BYDAY=2TU;COUNT=12",
    "FREQ=DAILY;COUNT=5",
)


def measure(*, small: bool = False) -> list[Figure]:
    """The best of several runs each; the child process that reads is warm after the first."""
    entries = 500 if small else 10_000
    data = calendar_text(entries).encode()
    note(f"reading {entries:,} entries, {len(data) / 1e6:.1f} MB")
    ours: list[float] = []
    alone: list[float] = []
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / f"{_OWNER}.ics").write_bytes(data)
        calendars = connect(
            Settings(name="exports", kind="ics", files=("*.ics",)),
            Context(folder=folder, zone=ZoneInfo("Europe/London"), company_domains=("northwind.example",)),
        )
        try:
            for _ in range(_ROUNDS):
                with Stopwatch() as watch:
                    copies = _pull(calendars)
                ours.append(watch.seconds)
                with Stopwatch() as watch:
                    icalendar.Calendar.from_ical(data)
                alone.append(watch.seconds)
        finally:
            calendars.close()
    return [
        Figure("ics: entries/s, parsed and expanded", entries / min(ours), "1/s"),
        Figure("ics: entries/s, icalendar's parser alone", entries / min(alone), "1/s"),
        Figure("ics: the one against the other", min(alone) / min(ours), "", aim=0.7),
        Figure("ics: copies that the entries yield", copies, ""),
    ]


def _pull(calendars: Calendars) -> int:
    """One full round of the one calendar; answers how many copies came."""
    (person,) = calendars.people().people
    reading = Reading(cursor=None, window=_WINDOW, now=_END)
    return sum(len(part.copies) for part in calendars.pull(person, reading) if isinstance(part, Page))


def calendar_text(entries: int) -> str:
    """A calendar file as an export looks; every tenth entry recurs, some of its occurrences are excepted."""
    pick = random.Random(entries)
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Rapport//benchmarks//EN", *_zone()]
    for number in range(entries):
        lines += _entry(number, pick)
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


def _entry(number: int, pick: random.Random) -> list[str]:
    start = (_WINDOW.start + timedelta(days=pick.randrange(700))).replace(hour=pick.randrange(8, 17), minute=0)
    end = start + timedelta(minutes=pick.choice((30, 60, 90)))
    client = pick.randrange(300)
    stamp = (start - timedelta(days=7)).strftime("%Y%m%dT%H%M%SZ")
    lines = [
        "BEGIN:VEVENT",
        f"UID:{number:08}-4f1c-48a2-9d3b-{number * 7919 % 10**12:012}@northwind.example",
        f"DTSTAMP:{stamp}",
        f"LAST-MODIFIED:{stamp}",
        f"DTSTART;TZID=Europe/London:{start:%Y%m%dT%H%M%S}",
        f"DTEND;TZID=Europe/London:{end:%Y%m%dT%H%M%S}",
        f"SUMMARY:Review number {number} with the people of client {client:03}",
        "LOCATION:Room 4\\, second floor",
        f"ORGANIZER;CN=Jo:mailto:{_OWNER}",
        "SEQUENCE:0",
        "STATUS:CONFIRMED",
    ]
    for guest in range(2):
        answer = pick.choice(("ACCEPTED", "TENTATIVE", "NEEDS-ACTION", "DECLINED"))
        lines.append(f"ATTENDEE;CN=Person {guest};PARTSTAT={answer}:mailto:person{guest}@client{client:03}.example")
    if number % 10 == 0:
        lines.append(f"RRULE:{_RULES[number // 10 % len(_RULES)]}")
        lines.append(f"EXDATE;TZID=Europe/London:{start + timedelta(days=7):%Y%m%dT%H%M%S}")
    return [*lines, "END:VEVENT"]


def _zone() -> list[str]:
    return [
        "BEGIN:VTIMEZONE",
        "TZID:Europe/London",
        "BEGIN:STANDARD",
        "DTSTART:19961027T020000",
        "TZOFFSETFROM:+0100",
        "TZOFFSETTO:+0000",
        "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10",
        "END:STANDARD",
        "BEGIN:DAYLIGHT",
        "DTSTART:19960331T010000",
        "TZOFFSETFROM:+0000",
        "TZOFFSETTO:+0100",
        "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3",
        "END:DAYLIGHT",
        "END:VTIMEZONE",
    ]


if __name__ == "__main__":
    show(measure(small=is_small()))
