"""A made-up company, the same every time: meetings with 300 clients over 36 months, and stores of any size of them.

Five participants each; most meetings stand in one of our calendars, some in two or three (1.3 copies a meeting). Every
tenth has a consultant, a fifth are occurrences of series.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.measuring import CACHE, Stopwatch, in_child, note
from daemon.commands.common import opened
from daemon.store.calendars import add_calendar, change_calendar
from daemon.store.copy_writer import CopyWriter, Digested
from daemon.store.meta import HISTORY_BEGINS, set_meta
from daemon.store.packing import copy_digest
from daemon.store.schema import REVISIONS
from scoring.meetings.identity import identify
from scoring.meetings.values import Conference, Copy, LocationKind, Participant, Response, Setting
from scoring.months.month import begins, month_of, shift

CLIENTS = 300
_MONTHS = 36
_VERSION = 3
"""Raised when the same size gives another store."""
_OURS = 200
_PAGE = 500
_ZONE = ZoneInfo("Europe/London")
_RESPONSES = (*[Response.ACCEPTED] * 6, *[Response.NONE] * 2, Response.TENTATIVE, Response.DECLINED)
_SETTINGS = (
    Setting(room=True),
    Setting(conference=Conference.VIDEO),
    Setting(place=LocationKind.ELSEWHERE),
    Setting(place=LocationKind.PHONE),
)


_EXPORTS = """
[[connectors]]
name = "exports"
kind = "ics"
files = ["calendars/*.ics"]
"""


def config_text(*, clients: int, connectors: str = _EXPORTS, long_meeting_over: str = "1h", long_many: int = 13) -> str:
    """A config with so many clients."""
    head = f"""\
[company]
name = "Northwind"
timezone = "{_ZONE.key}"
country = "GB"
domains = ["northwind.example"]
{connectors}
[scoring]
long_meeting_over = "{long_meeting_over}"
points = {{ email = 0, phone = 1, short_one = 3, long_one = 5, short_many = 8, long_many = {long_many} }}
"""
    return head + "".join(
        f'\n[[clients]]\nname = "Client {number:03}"\ndomains = ["client{number:03}.example"]\n'
        f'manager = "{address_of(number % _OURS)}"\n'
        for number in range(clients)
    )


def address_of(calendar: int) -> str:
    """Whose calendar it is."""
    return f"ours{calendar:03}@northwind.example"


def store_of(meetings: int) -> Path:
    """The folder of a scored store with so many meetings: `rapport.db` and `config.toml`. Made if it is not there."""
    month = month_of(_running_month(), _ZONE)
    folder = CACHE / f"store-{_VERSION}-{REVISIONS[-1]}-{meetings}-{month}"
    if not (folder / "done").exists():
        note(f"making a store of {meetings:,} meetings in {folder.relative_to(CACHE.parents[1])}")
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        (folder / "config.toml").write_text(config_text(clients=CLIENTS - 1))
        with Stopwatch() as watch:
            in_child(_fill, folder / "config.toml", meetings)
        note(f"made in {watch.seconds:.0f} s")
        (folder / "done").touch()
    return folder


def _running_month() -> datetime:
    """When the running month began: all meetings lie before it."""
    return begins(month_of(datetime.now(UTC), _ZONE), _ZONE)


def _fill(config: Path, meetings: int) -> None:
    """As if the calendars had been read, a page at a time; then the figures are derived as ever."""
    with opened(config) as session:
        end = _running_month()
        first = shift(month_of(end, _ZONE), -_MONTHS)
        with session.database.writing() as connection:
            set_meta(connection, HISTORY_BEGINS, first)
            numbers = []
            for address in map(address_of, range(_OURS)):
                numbers.append(
                    add_calendar(connection, connector="exports", key=address, address=address, joined=first)
                )
                change_calendar(connection, numbers[-1], last_success=end, read_through=end, last_full=end)
            pages = defaultdict[int, list[Digested]](list)
            for number, copy in _copies(meetings, numbers, begins(first, _ZONE), end):
                pages[number].append((copy, copy_digest(copy)))
                if len(pages[number]) == _PAGE:
                    CopyWriter(connection, number).upsert(pages.pop(number), ())
            for number, page in pages.items():
                CopyWriter(connection, number).upsert(page, ())
        session.fresh_context()


def _copies(meetings: int, numbers: Sequence[int], start: datetime, end: datetime) -> Iterator[tuple[int, Copy]]:
    """Each with its calendar's number in the store."""
    pick = random.Random(meetings)
    days = [day for back in range((end - start).days) if (day := start + timedelta(days=back)).weekday() < 5]
    for number in range(meetings):
        begun = pick.choice(days) + timedelta(minutes=15 * pick.randrange(36, 68))
        ended = begun + timedelta(minutes=pick.choice((30, 30, 45, 60, 60, 90, 120)))
        copies = 1 if (share := pick.random()) < 0.75 else 2 if share < 0.95 else 3
        met = pick.sample(range(_OURS), max(copies, 2))
        client, guests = pick.randrange(CLIENTS), pick.sample(range(40), 5 - len(met))
        people = [*map(address_of, met), *(f"person{guest:02}@client{client:03}.example" for guest in guests)]
        if number % 10 == 0:
            people[-1] = f"consultant{number % 50:02}@elsewhere.example"
        listed = [Participant(people[0], Response.ACCEPTED)]
        listed += [Participant(address, pick.choice(_RESPONSES)) for address in people[1:]]
        at, on = (begun, begun.date()) if number % 5 == 0 else (None, None)
        shared: dict[str, Any] = {
            "connector": "exports",
            "entry": f"{number}@bench",
            "identity": identify(f"{number}@bench", at=at, on=on),
            "start": begun,
            "end": ended,
            "organiser": people[0 if pick.random() < 0.7 else len(met)],
            "participants": tuple(listed),
            "setting": pick.choice(_SETTINGS),
            "title": f"Meeting number {number}, as usual",
            "changed_at": begun - timedelta(days=pick.randrange(1, 30)),
            "read_at": end,
        }
        for index, owner in zip(met[:copies], listed, strict=False):
            yield numbers[index], Copy(calendar=owner.address, owner=owner.address, response=owner.response, **shared)
