"""What the benchmarks of web calendars share: a provider in a process of its own, two passes over it, and the figures.

The first pass lists everything into SQLite; the second finds nothing changed. A bare loop reads the same pages.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.measuring import CACHE, Figure, Stopwatch, child, note, peak_megabytes

OUTSIDERS = 0.25
ATTENDEES = 5
CALENDAR_MARK = b"@@calendar@@"
COMPANY = '[company]\nname = "Northwind"\ntimezone = "Europe/London"\ndomains = ["northwind.example"]\n'
CLIENTS = "".join(
    f'\n[[clients]]\nname = "Client {number}"\ndomains = ["client{number}.example"]\n' for number in range(50)
)
Row = tuple[Any, ...]


def measure_calendars(module: str, name: str, *, small: bool) -> list[Figure]:
    """Initial sync, its memory at two sizes, and a pass in which nothing changed; `module` answers as its children."""
    sizes = ((2, 2_500), (4, 2_500)) if small else ((10, 5_000), (100, 10_000))
    idle = 20 if small else 500
    CACHE.mkdir(parents=True, exist_ok=True)
    found: list[dict[str, Any]] = []
    for calendars, entries in sizes:
        note(f"{name}: reading {calendars * entries:,} entries of {calendars} calendars")
        with provider(module, entries) as url:
            bare = child(module, "bare", url, str(calendars)) if not found else {}
            found.append({**child(module, "sync", url, str(calendars)), "bare": bare.get("seconds", 0.0)})
    with provider(module, 0) as url:
        note(f"{name}: {idle} calendars in which nothing changes")
        quiet = child(module, "sync", url, str(idle))
    first, second = found[0], found[-1]
    speed, bare_speed, scored = (first["entries"] / first[key] for key in ("seconds", "bare", "scored_seconds"))
    return [
        Figure(f"{name}: entries/s into SQLite", speed, "1/s"),
        Figure(f"{name}: entries/s, bare requests + json + executemany", bare_speed, "1/s"),
        Figure(f"{name}: the one against the other", speed / bare_speed, "", aim=0.5),
        Figure(f"{name}: entries/s into SQLite and scored", scored, "1/s"),
        Figure(f"{name}: entries/s into SQLite, {second['entries']:,}", second["entries"] / second["seconds"], "1/s"),
        Figure(f"{name}: share of entries with outsiders", OUTSIDERS, ""),
        Figure(f"{name}: attendees an entry", ATTENDEES, ""),
        Figure(f"{name}: peak memory, {first['entries']:,} entries", first["megabytes"], "MB"),
        Figure(f"{name}: peak memory, {second['entries']:,} entries", second["megabytes"], "MB", aim=200, at_most=True),
        Figure(f"{name}: tokens a person, two passes", quiet["tokens"] / idle, ""),
        Figure(f"{name}: requests an unchanged calendar", quiet["again_requests"] / idle, "", aim=1, at_most=True),
        Figure(f"{name}: CPU an unchanged calendar", 1000 * quiet["again_cpu"] / idle, "ms", aim=5, at_most=True),
        Figure(f"{name}: 10,000 unchanged calendars, from {idle}", quiet["again_seconds"] / idle * 10_000, "s"),
    ]


@contextmanager
def provider(module: str, entries: int, late_seconds: float = 0.0) -> Iterator[str]:
    """A provider in a process of its own, with so many entries in each calendar; each answer is so late."""
    command = [sys.executable, "-m", module, "--child", "serve", str(entries)]
    if late_seconds:
        command.append(str(late_seconds))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CACHE.parents[1])
    try:
        if process.stdout is None:
            raise RuntimeError("the provider has no output")
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def guests_of(number: int) -> list[str]:
    """The people of an entry; in a share of the entries two come from a client."""
    guests = [f"p{(number + one) % 400}@northwind.example" for one in range(ATTENDEES)]
    if number % round(1 / OUTSIDERS) == 0:
        guests[1:3] = [f"c{number % 300}@client{number % 50}.example", f"d{number % 300}@client{number % 50}.example"]
    return guests


def people_of(calendars: int) -> list[str]:
    return [f"p{number}@northwind.example" for number in range(calendars)]


def two_passes(kind: str, write_company: Callable[[Path], None], tokens: Callable[[], int]) -> dict[str, Any]:
    """The first pass, and one more; `cpu` is this process's alone."""
    from daemon.config.load import load
    from daemon.figures.scoring_context import read_scoring_context
    from daemon.output.logs import set_up_logs
    from daemon.store.db.engine import Database
    from daemon.store.schema import bring_up_to_date
    from daemon.sync.run import run_sync
    from daemon.sync.run_values import SyncRun

    with tempfile.TemporaryDirectory(dir=CACHE) as made:
        folder = Path(made)
        write_company(folder)
        config = load(folder / "config.toml")
        set_up_logs(config.log)
        database = Database(config.store_url())
        bring_up_to_date(database)
        connector = import_module(f"connectors.calendars.{kind}").connect(config.connectors[0], config.context())
        connector.people()  # the libraries are loaded before anything is timed, as they are for the bare loop
        seconds, cpu, results = [], [], []
        for _ in range(2):
            with database.reading() as connection:
                context = read_scoring_context(connection, config)
            work = SyncRun(database=database, context=context, now=datetime(2026, 11, 15, 9, tzinfo=UTC))
            began = time.process_time()
            with Stopwatch() as watch:
                results.append(run_sync(work, [connector])[0])
            seconds.append(watch.seconds)
            cpu.append(time.process_time() - began)
        given = tokens()
        database.close()
    if any(result.failed for result in results):
        raise RuntimeError(results[0].failed[:1] or results[1].failed[:1])
    return {
        "entries": results[0].entries,
        "seconds": results[0].seconds,
        "scored_seconds": seconds[0],
        "megabytes": peak_megabytes(),
        "tokens": given,
        "again_requests": results[1].requests - connector.roster_requests,
        "again_seconds": seconds[1],
        "cpu": cpu[0],
        "again_cpu": cpu[1],
    }


def bare_loop(calendars: int, pages: Callable[[int], Iterable[Iterable[Row]]]) -> dict[str, Any]:
    """The same pages, and the entries with outsiders put into one table as they are."""
    with tempfile.TemporaryDirectory(dir=CACHE) as made, Stopwatch() as watch:
        target = sqlite3.connect(Path(made) / "bare.db", isolation_level=None)
        target.execute("PRAGMA journal_mode = WAL")
        target.execute(
            "CREATE TABLE copies (calendar, entry, uid, starts, ends, people, PRIMARY KEY (calendar, entry))"
        )
        for number in range(calendars):
            target.execute("BEGIN")
            for rows in pages(number):
                target.executemany("INSERT INTO copies VALUES (?, ?, ?, ?, ?, ?)", rows)
            target.execute("COMMIT")
    return {"seconds": watch.seconds}
