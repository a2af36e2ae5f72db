"""A calendar file of 10,000 entries, 5 MB, a tenth recurring: through the connector, and through icalendar alone."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import icalendar

from benchmarks.measuring import Figure, Stopwatch, note
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
_HEAD = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Rapport//benchmarks//EN
BEGIN:VTIMEZONE
TZID:Europe/London
BEGIN:STANDARD
DTSTART:19961027T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19960331T010000
TZOFFSETFROM:+0000
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
"""
_ENTRY = """BEGIN:VEVENT
UID:{number:08}-4f1c-48a2-9d3b-{tail:012}@northwind.example
DTSTAMP:{stamp:%Y%m%dT%H%M%SZ}
LAST-MODIFIED:{stamp:%Y%m%dT%H%M%SZ}
DTSTART;TZID=Europe/London:{start:%Y%m%dT%H%M%S}
DTEND;TZID=Europe/London:{end:%Y%m%dT%H%M%S}
SUMMARY:Review number {number} with the people of client {client:03}
LOCATION:Room 4\\, second floor
ORGANIZER;CN=Jo:mailto:{owner}
SEQUENCE:0
STATUS:CONFIRMED
ATTENDEE;CN=Person 0;PARTSTAT={answers[0]}:mailto:person0@client{client:03}.example
ATTENDEE;CN=Person 1;PARTSTAT={answers[1]}:mailto:person1@client{client:03}.example
{recurrence}END:VEVENT
"""


def measure(*, small: bool = False) -> list[Figure]:
    """The best of several runs each; the child process that reads is warm after the first."""
    entries = 500 if small else 10_000
    data = calendar_text(entries).encode()
    note(f"reading {entries:,} entries, {len(data) / 1e6:.1f} MB")
    ours, alone = ([Stopwatch() for _ in range(_ROUNDS)] for _ in range(2))
    with TemporaryDirectory() as made:
        (Path(made) / f"{_OWNER}.ics").write_bytes(data)
        calendars = connect(
            Settings(name="exports", kind="ics", files=("*.ics",)),
            Context(folder=Path(made), zone=ZoneInfo("Europe/London"), company_domains=("northwind.example",)),
        )
        try:
            for through_connector, through_parser in zip(ours, alone, strict=True):
                with through_connector:
                    copies = _pull(calendars)
                with through_parser:
                    icalendar.Calendar.from_ical(data)
        finally:
            calendars.close()
    seconds, parsed = (min(watch.seconds for watch in watches) for watches in (ours, alone))
    return [
        Figure("ics: entries/s, parsed and expanded", entries / seconds, "1/s"),
        Figure("ics: entries/s, icalendar's parser alone", entries / parsed, "1/s"),
        Figure("ics: the one against the other", parsed / seconds, at_least=0.7),
        Figure("ics: copies that the entries yield", copies),
    ]


def _pull(calendars: Calendars) -> int:
    """One full round of the one calendar; answers how many copies came."""
    (person,) = calendars.people().people
    reading = Reading(cursor=None, window=_WINDOW, now=_END)
    return sum(len(part.copies) for part in calendars.pull(person, reading) if isinstance(part, Page))


def calendar_text(entries: int) -> str:
    """A calendar file as an export looks; every tenth entry recurs, some of its occurrences are excepted."""
    pick = random.Random(entries)
    written = [_entry(number, pick) for number in range(entries)]
    return "".join([_HEAD, *written, "END:VCALENDAR\n"]).replace("\n", "\r\n")


def _entry(number: int, pick: random.Random) -> str:
    start = (_WINDOW.start + timedelta(days=pick.randrange(700))).replace(hour=pick.randrange(8, 17), minute=0)
    recurrence = ""
    if number % 10 == 0:
        excepted = f"EXDATE;TZID=Europe/London:{start + timedelta(days=7):%Y%m%dT%H%M%S}"
        recurrence = f"RRULE:{_RULES[number // 10 % len(_RULES)]}\n{excepted}\n"
    return _ENTRY.format(
        number=number,
        tail=number * 7919 % 10**12,
        start=start,
        end=start + timedelta(minutes=pick.choice((30, 60, 90))),
        client=pick.randrange(300),
        stamp=start - timedelta(days=7),
        owner=_OWNER,
        answers=[pick.choice(("ACCEPTED", "TENTATIVE", "NEEDS-ACTION", "DECLINED")) for _ in range(2)],
        recurrence=recurrence,
    )
