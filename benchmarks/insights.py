"""People, signals and stages of 300 clients from a large store: worked out for every month, then after one change."""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.measuring import CACHE, Figure, Stopwatch, answer, child, is_child, is_small, note, peak_megabytes, show
from benchmarks.world import scoring_context_of, store_of
from daemon.figures.insights import insights_of
from daemon.figures.rescore import rescore
from daemon.store.db.engine import Database
from daemon.store.insights import drop_insights
from scoring.months.month import month_of, shift


def measure(*, small: bool = False) -> list[Figure]:
    """On a copy of the store, in a process of its own."""
    meetings = 20_000 if small else 1_000_000
    store = store_of(meetings)
    with tempfile.TemporaryDirectory(dir=CACHE) as made:
        folder = Path(made)
        for file in ("rapport.db", "config.toml"):
            shutil.copy(store / file, folder)
        note(f"insights from {meetings:,} meetings")
        found = child("benchmarks.insights", str(folder))
    name = f"insights of {found['clients']} clients, {meetings:,} meetings"
    return [
        Figure(f"{name}: every month", found["all"], "s", aim=5, at_most=True),
        Figure(f"{name}: one client's month changed", found["one"], "s", aim=0.5, at_most=True),
        Figure(f"{name}: all clients' last month changed", found["last"], "s"),
        Figure(f"{name}: reading 24 months", found["read"], "s"),
        Figure(f"{name}: peak memory", found["megabytes"], "MB", aim=300, at_most=True),
    ]


def _child(folder: Path) -> None:
    database, now = Database(f"sqlite:///{folder / 'rapport.db'}"), datetime.now(UTC)
    context = scoring_context_of(database, folder / "config.toml")
    last = shift(month_of(now, context.zone), -1)
    clients = [one.name for one in context.clients]
    found: dict[str, Any] = {"clients": len(clients)}
    for name, chosen in (("all", None), ("one", clients[:1]), ("last", clients)):
        with database.writing() as connection:
            drop_insights(connection, clients=chosen, changed=last)
        with Stopwatch() as watch:
            rescore(database, context, now)
        found[name] = watch.seconds
    with database.reading() as connection, Stopwatch() as watch:
        insights_of(connection, [shift(last, -back) for back in range(24)])
    answer(found | {"read": watch.seconds, "megabytes": peak_megabytes()})


if __name__ == "__main__":
    if is_child():
        _child(Path(sys.argv[2]))
    else:
        show(measure(small=is_small()))
