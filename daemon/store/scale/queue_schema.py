"""The room in the database that belongs to the queue: made, and made anew for another version of what runs in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from daemon.store.db.engine import Database
from daemon.store.db.errors import StoreError
from daemon.store.meta import get_meta, set_meta

SCHEMA = "rapport_queue"
_MADE_BY = "queue_made_by"


def queue_made_by(database: Database) -> str | None:
    """The version by which the queue was made; None where there is none."""
    with database.reading() as connection:
        there = connection.execute(text("SELECT to_regnamespace(:name)"), {"name": SCHEMA}).scalar() is not None
        return get_meta(connection, _MADE_BY) if there else None


def make_queue(database: Database, statements: str, version: str) -> None:
    """Makes the queue with nothing in it, in place of one that may be there."""
    with database.writing() as connection:
        connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        connection.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")
        connection.exec_driver_sql(f"SET LOCAL search_path TO {SCHEMA}, public")
        connection.connection.cursor().execute(statements)
        connection.exec_driver_sql("SET LOCAL search_path TO public")
        set_meta(connection, _MADE_BY, version)


@contextmanager
def explaining_queue() -> Iterator[None]:
    """What procrastinate and its pool raise, as the store's own error."""
    import psycopg
    import psycopg_pool
    from procrastinate import exceptions

    try:
        yield
    except (exceptions.ConnectorException, psycopg.Error, psycopg_pool.PoolTimeout) as error:
        kind = type(error.__cause__ or error).__name__
        raise StoreError(f"the queue's database does not answer ({kind})", "Check that PostgreSQL runs.") from None
