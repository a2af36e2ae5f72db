"""Re-scoring: every stored meeting after a new client and another `long_meeting_over`; and after a change of points."""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import event

from benchmarks.measuring import (
    CACHE,
    Figure,
    Stopwatch,
    answer,
    child,
    is_child,
    is_small,
    note,
    peak_megabytes,
    show,
)
from benchmarks.world import CLIENTS, config_text, scoring_context_of, store_of
from daemon.figures.rescore import rescore
from daemon.store.db.engine import Database


def measure(*, small: bool = False) -> list[Figure]:
    """On a copy of the store, in a process of its own."""
    meetings = 20_000 if small else 1_000_000
    store = store_of(meetings)
    with tempfile.TemporaryDirectory(dir=CACHE) as made:
        folder = Path(made)
        shutil.copy(store / "rapport.db", folder)
        (folder / "config.toml").write_text(config_text(clients=CLIENTS, long_meeting_over="45m"))
        (folder / "points.toml").write_text(config_text(clients=CLIENTS, long_meeting_over="45m", long_many=21))
        note(f"re-scoring {meetings:,} meetings")
        found = child("benchmarks.rescore", str(folder), "config.toml")
        points = child("benchmarks.rescore", str(folder), "points.toml", "count")
    return [
        Figure("re-scoring: meetings/s", meetings / found["seconds"], "1/s", aim=20_000),
        Figure("re-scoring: peak memory", found["megabytes"], "MB", aim=300, at_most=True),
        Figure("other points: seconds", points["seconds"], "s"),
        Figure("other points: copies read", points["rows"], "rows", aim=0, at_most=True),
    ]


def _child(folder: Path, config: str, counts: bool) -> None:
    database = Database(f"sqlite:///{folder / 'rapport.db'}")
    context = scoring_context_of(database, folder / config)
    rows = _rows_read(database) if counts else [-1]
    with Stopwatch() as watch:
        changed = rescore(database, context, datetime.now(UTC))
    answer({"seconds": watch.seconds, "changed": changed, "rows": rows[0], "megabytes": peak_megabytes()})


def _rows_read(database: Database) -> list[int]:
    """Counts, from now on, the copies that statements ask for, by asking again how many they are."""
    count = [0]

    @event.listens_for(database.engine, "after_cursor_execute")
    def _count(connection: Any, _cursor: Any, statement: str, parameters: Any, *_: object) -> None:
        if "FROM copies" in statement:
            raw = connection.connection.driver_connection
            (found,) = raw.execute(f"SELECT count(*) FROM ({statement.rstrip()})", parameters).fetchone()  # noqa: S608
            count[0] += found

    return count


if __name__ == "__main__":
    if is_child():
        _child(Path(sys.argv[2]), sys.argv[3], counts=sys.argv[4:] == ["count"])
    else:
        show(measure(small=is_small()))
