"""What grows with the calendars that are read: passes over them, and what every pass and command asks of all of them.

Passes go over a fake Google, as in `benchmarks.google`, each calendar with a few entries. What concerns all calendars
at once (who they are, whose addresses are ours, the roster, `rapport status`) needs no provider, and so is measured
with more of them.
"""

from __future__ import annotations

import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.growing import FLAT, Cost
from benchmarks.measuring import CACHE, answer, child, note
from benchmarks.pulling import provider
from benchmarks.world import config_text

_SIZES = (10, 100, 1_000, 10_000)
_MORE = (100_000,)
_SMALL = (10, 50, 250)
_ENTRIES = 8
_CURSOR = "x" * 300
"""A sync token of Google's has dozens of characters, a delta link of Graph's some hundreds."""
_ROUNDS = 3


def costs(*, small: bool = False) -> list[Cost]:
    """Two passes at each size, then what is asked of all calendars at once."""
    return [*_passes(_SMALL if small else _SIZES), *_of_all(_SMALL if small else (*_SIZES, *_MORE))]


def _passes(sizes: tuple[int, ...]) -> list[Cost]:
    found: dict[int, dict[str, Any]] = {}
    for size in sizes:
        note(f"two passes over {size:,} calendars")
        with provider("benchmarks.google", _ENTRIES) as url:
            found[size] = child("benchmarks.google", "sync", url, str(size))

    def cost(name: str, key: str, unit: str, of_each: float = 1.0, *, each: bool = False, **more: Any) -> Cost:
        values = {n: one[key] * of_each / (n if each else 1) for n, one in found.items()}
        return Cost(name=name, unit=unit, of="calendars", values=values, **more)

    return [
        cost("first pass", "scored_seconds", "s", grows_at_most=None),
        cost("first pass: CPU", "cpu", "s"),
        cost("unchanged pass", "again_seconds", "s", grows_at_most=None),
        cost("unchanged pass: CPU", "again_cpu", "s"),
        cost("unchanged pass: CPU a calendar", "again_cpu", "ms", 1000, each=True, grows_at_most=FLAT),
        cost("unchanged pass: requests a calendar", "again_requests", "", each=True, grows_at_most=FLAT),
        cost("two passes: memory", "megabytes", "MB"),
    ]


def _of_all(sizes: tuple[int, ...]) -> list[Cost]:
    found: dict[int, dict[str, Any]] = {}
    for size in sizes:
        note(f"what concerns {size:,} calendars at once")
        with tempfile.TemporaryDirectory(dir=CACHE) as made:
            found[size] = child("benchmarks.growth_calendars", made, str(size))

    def cost(name: str, key: str, unit: str = "ms") -> Cost:
        return Cost(name=name, unit=unit, of="calendars", values={n: one[key] for n, one in found.items()})

    return [
        cost("all calendars read from the store: CPU", "read"),
        cost("whose addresses are ours, and fingerprints: CPU", "context"),
        cost("both: memory held", "megabytes", "MB"),
        cost("an unchanged roster: CPU", "roster"),
        cost("status: CPU", "status"),
        cost("numbers for /metrics: CPU", "metrics"),
    ]


def _child(folder: Path, calendars: int) -> dict[str, float]:
    from connectors.contract import Person, Roster
    from daemon.figures.scoring_context import read_scoring_context
    from daemon.service.status import status_json
    from daemon.store.deliveries import recent_deliveries
    from daemon.sync.roster import save_roster
    from daemon.web.snapshot import snapshot_of

    now = datetime.now(UTC)
    database, config = _store(folder, calendars, now)
    with database.reading() as connection:
        found = {"read": _best(lambda: read_scoring_context(connection, config))}
        context = read_scoring_context(connection, config)
        found["context"] = _best(lambda: _who_is_ours(replace(context)))  # a copy remembers nothing
        found["status"] = _best(lambda: status_json(connection, context, now))
        sent = recent_deliveries(connection, now)
        found["metrics"] = _best(lambda: snapshot_of(context.calendars, sent, now, config.sync.every))
    roster = Roster(
        people=tuple(Person(id=one.key, addresses=(one.address, *one.aliases)) for one in context.calendars),
        from_directory=True,
    )

    def read_roster() -> None:
        with database.writing() as connection:
            save_roster(connection, context, "exports", roster, now)

    found["roster"] = _best(read_roster)
    with database.reading() as connection:
        megabytes = _held_by(lambda: read_scoring_context(connection, config))
    database.close()
    return found | {"megabytes": megabytes}


def _held_by(make: Callable[[], Any]) -> float:
    """Megabytes that every process holds of it: calendars, addresses, and who each of them is."""
    tracemalloc.start()
    context = make()
    _who_is_ours(context)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held / 1e6


def _store(folder: Path, calendars: int, now: datetime) -> tuple[Any, Any]:
    """So many calendars, all read a minute ago, each person with a second address; no copies."""
    from sqlalchemy import insert

    from daemon.config.load import load
    from daemon.store.db.bulk import table_of
    from daemon.store.db.engine import Database
    from daemon.store.db.tables import CalendarRow, CalendarState
    from daemon.store.schema import bring_up_to_date

    (folder / "config.toml").write_text(config_text(clients=300))
    config = load(folder / "config.toml")
    database = Database(config.store_url())
    bring_up_to_date(database)
    read = now - timedelta(minutes=1)
    known = [
        {
            "id": number,
            "connector": "exports",
            "key": f"key{number}",
            "address": f"p{number}@northwind.example",
            "aliases": f"person{number}@northwind.example",
            "joined": "2026-01",
        }
        for number in range(1, calendars + 1)
    ]
    state = {"turn": 1, "kills": 0, "standing": False, "cursor": _CURSOR, "query": "query", "last_try": read}
    state |= {
        "last_success": read,
        "read_through": read,
        "last_full": read,
        "window_start": read - timedelta(days=700),
        "window_end": read,
    }
    with database.writing() as connection:
        connection.execute(insert(table_of(CalendarRow)), known)
        connection.execute(insert(table_of(CalendarState)), [{"calendar_id": one["id"], **state} for one in known])
    return database, config


def _who_is_ours(context: Any) -> None:
    """What every pass makes of the calendars: the book of addresses, and whether all is still scored with it."""
    _ = context.book
    context.scored_with()


def _best(work: Callable[[], object]) -> float:
    """CPU milliseconds."""
    found = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return 1000 * min(found)


if __name__ == "__main__":
    answer(_child(Path(sys.argv[2]), int(sys.argv[3])))
