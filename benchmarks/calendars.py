"""How costs grow with the calendars that are read: passes over them, and what is asked of all of them at once.

Passes go over a made-up Google, as in `benchmarks.google`, each calendar with a few entries. What concerns all
calendars at once (who they are, whose addresses are ours, the roster, `rapport status`) needs no provider, and so is
measured with more of them.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.google import GOOGLE
from benchmarks.measuring import FLAT, Cost, Figure, folder, grown, in_child, least_cpu, note, serving
from benchmarks.pulling import two_passes
from benchmarks.world import config_text
from connectors.contract import Person, Roster
from daemon.commands.common import opened
from daemon.service.status import status_json
from daemon.store.db.types import to_millis
from daemon.store.deliveries import recent_deliveries
from daemon.sync.roster import save_roster
from daemon.web.snapshot import snapshot_of

_ENTRIES = 8
_ROUNDS = 3
_PASSES = (
    Cost("first pass", "scored_seconds", "s", None),
    Cost("first pass: CPU", "cpu", "s"),
    Cost("unchanged pass", "again_seconds", "s", None),
    Cost("unchanged pass: CPU", "again_cpu", "s"),
    Cost("unchanged pass: CPU a calendar", "again_cpu_each", "ms", FLAT),
    Cost("unchanged pass: requests a calendar", "again_requests_each", "", FLAT),
    Cost("two passes: memory", "megabytes", "MB"),
)
_AT_ONCE = (
    Cost("all calendars read from the store: CPU", "read", "ms"),
    Cost("whose addresses are ours, and fingerprints: CPU", "context", "ms"),
    Cost("both: memory held", "megabytes", "MB"),
    Cost("an unchanged roster: CPU", "roster", "ms"),
    Cost("status: CPU", "status", "ms"),
    Cost("numbers for /metrics: CPU", "metrics", "ms"),
)
_KNOWN = """
WITH RECURSIVE numbers (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < :calendars)
INSERT INTO calendars (id, connector, key, address, aliases, joined)
SELECT n, 'exports', 'key' || n, 'p' || n || '@northwind.example', 'person' || n || '@northwind.example', '2026-01'
FROM numbers
"""
_READ = """
INSERT INTO calendar_state (calendar_id, turn, kills, standing, cursor, query, last_try, last_success, read_through,
    last_full, window_start, window_end)
SELECT id, 1, 0, FALSE, :cursor, 'query', :read, :read, :read, :read, :begin, :read FROM calendars
"""
_CURSOR = "x" * 300
"""A sync token of Google's has dozens of characters, a delta link of Graph's some hundreds."""


def measure(*, small: bool = False) -> list[Figure]:
    """Two passes at each size, then what is asked of all calendars at once."""
    sizes = (10, 50, 250) if small else (10, 100, 1_000, 10_000)
    passes: dict[int, dict[str, Any]] = {}
    for size in sizes:
        note(f"two passes over {size:,} calendars")
        with serving(GOOGLE.serve, _ENTRIES) as url:
            passes[size] = in_child(two_passes, GOOGLE, url, size)
    at_once: dict[int, dict[str, float]] = {}
    for size in sizes if small else (*sizes, 100_000):
        note(f"what concerns {size:,} calendars at once")
        with folder() as made:
            at_once[size] = in_child(_at_once, made, size)
    return [*grown(_PASSES, "calendars", passes), *grown(_AT_ONCE, "calendars", at_once)]


def _at_once(made: Path, calendars: int) -> dict[str, float]:
    """Milliseconds of CPU, and megabytes. All calendars were read a minute ago, each person has a second address."""
    (made / "config.toml").write_text(config_text(clients=300))
    with opened(made / "config.toml") as session:
        database, now, config = session.database, session.now, session.config
        read, begin = (to_millis(now - timedelta(days=days, minutes=1)) for days in (0, 700))
        with database.writing() as connection:
            connection.exec_driver_sql(_KNOWN, {"calendars": calendars})
            connection.exec_driver_sql(_READ, {"cursor": _CURSOR, "read": read, "begin": begin})
        context = session.context()
        people = (Person(id=known.key, addresses=(known.address, *known.aliases)) for known in context.calendars)
        roster = Roster(people=tuple(people), from_directory=True)

        def read_roster() -> None:
            with database.writing() as connection:
                save_roster(connection, context, "exports", roster, now)

        found = {
            "read": _milliseconds(session.context),
            "context": _milliseconds(lambda: _who_is_ours(replace(context))),  # a copy remembers nothing
            "roster": _milliseconds(read_roster),
        }
        with database.reading() as connection:
            found["status"] = _milliseconds(lambda: status_json(connection, context, now))
            sent = recent_deliveries(connection, now)
        found["metrics"] = _milliseconds(lambda: snapshot_of(context.calendars, sent, now, config.sync.every))
        tracemalloc.start()
        held = session.context()
        _who_is_ours(held)
        found["megabytes"] = tracemalloc.get_traced_memory()[0] / 1e6
    return found


def _who_is_ours(context: Any) -> None:
    """What every pass makes of the calendars: the book of addresses, and whether all is still scored with it."""
    _ = context.book
    context.scored_with()


def _milliseconds(work: Callable[[], object]) -> float:
    return 1000 * least_cpu(work, _ROUNDS)
