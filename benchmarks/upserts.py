"""Upserts: listings of copies through the store, into SQLite and PostgreSQL, and the same by a bare `executemany`."""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measuring import Figure, Stopwatch, note
from daemon.store.calendar_writes import PageChanges, Plan, apply
from daemon.store.calendars import add_calendar
from daemon.store.copy_writer import Digested
from daemon.store.db.engine import Database
from daemon.store.forgotten import NOBODY
from daemon.store.packing import copy_digest
from daemon.store.schema import bring_up_to_date
from scoring.meetings.identity import identify
from scoring.meetings.values import Copy, Participant, Response, Setting
from tests.conftest import new_database, running_server, url_of

_CALENDARS = 5
_PAGE = 500
_NOW = datetime(2026, 11, 1, tzinfo=UTC)
Listing = list[Digested]
Listings = list[Listing]
"""One for each calendar."""


def measure(*, small: bool = False) -> list[Figure]:
    """Each calendar's listing is a transaction, first of new rows, then of the same rows changed."""
    each = 1_000 if small else 20_000
    total = each * _CALENDARS
    note(f"upserting {total:,} copies twice, by the store, by a bare loop, and by the store into PostgreSQL")
    with TemporaryDirectory() as made, running_server() as server, _rounds_of(each) as rounds:
        lite = _in_store(f"sqlite:///{made}/upserts.db", rounds)
        bare = _bare(Path(made) / "upserts.db")
        served = _in_store(new_database(url_of(server)), rounds)
    figures = []
    for number, what in enumerate(("new", "changed")):
        figures += [
            Figure(f"upserts/s of {what} copies", total / lite[number], "1/s"),
            Figure(f"upserts/s of {what} copies, bare executemany", total / bare[number], "1/s"),
            Figure(f"upserts of {what} copies: the one against the other", bare[number] / lite[number], at_least=0.5),
            Figure(f"PostgreSQL: upserts/s of {what} copies", total / served[number], "1/s"),
            Figure(f"PostgreSQL: upserts of {what} copies against SQLite", lite[number] / served[number], at_least=0.4),
        ]
    return figures


@contextmanager
def _rounds_of(each: int) -> Iterator[list[Listings]]:
    """So many copies in each calendar, and the same changed.

    No search for cycles looks at them meanwhile: a real round never holds so many at once.
    """
    rounds = [[_listing(calendar, each, more) for calendar in range(_CALENDARS)] for more in ("", " once more")]
    gc.collect()
    gc.freeze()
    yield rounds
    gc.unfreeze()


def _listing(calendar: int, count: int, more: str) -> Listing:
    copies = (_copy(calendar, number, more) for number in range(count))
    return [(copy, copy_digest(copy)) for copy in copies]


def _owner(calendar: int) -> str:
    return f"ours{calendar}@x.example"


def _copy(calendar: int, number: int, more: str) -> Copy:
    """Three of four are of the calendar alone, the fourth is shared with the next."""
    owner = _owner(calendar)
    start = _NOW - timedelta(days=number % 700, minutes=15 * (number % 30))
    guests = (f"person{number * 7 % 40 + guest}@client{number % 300:03}.example" for guest in range(3))
    shared = (calendar if number % 4 else calendar // 2) + 1
    return Copy(
        connector="exports",
        calendar=owner,
        entry=f"{number}@bench",
        owner=owner,
        identity=identify(f"{shared}-{number}@bench"),
        start=start,
        end=start + timedelta(minutes=45),
        organiser=owner,
        participants=(
            Participant(owner, Response.ACCEPTED),
            Participant(_owner((calendar + 1) % _CALENDARS), Response.NONE),
            *(Participant(guest, Response.TENTATIVE) for guest in guests),
        ),
        response=Response.ACCEPTED,
        setting=Setting(room=True),
        title=f"Review {number}{more}",
        changed_at=start,
        read_at=_NOW,
    )


def _in_store(url: str, rounds: list[Listings]) -> list[float]:
    """The seconds that each of the rounds takes."""
    database = Database(url)
    bring_up_to_date(database)
    with database.writing() as connection:
        numbers = [
            add_calendar(connection, connector="exports", key=address, address=address, joined="2026-01")
            for address in map(_owner, range(_CALENDARS))
        ]
    found = []
    for turn, listings in enumerate(rounds):
        with Stopwatch() as watch:
            for number, copies in zip(numbers, listings, strict=True):
                apply(database, _plan(number, copies, turn))
        found.append(watch.seconds)
    database.close()
    return found


def _plan(number: int, copies: Listing, turn: int) -> Plan:
    """At first all is new, then the same is changed."""
    pages = [tuple(copies[start : start + _PAGE]) for start in range(0, len(copies), _PAGE)]
    return Plan(
        calendar_id=number,
        turn=turn,
        state={"cursor": "cursor"},
        read_at=_NOW,
        zone=UTC,
        forgotten=NOBODY,
        changes=[PageChanges(changed=page) if turn else PageChanges(new=page) for page in pages],
    )


def _bare(path: Path) -> list[float]:
    """The rows as the store holds them, once more into the same tables, emptied, with the same indexes and pragmas."""
    database = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "secure_delete = ON"):
        database.execute(f"PRAGMA {pragma}")
    rows = database.execute("SELECT * FROM copies ORDER BY calendar_id, id")
    names = [column[0] for column in rows.description if column[0] != "id"]
    listings = [[row[1:] for row in listing] for _, listing in groupby(rows, itemgetter(1))]
    database.execute("DELETE FROM copies")
    database.execute("VACUUM")
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name not in ("calendar_id", "entry"))
    statement = (
        f"INSERT INTO copies ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "  # noqa: S608  # its own names
        f"ON CONFLICT (calendar_id, entry) DO UPDATE SET {changes}"
    )
    found = []
    for _ in range(2):
        with Stopwatch() as watch:
            for listing in listings:
                database.execute("BEGIN IMMEDIATE")
                for start in range(0, len(listing), _PAGE):
                    database.executemany(statement, listing[start : start + _PAGE])
                database.execute("COMMIT")
        found.append(watch.seconds)
    database.close()
    return found
