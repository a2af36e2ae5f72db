"""A made-up store of any size, the same every time, kept in .cache/: meetings of 300 clients over 36 months.

Five participants each; most meetings stand in one of our calendars, some in two or three. The rows are written straight
into the tables; the figures are then derived by the ordinary re-scoring.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.measuring import CACHE, Stopwatch, note
from daemon.config.load import load
from daemon.figures.rescore import rescore
from daemon.figures.scoring_context import ScoringContext
from daemon.store.calendars import add_calendar, change_calendar, read_calendars
from daemon.store.db.engine import Database
from daemon.store.db.types import to_millis
from daemon.store.meta import HISTORY_BEGINS, set_meta
from daemon.store.packing import pack_participants, pack_setting
from daemon.store.schema import REVISIONS, bring_up_to_date
from scoring.meetings.identity import identify, meeting_key
from scoring.meetings.values import Conference, LocationKind, Participant, Response, Setting
from scoring.months.month import begins, month_of, shift

_VERSION = 2
"""Raised when the same size gives another store."""

CLIENTS = 300
MONTHS = 36
_OURS = 200
_PEOPLE_EACH = 40
_ZONE = ZoneInfo("Europe/London")
_COLUMNS = (
    "calendar_id", "entry", "series", "meeting", "occurrence_at", "occurrence_on", "state", "starts_at", "ends_at",
    "all_day", "organiser_id", "participants", "response", "setting", "title", "changed_at", "read_at", "flaws",
    "digest",
)  # fmt: skip
_RESPONSES = (*[Response.ACCEPTED] * 6, *[Response.NONE] * 2, Response.TENTATIVE, Response.DECLINED)
_SETTINGS = tuple(
    pack_setting(one)
    for one in (
        Setting(room=True),
        Setting(conference=Conference.VIDEO),
        Setting(place=LocationKind.ELSEWHERE),
        Setting(place=LocationKind.PHONE),
    )
)


def running_month() -> datetime:
    """When the running month began: all meetings lie before it."""
    return begins(month_of(datetime.now(UTC), _ZONE), _ZONE)


def store_of(meetings: int) -> Path:
    """The folder of a scored store with so many meetings: `rapport.db` and `config.toml`. Made if it is not there."""
    month = month_of(running_month(), _ZONE)
    folder = CACHE / f"store-{_VERSION}-{REVISIONS[-1]}-{meetings}-{month}"
    if not (folder / "done").exists():
        note(f"making a store of {meetings:,} meetings in {folder.relative_to(CACHE.parents[1])}")
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        (folder / "config.toml").write_text(config_text(clients=CLIENTS - 1))
        with Stopwatch() as watch:
            _fill(folder, meetings)
        note(f"filled in {watch.seconds:.0f} s")
        with Stopwatch() as watch:
            _score(folder)
        note(f"scored in {watch.seconds:.0f} s")
        (folder / "done").touch()
    return folder


def config_text(*, clients: int, long_meeting_over: str = "1h", long_many: int = 13) -> str:
    """A config with so many clients."""
    head = f"""\
[company]
name = "Northwind"
timezone = "{_ZONE.key}"
country = "GB"
domains = ["northwind.example"]

[store]
url = "sqlite:///rapport.db"

[[connectors]]
name = "exports"
kind = "ics"
files = ["calendars/*.ics"]

[scoring]
long_meeting_over = "{long_meeting_over}"
points = {{ email = 0, phone = 1, short_one = 3, long_one = 5, short_many = 8, long_many = {long_many} }}
"""
    return head + "".join(
        f'\n[[clients]]\nname = "Client {number:03}"\ndomains = ["client{number:03}.example"]\n'
        f'manager = "ours{number % _OURS:03}@northwind.example"\n'
        for number in range(clients)
    )


def scoring_context_of(database: Database, config: Path) -> ScoringContext:
    """The context as commands make it."""
    with database.reading() as connection:
        return ScoringContext(load(config), tuple(read_calendars(connection)))


def _fill(folder: Path, meetings: int) -> None:
    database = Database(f"sqlite:///{folder / 'rapport.db'}")
    bring_up_to_date(database)
    end = running_month()
    first = shift(month_of(end, _ZONE), -MONTHS)
    with database.writing() as connection:
        set_meta(connection, HISTORY_BEGINS, first)
        calendars = [
            add_calendar(connection, connector="exports", key=one, address=one, joined=first) for one in _ours()
        ]
        for number in calendars:
            change_calendar(connection, number, last_success=end, read_through=end, last_full=end)
    database.close()
    raw = sqlite3.connect(folder / "rapport.db", isolation_level=None)
    raw.execute("PRAGMA synchronous = OFF")
    raw.execute("BEGIN")
    numbers = _addresses()
    raw.executemany("INSERT INTO addresses (address, id) VALUES (?, ?)", numbers.items())
    statement = f"INSERT INTO copies ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
    raw.executemany(statement, _rows(meetings, numbers, calendars, begins(first, _ZONE), end))
    raw.execute("COMMIT")
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()


def _score(folder: Path) -> None:
    database = Database(f"sqlite:///{folder / 'rapport.db'}")
    rescore(database, scoring_context_of(database, folder / "config.toml"), datetime.now(UTC))
    database.close()


def _ours() -> list[str]:
    return [f"ours{number:03}@northwind.example" for number in range(_OURS)]


def _theirs(client: int) -> list[str]:
    return [f"person{number:02}@client{client:03}.example" for number in range(_PEOPLE_EACH)]


def _addresses() -> dict[str, int]:
    """Every address with its number: ours, the clients' people, consultants."""
    theirs = [address for client in range(CLIENTS) for address in _theirs(client)]
    others = [f"consultant{number:02}@elsewhere.example" for number in range(50)]
    return {address: number for number, address in enumerate([*_ours(), *theirs, *others], 1)}


def _rows(
    meetings: int, numbers: dict[str, int], calendars: list[int], start: datetime, end: datetime
) -> Iterator[tuple[Any, ...]]:
    """One row a copy. Every tenth meeting has a consultant; a fifth are occurrences of series."""
    pick = random.Random(meetings)
    ours, theirs = _ours(), [_theirs(client) for client in range(CLIENTS)]
    days = [
        start + timedelta(days=day) for day in range((end - start).days) if (start + timedelta(days=day)).weekday() < 5
    ]
    for number in range(meetings):
        begun = pick.choice(days) + timedelta(minutes=15 * pick.randrange(36, 68))
        ended = begun + timedelta(minutes=pick.choice((30, 30, 45, 60, 60, 90, 120)))
        copies = 1 if (share := pick.random()) < 0.75 else 2 if share < 0.95 else 3
        met = pick.sample(range(_OURS), max(copies, 2))
        people = [*(ours[one] for one in met), *pick.sample(theirs[pick.randrange(CLIENTS)], 5 - len(met))]
        if number % 10 == 0:
            people[-1] = f"consultant{number % 50:02}@elsewhere.example"
        listed = [Participant(one, pick.choice(_RESPONSES)) for one in people]
        listed[0] = Participant(people[0], Response.ACCEPTED)
        series = number % 5 == 0
        identity = identify(f"{number}@bench", at=begun if series else None, on=begun.date() if series else None)
        packed = pack_participants(listed, numbers)
        organiser = numbers[people[0] if pick.random() < 0.7 else people[len(met)]]
        setting = pick.choice(_SETTINGS)
        changed = to_millis(begun - timedelta(days=pick.randrange(1, 30)))
        for index in range(copies):
            yield (
                calendars[met[index]],
                f"{number}@bench",
                identity.series,
                meeting_key(identity),
                to_millis(begun) if series else None,
                begun.date().isoformat() if series else None,
                "live",
                to_millis(begun),
                to_millis(ended),
                False,
                organiser,
                packed,
                listed[index].response.value,
                setting,
                f"Meeting number {number}, as usual",
                changed + index,
                to_millis(end),
                "",
                identity.series[:12],
            )
