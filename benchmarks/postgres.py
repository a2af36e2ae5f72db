"""PostgreSQL against SQLite, on this machine: the initial sync of Google calendars, an unchanged calendar, upserts.

The server starts by itself from a package that the tests use as well; it stands in a temporary directory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from benchmarks.google import GOOGLE
from benchmarks.measuring import Figure, in_child, note, serving
from benchmarks.pulling import two_passes
from benchmarks.upserts import in_store, rounds_of
from tests.conftest import new_database, running_server, url_of


def measure(*, small: bool = False) -> list[Figure]:
    """Each figure on both databases, and what share of SQLite's speed PostgreSQL's is."""
    with server() as url:
        return [*_upserts(url, 500 if small else 5_000), *_syncs(url, *((2, 2_500, 20) if small else (10, 5_000, 200)))]


@contextmanager
def server() -> Iterator[str]:
    """The URL of a server's own database."""
    with running_server() as running:
        yield url_of(running)


def store_table(server_url: str) -> str:
    """The config's lines for a new, empty database on the server."""
    return f'\n[store]\nurl = "{new_database(server_url)}"\n'


def _syncs(server_url: str, calendars: int, entries: int, idle: int) -> list[Figure]:
    speeds, quiet = [], []
    for name in ("SQLite", "PostgreSQL"):
        stores = ["", ""] if name == "SQLite" else [store_table(server_url), store_table(server_url)]
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


def _upserts(server_url: str, each: int) -> Iterator[Figure]:
    note(f"upserting {each:,} copies in each calendar twice, into both databases")
    with TemporaryDirectory() as made, rounds_of(each) as rounds:
        total = sum(map(len, rounds[0]))
        lite = in_store(f"sqlite:///{made}/upserts.db", rounds)
        served = in_store(new_database(server_url), rounds)
    for what, mine, theirs in zip(("new", "changed"), served, lite, strict=True):
        yield Figure(f"PostgreSQL: upserts/s of {what} copies", total / mine, "1/s")
        yield Figure(f"PostgreSQL: upserts of {what} copies against SQLite", theirs / mine, at_least=0.4)
