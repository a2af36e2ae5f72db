"""PostgreSQL against SQLite, on this machine: the initial sync of Google calendars, and an unchanged calendar.

The server starts by itself from a package that the tests use as well; it stands in a temporary directory.
"""

from __future__ import annotations

from benchmarks.google import GOOGLE
from benchmarks.measuring import Figure, in_child, note, serving
from benchmarks.pulling import two_passes
from tests.conftest import new_database, running_server, url_of


def measure(*, small: bool = False) -> list[Figure]:
    """Each figure on both databases, and what share of SQLite's speed PostgreSQL's is."""
    with running_server() as server:
        return _figures(url_of(server), *((2, 2_500, 20) if small else (10, 5_000, 200)))


def _figures(server_url: str, calendars: int, entries: int, idle: int) -> list[Figure]:
    speeds, quiet = [], []
    for name in ("SQLite", "PostgreSQL"):
        stores = [""] * 2
        if name == "PostgreSQL":
            stores = [f'\n[store]\nurl = "{new_database(server_url)}"\n' for _ in range(2)]
        with serving(GOOGLE.serve, entries) as url:
            note(f"{name}: reading {calendars * entries:,} entries of {calendars} calendars")
            found = in_child(two_passes, GOOGLE, url, calendars, stores[0])
            speeds.append(found["entries"] / found["seconds"])
        with serving(GOOGLE.serve, 0) as url:
            note(f"{name}: {idle} calendars in which nothing changes")
            quiet.append(in_child(two_passes, GOOGLE, url, idle, stores[1]))
    lite, served = speeds
    return [
        Figure("PostgreSQL: entries/s of Google, initial sync", served, "1/s"),
        Figure("PostgreSQL: entries/s, SQLite in the same run", lite, "1/s"),
        Figure("PostgreSQL: initial sync against SQLite", served / lite, at_least=0.4),
        Figure("PostgreSQL: CPU an unchanged calendar", 1000 * quiet[1]["again_cpu"] / idle, "ms", at_most=5),
        Figure("PostgreSQL: an unchanged calendar", 1000 * quiet[1]["again_seconds"] / idle, "ms"),
        Figure("PostgreSQL: an unchanged calendar on SQLite", 1000 * quiet[0]["again_seconds"] / idle, "ms"),
    ]
