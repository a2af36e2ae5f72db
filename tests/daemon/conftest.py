"""Stores to test on: SQLite files and PostgreSQL databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.config.model import Config
from daemon.store.db.engine import Database
from daemon.store.schema import bring_up_to_date
from tests.daemon.worlds import config_of


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Database]:
    """An empty store in a file."""
    database = Database(f"sqlite:///{tmp_path / 'rapport.db'}")
    bring_up_to_date(database)
    yield database
    database.close()


@pytest.fixture
def postgres_store(postgres_url: str) -> Iterator[Database]:
    """An empty store in a database of its own."""
    database = Database(postgres_url)
    bring_up_to_date(database)
    yield database
    database.close()


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
