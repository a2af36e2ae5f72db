"""PostgreSQL against SQLite, on this machine: the initial sync of Google calendars, and an unchanged calendar.

The server starts by itself from a package that the tests use as well; it stands in a temporary directory.
"""

from __future__ import annotations

from benchmarks.google import GOOGLE
from benchmarks.measuring import Figure, in_child, note, serving
from benchmarks.pulling import two_passes
from tests.conftest import new_database, running_server, url_of


def measure(*, small: bool = False) -> list[Figure]:
    """The sync on both databases, and what share of SQLite's speed PostgreSQL's is."""
    calendars, entries, idle = (2, 2_500, 20) if small else (10, 5_000, 200)
    with running_server() as server:
        served = [f'\n[store]\nurl = "{new_database(url_of(server))}"\n' for _ in range(2)]
        with serving(GOOGLE.serve, entries) as url:
            note(f"reading {calendars * entries:,} entries of {calendars} calendars into SQLite, then PostgreSQL")
            passes = [in_child(two_passes, GOOGLE, url, calendars, store) for store in ("", served[0])]
        with serving(GOOGLE.serve, 0) as url:
            note(f"PostgreSQL: {idle} calendars in which nothing changes")
            quiet = in_child(two_passes, GOOGLE, url, idle, served[1])
    lite, postgres = (found["entries"] / found["seconds"] for found in passes)
    return [
        Figure("PostgreSQL: entries/s of Google, initial sync", postgres, "1/s"),
        Figure("PostgreSQL: entries/s, SQLite in the same run", lite, "1/s"),
        Figure("PostgreSQL: initial sync against SQLite", postgres / lite, at_least=0.4),
        Figure("PostgreSQL: CPU an unchanged calendar", quiet["again_cpu_each"], "ms", at_most=5),
        Figure("PostgreSQL: an unchanged calendar", 1000 * quiet["again_seconds"] / idle, "ms"),
    ]
