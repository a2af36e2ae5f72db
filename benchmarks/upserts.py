"""Upserts: rounds of copies through the store, and the same rows by a bare `executemany` into the same tables."""

from __future__ import annotations

import gc
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.measuring import Figure, Stopwatch, is_small, note, show
from daemon.store.calendar_writes import PageChanges, Plan, apply
from daemon.store.calendars import add_calendar
from daemon.store.copy_writer import Digested
from daemon.store.db.engine import Database
from daemon.store.forgotten import NOBODY
from daemon.store.packing import copy_digest
from daemon.store.schema import bring_up_to_date
from scoring.meetings.identity import identify
from scoring.meetings.values import Copy, Participant, Response, Setting

_CALENDARS = 5
_PAGE = 500
_NOW = datetime(2026, 11, 1, tzinfo=UTC)
Rounds = list[list[list[Digested]]]


def measure(*, small: bool = False) -> list[Figure]:
    """Each calendar's round is a transaction, first of new rows, then of the same rows changed."""
    each = 1_000 if small else 20_000
    total = each * _CALENDARS
    note(f"upserting {total:,} copies twice")
    with tempfile.TemporaryDirectory() as made, aside(rounds_of(each)) as rounds:
        ours = in_store(f"sqlite:///{Path(made) / 'ours.db'}", rounds)
        bare = _bare(Path(made) / "ours.db", Path(made) / "bare.db")
    figures = []
    for what, mine, theirs in zip(("new", "changed"), ours, bare, strict=True):
        figures += [
            Figure(f"upserts/s of {what} copies", total / mine, "1/s"),
            Figure(f"upserts/s of {what} copies, bare executemany", total / theirs, "1/s"),
            Figure(f"upserts of {what} copies: the one against the other", theirs / mine, "", aim=0.5),
        ]
    return figures


def rounds_of(each: int) -> Rounds:
    """So many copies in each calendar, and the same changed."""
    return [[_copies(calendar, each, change) for calendar in range(_CALENDARS)] for change in (0, 1)]


@contextmanager
def aside(rounds: Rounds) -> Iterator[Rounds]:
    """Copies that no search for cycles looks at: a real round never holds so many at once."""
    gc.collect()
    gc.freeze()
    yield rounds
    gc.unfreeze()


def in_store(url: str, rounds: Rounds) -> list[float]:
    """The seconds that each of the rounds takes."""
    database = Database(url)
    bring_up_to_date(database)
    with database.writing() as connection:
        numbers = [
            add_calendar(
                connection, connector="exports", key=str(one), address=f"ours{one}@x.example", joined="2026-01"
            )
            for one in range(_CALENDARS)
        ]
    found = []
    for turn, calendars in enumerate(rounds):
        with Stopwatch() as watch:
            for number, copies in zip(numbers, calendars, strict=True):
                apply(database, _plan(number, copies, turn))
        found.append(watch.seconds)
    database.close()
    return found


def _plan(number: int, copies: list[Digested], turn: int) -> Plan:
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


def _bare(ours: Path, bare: Path) -> list[float]:
    """The rows as the store holds them, into a database with the same tables, indexes and pragmas."""
    source, target = sqlite3.connect(ours), sqlite3.connect(bare, isolation_level=None)
    for (statement,) in source.execute(
        "SELECT sql FROM sqlite_master WHERE tbl_name IN ('copies', 'calendars') AND sql IS NOT NULL ORDER BY type DESC"
    ):
        target.execute(statement)
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "secure_delete = ON"):
        target.execute(f"PRAGMA {pragma}")
    calendars = source.execute("SELECT * FROM calendars").fetchall()
    target.executemany(f"INSERT INTO calendars VALUES ({', '.join('?' * len(calendars[0]))})", calendars)  # noqa: S608
    cursor = source.execute("SELECT * FROM copies ORDER BY calendar_id, id")
    names = [column[0] for column in cursor.description if column[0] != "id"]
    rows: dict[int, list[tuple[Any, ...]]] = {}
    for row in cursor:
        rows.setdefault(row[1], []).append(row[1:])
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name not in ("calendar_id", "entry"))
    statement = (
        f"INSERT INTO copies ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "  # noqa: S608
        f"ON CONFLICT (calendar_id, entry) DO UPDATE SET {changes}"
    )
    found = []
    for _ in range(2):
        with Stopwatch() as watch:
            for calendar in rows.values():
                target.execute("BEGIN IMMEDIATE")
                for start in range(0, len(calendar), _PAGE):
                    target.executemany(statement, calendar[start : start + _PAGE])
                target.execute("COMMIT")
        found.append(watch.seconds)
    source.close()
    target.close()
    return found


def _copies(calendar: int, count: int, change: int) -> list[Digested]:
    """A calendar's copies, three of four of its own alone, the fourth shared with the next calendar."""
    return [(one, copy_digest(one)) for one in (_copy(calendar, number, change) for number in range(count))]


def _copy(calendar: int, number: int, change: int) -> Copy:
    owner = f"ours{calendar}@x.example"
    start = _NOW - timedelta(days=number % 700, minutes=15 * (number % 30))
    guests = (f"person{number * 7 % 40 + guest}@client{number % 300:03}.example" for guest in range(3))
    shared = (calendar if number % 4 else calendar // 2) + 1
    return Copy(
        connector="exports",
        calendar=str(calendar),
        entry=f"{number}@bench",
        owner=owner,
        identity=identify(f"{shared}-{number}@bench"),
        start=start,
        end=start + timedelta(minutes=45),
        organiser=owner,
        participants=(
            Participant(owner, Response.ACCEPTED),
            Participant(f"ours{(calendar + 1) % _CALENDARS}@x.example", Response.NONE),
            *(Participant(guest, Response.TENTATIVE) for guest in guests),
        ),
        response=Response.ACCEPTED,
        setting=Setting(room=True),
        title=f"Review {number}" + " once more" * change,
        changed_at=start,
        read_at=_NOW,
    )


if __name__ == "__main__":
    show(measure(small=is_small()))
