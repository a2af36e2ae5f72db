"""A connector's pace, kept by all machines together: token buckets in the database (PostgreSQL)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

from sqlalchemy import text

from daemon.store.db.engine import Database

_MARGIN = 0.97
"""Requests leave a little after they were allowed, so the allowance is a little below the limit."""
_HELD_SECONDS = 1.0
_BLOCKS_A_MINUTE = 6_000

_TAKE = text(
    """
    INSERT INTO paces AS p (name, level, filled_at)
    VALUES (:name, :size - :count, extract(epoch FROM clock_timestamp()))
    ON CONFLICT (name) DO UPDATE SET
        level = least(
            :size, p.level + greatest(0, extract(epoch FROM clock_timestamp()) - p.filled_at) * :rate
        ) - :count,
        filled_at = greatest(p.filled_at, extract(epoch FROM clock_timestamp()))
    RETURNING level
    """
)


def shared_by_all(database: Database) -> Callable[[str, int], SharedTokenBucket]:
    """For `connectors.contract.Context.shared`: the bucket of a connector, by its name and its requests a minute."""
    return partial(SharedTokenBucket, database)


class SharedTokenBucket:
    """At most `per_minute` in any sixty seconds from all machines: a tenth of it at once, the rest evenly.

    What is taken comes in blocks of a hundredth of a second's allowance, so that a fast pace is not a query a request;
    of a block, what is not used within a second is lost.
    """

    def __init__(self, database: Database, name: str, per_minute: int) -> None:
        self._database = database
        self._name = name
        allowed = per_minute * _MARGIN
        self._size = max(1.0, allowed / 10)
        self._rate = max(1.0, allowed - self._size) / 60
        self._block = max(1, per_minute // _BLOCKS_A_MINUTE)
        self._left = 0
        self._from = 0.0
        self._lock = threading.Lock()

    def take(self) -> float:
        """Takes one, and answers how many seconds to wait before using it. Raises `StoreError`."""
        with self._lock:
            now = time.monotonic()
            if self._left and now < self._from + _HELD_SECONDS:
                self._left -= 1
                return max(0.0, self._from - now)
        with self._database.noting() as connection:
            values = {"name": self._name, "size": self._size, "rate": self._rate, "count": self._block}
            level = float(connection.execute(_TAKE, values).scalar_one())
        wait = max(0.0, -level / self._rate)
        with self._lock:
            self._left = self._block - 1
            self._from = time.monotonic() + wait
        return wait
