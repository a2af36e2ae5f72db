"""Upserts: listings of copies through the store, and the same rows by a bare `executemany` into the same tables."""

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
from daemon.store.calendar_writes import Round
from daemon.store.calendars import add_calendar
from daemon.store.db.engine import Database
from daemon.store.packing import copy_digest
from daemon.store.schema import bring_up_to_date
from scoring.meetings.identity import identify
from scoring.meetings.values import Copy, Participant, Response, Setting

_CALENDARS = 5
_PAGE = 500
_NOW = datetime(2026, 11, 1, tzinfo=UTC)
Listing = list[tuple[Copy, bytes]]
Listings = list[Listing]
"""One for each calendar."""


def measure(*, small: bool = False) -> list[Figure]:
    """Each calendar's listing is a transaction, first of new rows, then of the same rows changed."""
    each = 1_000 if small else 20_000
    total = each * _CALENDARS
    note(f"upserting {total:,} copies twice")
    with TemporaryDirectory() as made, rounds_of(each) as rounds:
        ours = in_store(f"sqlite:///{made}/ours.db", rounds)
        bare = _bare(Path(made) / "ours.db", Path(made) / "bare.db")
    figures = []
    for what, mine, theirs in zip(("new", "changed"), ours, bare, strict=True):
        figures += [
            Figure(f"upserts/s of {what} copies", total / mine, "1/s"),
            Figure(f"upserts/s of {what} copies, bare executemany", total / theirs, "1/s"),
            Figure(f"upserts of {what} copies: the one against the other", theirs / mine, at_least=0.5),
        ]
    return figures


@contextmanager
def rounds_of(each: int) -> Iterator[list[Listings]]:
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


def in_store(url: str, rounds: list[Listings]) -> list[float]:
    """The seconds that each of the rounds takes."""
    database = Database(url)
    bring_up_to_date(database)
    with database.writing() as connection:
        numbers = [
            add_calendar(connection, connector="exports", key=address, address=address, joined="2026-01")
            for address in map(_owner, range(_CALENDARS))
        ]
    found = []
    for listings in rounds:
        with Stopwatch() as watch:
            for number, copies in zip(numbers, listings, strict=True):
                with database.writing() as connection:
                    listing = Round(connection, number)
                    for start in range(0, len(copies), _PAGE):
                        listing.upsert(copies[start : start + _PAGE])
        found.append(watch.seconds)
    database.close()
    return found


def _bare(ours: Path, bare: Path) -> list[float]:
    """The rows as the store holds them, into a database with the same tables, indexes and pragmas."""
    source, target = sqlite3.connect(ours), sqlite3.connect(bare, isolation_level=None)
    wanted = "SELECT sql FROM sqlite_master WHERE tbl_name IN ('copies', 'calendars') AND sql IS NOT NULL"
    for (statement,) in source.execute(f"{wanted} ORDER BY type DESC"):
        target.execute(statement)
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "secure_delete = ON"):
        target.execute(f"PRAGMA {pragma}")
    calendars = source.execute("SELECT * FROM calendars").fetchall()
    target.executemany(f"INSERT INTO calendars VALUES ({', '.join('?' * len(calendars[0]))})", calendars)  # noqa: S608
    rows = source.execute("SELECT * FROM copies ORDER BY calendar_id, id")
    names = [column[0] for column in rows.description if column[0] != "id"]
    listings = [[row[1:] for row in listing] for _, listing in groupby(rows, itemgetter(1))]
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name not in ("calendar_id", "entry"))
    statement = (
        f"INSERT INTO copies ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "  # noqa: S608
        f"ON CONFLICT (calendar_id, entry) DO UPDATE SET {changes}"
    )
    found = []
    for _ in range(2):
        with Stopwatch() as watch:
            for listing in listings:
                target.execute("BEGIN IMMEDIATE")
                for start in range(0, len(listing), _PAGE):
                    target.executemany(statement, listing[start : start + _PAGE])
                target.execute("COMMIT")
        found.append(watch.seconds)
    source.close()
    target.close()
    return found
