"""Connections: SQLite with WAL, foreign keys and a busy timeout, or PostgreSQL, behind one way to read and write."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from daemon.store.db.errors import explaining

_BUSY_MILLISECONDS = 5_000
_WRITES = "rapport_writes"
WRITERS = 7_267_706_111
"""The advisory lock of whoever writes; any number that is ours."""
_RELAXED = (
    ", set_config('synchronous_commit', 'off', true)"  # as SQLite's `synchronous = NORMAL`: whole, in order, soon
)
_READING: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
_MOST_CONNECTIONS = 64
_KEEPALIVES = {"idle": 60, "interval": 15, "count": 4}  # seconds, seconds, times


class Database:
    """One store's engine. Writing is one transaction at a time within the process, short by agreement."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(url) if self.is_sqlite else _server_engine(url)
        self._turn = threading.Lock()

    @property
    def file(self) -> Path | None:
        """The file of a SQLite store; None in memory and for a server."""
        if not self.is_sqlite or not self.url.database or self.url.database == ":memory:":
            return None
        return Path(self.url.database)

    @property
    def address(self) -> str:
        """A server's address as PostgreSQL's own library takes it, with the password."""
        return self.url.set(drivername="postgresql").render_as_string(hide_password=False)

    def prepare_file(self) -> None:
        """Makes the SQLite file so that only its owner can read it, before anything is in it."""
        if self.file is not None and not self.file.exists():
            with explaining():
                try:
                    os.close(os.open(self.file, os.O_CREAT | os.O_RDWR, 0o600))
                except OSError:
                    return  # the first connection says it in the store's own words

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the store, whatever others commit meanwhile, and cannot change it.

        SQLite does so by itself from the first look on, but for the refusal; a server has to be told.
        """
        options = {} if self.is_sqlite else _READING
        with explaining(), self.engine.connect().execution_options(**options) as connection:
            yield connection

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[Connection]:
        """A transaction that is committed as a whole or not at all.

        `durable`: once committed it outlasts a power cut too, which readings that can be repeated need not (SQLite
        otherwise writes the log's end to the disk when it comes to it, and so does PostgreSQL as told here).
        """
        with (
            explaining(),
            self._turn,
            self.engine.connect().execution_options(**{_WRITES: True}) as connection,
            self._synchronous(connection, durable=durable),
            connection.begin(),
        ):
            if not self.is_sqlite:  # what SQLite does by itself: one writer at a time, between processes too
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS}){'' if durable else _RELAXED}")
            yield connection

    @contextmanager
    def noting(self) -> Iterator[Connection]:
        """A transaction that changes single rows by themselves, each checked by its own condition.

        On a server it waits for no other writer: most listings find nothing changed, and only this is to be said.
        """
        if self.is_sqlite:
            with self.writing() as connection:
                yield connection
            return
        with explaining(), self.engine.begin() as connection:
            connection.exec_driver_sql(f"SELECT 0{_RELAXED}")
            yield connection

    def locked_session(self, number: int) -> Connection | None:
        """A server's connection that holds this advisory lock until it is closed; None while another holds it.

        It is none of the pool's, where it would live on, and the lock with it.
        """
        with explaining():
            connection = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            if connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({number})").scalar():
                connection.detach()
                return connection
            connection.close()
            return None

    def session_lives(self, connection: Connection) -> bool:
        """Whether a locked session is still there; if not, it is closed, for connected again it would hold no lock."""
        try:
            connection.exec_driver_sql("SELECT 1")
        except DBAPIError:
            connection.invalidate()
            connection.close()
            return False
        return True

    @contextmanager
    def _synchronous(self, connection: Connection, *, durable: bool) -> Iterator[None]:
        """SQLite's `synchronous` for one transaction; it can only be changed outside of one."""
        if not (durable and self.is_sqlite):
            yield
            return
        cursor = connection.connection.cursor()
        cursor.execute("PRAGMA synchronous = FULL")
        try:
            yield
        finally:
            cursor.execute("PRAGMA synchronous = NORMAL")
            cursor.close()

    def close(self) -> None:
        self.engine.dispose()


def _server_engine(url: str) -> Engine:
    """As many connections as there are threads; a server that restarted is noticed before a connection is used."""
    return create_engine(
        url, connect_args=server_options(url), pool_pre_ping=True, pool_size=5, max_overflow=_MOST_CONNECTIONS - 5
    )


def server_options(url: str, more: str = "") -> dict[str, Any]:
    """What connections to a server are opened with, beside what its address says; `more` are further settings.

    Each end finds out within about two minutes that the other's machine is gone, so that no lock outlives it for long.
    """
    settings = (f"-c tcp_keepalives_{name}={value}" for name, value in _KEEPALIVES.items())
    ours = {"connect_timeout": 10} | {f"keepalives_{name}": value for name, value in _KEEPALIVES.items()}
    asked = make_url(url).query
    options = " ".join([*settings, more, str(asked.get("options", ""))]).strip()
    return {"options": options, **{name: value for name, value in ours.items() if name not in asked}}


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": _BUSY_MILLISECONDS / 1000, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves: so DDL is rolled back too (docs/decisions.md)
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout = {_BUSY_MILLISECONDS}",
            "journal_mode = WAL",
            "synchronous = NORMAL",
            "foreign_keys = ON",
            "secure_delete = ON",
            "temp_store = MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
