"""One worker and two on the same calendars, of a provider that answers in 50 ms, over PostgreSQL.

Workers are processes that are warm: they have their libraries, calendars and tokens. Then every calendar is made due at
once, and the time until all are read is taken, for a round in which nothing has changed and for one that lists a few
entries of each. With `sync.workers` = 1 a worker waits most of its time, as it does for a real provider; the default of
8 is measured too, where the two cores of a small machine are the limit.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.google import GOOGLE
from benchmarks.measuring import Figure, Stopwatch, folder, note, serving
from benchmarks.pulling import write_config
from tests.conftest import new_database, running_server, url_of

_ANSWERS_IN_SECONDS = 0.05
_ENTRIES = 20
_ALL_DUE = "UPDATE batches SET due_at = (extract(epoch FROM now()) * 1000)::bigint"
_DUE = "SELECT count(*) FROM batches WHERE due_at <= (extract(epoch FROM now()) * 1000)::bigint"
_CONFIG = """
[store]
url = "{store}"

[sync]
every = "6h"
workers = {threads}

[scale]
workers = true

[web]
listen = ""

[log]
level = "warning"
"""


def measure(*, small: bool = False) -> list[Figure]:
    """Calendars a second by one worker and by two, and how many times one two are."""
    calendars, rounds = (80, 1) if small else (960, 3)  # 24 batches: whole rounds of three jobs for one worker and two
    figures = []
    with running_server() as server:
        for threads, aim in ((1, 1.7), (8, None)):
            by_one, by_two = (_speeds(url_of(server), workers, threads, calendars, rounds) for workers in (1, 2))
            whats = ("unchanged", f"listed anew, {_ENTRIES} entries each")
            for what, one, two in zip(whats, by_one, by_two, strict=True):
                name = f"workers, sync.workers = {threads}, {what}"
                figures += [
                    Figure(f"{name}: calendars/s by one", one, "1/s"),
                    Figure(f"{name}: calendars/s by two", two, "1/s"),
                    Figure(f"{name}: two against one", two / one, at_least=aim),
                ]
    return figures


def _speeds(server_url: str, workers: int, threads: int, calendars: int, rounds: int) -> list[float]:
    """Calendars a second in the best round: unchanged, and listed anew."""
    note(f"{workers} of {workers} workers with sync.workers = {threads}: {calendars} calendars")
    store = new_database(server_url)
    with ExitStack() as stack:
        made = stack.enter_context(folder())
        url = stack.enter_context(serving(GOOGLE.serve, _ENTRIES, _ANSWERS_IN_SECONDS))
        write_config(made, GOOGLE, url, calendars, _CONFIG.format(store=store, threads=threads))
        for command in ("run", *["worker"] * workers):
            stack.enter_context(_process(made, command))
        connection = psycopg.connect(store.replace("+psycopg", ""), autocommit=True)
        stack.enter_context(closing(connection))
        _wait_until_warm(connection, calendars, workers)
        return [calendars / min(_round(connection, anew=anew) for _ in range(rounds)) for anew in (False, True)]


def _wait_until_warm(connection: psycopg.Connection[Any], calendars: int, workers: int) -> None:
    """Every calendar was read, and every worker takes part."""
    until = time.monotonic() + 300
    while time.monotonic() < until:
        try:
            read = _ask(connection, "SELECT count(*) FROM calendar_state WHERE last_success IS NOT NULL")
            there = _ask(connection, "SELECT count(*) FROM workers WHERE idle_because IS NULL")
        except psycopg.errors.UndefinedTable:
            read = there = 0  # the scheduler has not made the tables yet
        if (read, there) == (calendars, workers):
            time.sleep(5)  # the figures are derived
            _round(connection, anew=False)
            return
        time.sleep(0.2)
    raise RuntimeError("the workers do not come to an end")


def _round(connection: psycopg.Connection[Any], *, anew: bool) -> float:
    """Seconds from when every calendar is due until all are read."""
    if anew:
        connection.execute("UPDATE calendar_state SET cursor = NULL, turn = turn + 1")
    connection.execute(_ALL_DUE)
    with Stopwatch() as watch:
        while _ask(connection, _DUE):
            time.sleep(0.02)
    return watch.seconds


def _ask(connection: psycopg.Connection[Any], statement: str) -> int:
    (found,) = connection.execute(statement).fetchone() or (0,)
    return int(found)


@contextmanager
def _process(made: Path, command: str) -> Iterator[None]:
    with (made / "log").open("ab") as output:
        process = subprocess.Popen([sys.executable, "-m", "daemon", command], cwd=made, stdout=output, stderr=output)
    try:
        yield
    finally:
        process.terminate()
        process.wait()
