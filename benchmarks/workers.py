"""One worker and two on the same calendars, of a provider that answers in 50 ms, over PostgreSQL.

Workers are processes that are warm: they have their libraries, calendars and tokens. Then every calendar is made due at
once, and the time until all are read is taken, for a round in which nothing has changed and for one that lists a few
entries of each. With `sync.workers` = 1 a worker waits most of its time, as it does for a real provider; the default of
8 is measured too, where the two cores of a small machine are the limit.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.google import write_company
from benchmarks.measuring import CACHE, Figure, is_small, note, show
from benchmarks.postgres import fresh, running_server
from benchmarks.pulling import provider

_ANSWERS_IN_SECONDS = 0.05
_ENTRIES = 20
_ROUNDS = 3


def measure(*, small: bool = False) -> list[Figure]:
    """Calendars a second by one worker and by two, and how many times one two are."""
    CACHE.mkdir(parents=True, exist_ok=True)
    calendars = 80 if small else 960  # 24 batches: whole rounds of three jobs for one worker, and for two
    figures = []
    with tempfile.TemporaryDirectory() as made, running_server(Path(made)) as url:
        for threads, aim in ((1, 1.7), (8, None)):
            speeds = {}
            for workers in (1, 2):
                note(f"{workers} of {workers} workers with sync.workers = {threads}: {calendars} calendars")
                speeds[workers] = _speeds(url, workers, threads, calendars, small=small)
            for number, what in enumerate(("unchanged", f"listed anew, {_ENTRIES} entries each")):
                one, two = speeds[1][number], speeds[2][number]
                name = f"workers, sync.workers = {threads}, {what}"
                figures += [
                    Figure(f"{name}: calendars/s by one", one, "1/s"),
                    Figure(f"{name}: calendars/s by two", two, "1/s"),
                    Figure(f"{name}: two against one", two / one, "", aim=aim),
                ]
    return figures


def _speeds(server_url: str, workers: int, threads: int, calendars: int, *, small: bool) -> tuple[float, float]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=CACHE)))
        there = stack.enter_context(provider("benchmarks.google", _ENTRIES, _ANSWERS_IN_SECONDS))
        (store,) = fresh(server_url)
        _write(folder, there, store, calendars, threads)
        stack.enter_context(_process(folder, "run"))
        for _ in range(workers):
            stack.enter_context(_process(folder, "worker"))
        company = _Company(folder)
        stack.callback(company.close)
        company.until_read(calendars, workers)
        rounds = range(1 if small else _ROUNDS)
        unchanged = min(company.round(anew=False) for _ in rounds)
        anew = min(company.round(anew=True) for _ in rounds)
    return calendars / unchanged, calendars / anew


class _Company:
    """The store, as somebody sees it who waits for a round to end."""

    def __init__(self, folder: Path) -> None:
        from daemon.config.load import load
        from daemon.store.db.engine import Database

        self._database = Database(load(folder / "config.toml").store_url())

    def until_read(self, calendars: int, workers: int) -> None:
        """Every calendar was read, and every worker takes part."""
        until = time.monotonic() + 300
        while time.monotonic() < until:
            read = self._ask("SELECT count(*) FROM calendar_state WHERE last_success IS NOT NULL")
            there = self._ask("SELECT count(*) FROM workers WHERE idle_because IS NULL")
            if (read, there) == (calendars, workers):
                time.sleep(5)  # the figures are derived
                self.round(anew=False)
                return
            time.sleep(0.2)
        raise RuntimeError("the workers do not come to an end")

    def round(self, *, anew: bool) -> float:
        """Seconds from when every calendar is due until all are read."""
        with self._database.writing() as connection:
            if anew:
                connection.exec_driver_sql("UPDATE calendar_state SET cursor = NULL, turn = turn + 1")
            connection.exec_driver_sql("UPDATE batches SET due_at = (extract(epoch FROM now()) * 1000)::bigint")
        began = time.monotonic()
        while self._ask("SELECT count(*) FROM batches WHERE due_at <= (extract(epoch FROM now()) * 1000)::bigint"):
            time.sleep(0.02)
        return time.monotonic() - began

    def _ask(self, statement: str) -> int:
        from daemon.store.db.errors import StoreError

        try:
            with self._database.reading() as connection:
                return int(connection.exec_driver_sql(statement).scalar_one())
        except StoreError:
            return -1  # the scheduler has not made the tables yet

    def close(self) -> None:
        self._database.close()


def _write(folder: Path, there: str, store: str, calendars: int, threads: int) -> None:
    write_company(folder, there, calendars, store)
    with (folder / "config.toml").open("a") as config:
        config.write(
            f'\n[sync]\nevery = "6h"\nworkers = {threads}\n\n[scale]\nworkers = true\n\n[web]\nlisten = ""\n'
            '\n[log]\nlevel = "warning"\n'
        )


@contextmanager
def _process(folder: Path, command: str) -> Iterator[subprocess.Popen[Any]]:
    with (folder / "log").open("ab") as output:
        process = subprocess.Popen([sys.executable, "-m", "daemon", command], cwd=folder, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    show(measure(small=is_small()))
