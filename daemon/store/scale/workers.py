"""Processes that do queued work, by the database's clock, so that machines need not agree on the time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Connection, cast, delete, func, literal_column, select
from sqlalchemy.dialects import postgresql

from daemon.store.db.bulk import table_of
from daemon.store.db.tables import WorkerRow

_WORKERS = table_of(WorkerRow)
_NOW = cast(func.extract("epoch", func.clock_timestamp()) * literal_column("1000"), BigInteger)
_GONE_AFTER_MILLIS_A_SECOND = 800  # of a lease, so that nobody is given work whose jobs are about to be taken away
_FORGOTTEN_AFTER_MILLIS = 24 * 3_600_000


WORKING, IDLE, GONE = "working", "idle", "gone"


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """A worker: `process` is its number on its `host`. `began_at` is by its own clock, `seen_at` by the database's.

    `idle_because`: why it takes no jobs, None while it does. `alive`: seen within most of its lease.
    """

    name: str
    host: str
    process: int
    began_at: datetime
    seen_at: datetime
    lease_seconds: float
    idle_because: str | None
    alive: bool

    @property
    def state(self) -> str:
        """`gone`: not seen for some time (twenty seconds), and not ended by itself."""
        return GONE if not self.alive else IDLE if self.idle_because else WORKING


def see_worker(
    connection: Connection,
    *,
    name: str,
    host: str,
    process: int,
    began_at: datetime,
    lease_seconds: float,
    idle_because: str | None,
) -> None:
    """Notes that a worker is there now. Unseen for `lease_seconds`, it is taken to be gone."""
    row = {
        "host": host,
        "process": process,
        "began_at": began_at,
        "lease_seconds": lease_seconds,
        "idle_because": idle_because,
    }
    statement = postgresql.insert(_WORKERS).values(name=name, **row, seen_at=_NOW)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"seen_at": _NOW, "idle_because": idle_because})
    )


def drop_worker(connection: Connection, name: str) -> None:
    """It has ended; so have those that have not been seen for a day."""
    old = _WORKERS.c.seen_at < _NOW - _FORGOTTEN_AFTER_MILLIS
    connection.execute(delete(_WORKERS).where((_WORKERS.c.name == name) | old))


def read_workers(connection: Connection) -> list[Worker]:
    """All that were seen within a day, oldest first."""
    alive = (_WORKERS.c.seen_at > _NOW - _WORKERS.c.lease_seconds * _GONE_AFTER_MILLIS_A_SECOND).label("alive")
    rows = connection.execute(select(_WORKERS, alive).order_by(_WORKERS.c.began_at, _WORKERS.c.name)).mappings()
    return [Worker(**row) for row in rows]
