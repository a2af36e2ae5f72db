"""One service for each store: who runs it holds a lock, and whoever comes second is told who that is."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog
from filelock import FileLock, Timeout
from sqlalchemy import Connection

from daemon.store.db.engine import Database
from daemon.store.meta import get_meta, set_meta

log = structlog.get_logger()

_HOLDER = "service holder"
_LOCK = 7_204_991_552_218_341  # any number of ours, for PostgreSQL

_CONFIRMED_FOR_SECONDS = 1.0


class HeldElsewhere(Exception):
    """Another service runs on this store. Says which."""


class InstanceLock:
    """Holds the store for this process while `with` lasts. Raises `HeldElsewhere`.

    The system lets go when the process ends. A database server lets go as well when it restarts, or when the connection
    breaks: `confirm`, called before anything is done, finds that out.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._file: FileLock | None = None
        self._connection: Connection | None = None
        self._turn = threading.Lock()
        self._confirmed = 0.0

    def __enter__(self) -> Self:
        if self._database.file is not None:
            self._hold_file(self._database.file)
        else:
            self._hold_server()
        self._sign()
        return self

    def confirm(self) -> None:
        """Makes sure that the store is still this process's, and takes it again where a server lost it meanwhile.

        Raises `HeldElsewhere` when another was quicker, and `StoreError` while the server does not answer. For any
        thread; the server is asked once a second at most.
        """
        if self._database.file is not None:
            return
        with self._turn:
            if self._connection is not None and time.monotonic() - self._confirmed < _CONFIRMED_FOR_SECONDS:
                return
            if self._connection is None or not self._database.session_lives(self._connection):
                self._connection = None
                self._hold_server()
                self._sign()
                log.warning("lock_taken_again", because="the database server had let go of it")
            self._confirmed = time.monotonic()

    def _sign(self) -> None:
        with self._database.writing() as connection:
            set_meta(connection, _HOLDER, _this_one())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.release()
        if self._connection is not None:
            self._connection.close()

    def _hold_file(self, store: Path) -> None:
        self._file = FileLock(store.with_name(f"{store.name}.lock"), mode=0o600)
        try:
            self._file.acquire(blocking=False)
        except Timeout:
            raise HeldElsewhere(self._who()) from None

    def _hold_server(self) -> None:
        """A lock of the session: it ends with the connection, whatever happens to us."""
        self._connection = self._database.locked_session(_LOCK)
        if self._connection is None:
            raise HeldElsewhere(self._who())

    def _who(self) -> str:
        with self._database.reading() as connection:
            kept = get_meta(connection, _HOLDER)
        try:
            found: dict[str, Any] = json.loads(kept or "")
            return f"process {found['process']} on {found['host']}, since {found['since']}"
        except (ValueError, KeyError, TypeError):
            return "another process"


def _this_one() -> str:
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return json.dumps({"process": os.getpid(), "host": socket.gethostname(), "since": since})
