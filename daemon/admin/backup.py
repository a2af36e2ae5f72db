"""Backups of the store, and moving it to another database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daemon.service.instance_lock import HeldElsewhere, InstanceLock
from daemon.store.db.engine import Database
from daemon.store.db.errors import StoreError
from daemon.store.files.known_backups import remember_backup
from daemon.store.files.sqlite_file import as_one_file, becoming, copy_store, held_alone, store_in
from daemon.store.files.transfer import copy_rows, count_rows, holds_anything
from daemon.store.schema import REVISIONS, bring_up_to_date, check_revision, migrate


def back_up(database: Database, target: Path) -> None:
    """Writes one consistent state of the store to a new file, while others use it, and notes where it is.

    The file is a SQLite store, whatever the database: any of them can go back to it. Raises `StoreError`.
    """
    found = check_revision(database)
    if found is None:
        raise StoreError("there is nothing stored yet", "Run `rapport sync` first.")
    if database.is_sqlite:
        copy_store(database, target)
    else:
        if found != REVISIONS[-1]:
            raise StoreError("the store is of an older version", "Run `rapport db upgrade` first, after a pg_dump.")
        copy_portable(database, target)
    if found == REVISIONS[-1]:
        with database.writing() as connection:
            remember_backup(connection, target)


def copy_portable(database: Database, target: Path) -> None:
    """A server's store as a SQLite file, as of one moment."""
    with becoming(target) as partial:
        copy = store_in(partial)
        try:
            migrate(copy)
            with database.reading() as source, copy.writing() as connection:
                copy_rows(source, connection)
        finally:
            copy.close()
        as_one_file(partial)


def move(source: Database, target: Database) -> dict[str, int]:
    """Copies a SQLite store to an empty PostgreSQL database, all or nothing; answers how many rows of each table.

    The source stays as it is. Raises `StoreError`, also while another process has the source open.
    """
    if source.file is None or target.is_sqlite:
        raise StoreError(
            "a store is moved from SQLite to PostgreSQL", "Name a database such as postgresql+psycopg://USER@HOST/NAME."
        )
    if check_revision(source) is None:
        raise StoreError("there is nothing stored yet", "Set store.url to the new database and run `rapport sync`.")
    bring_up_to_date(source)
    with service_stopped(source):
        source.close()
        with held_alone(source.file):
            pass  # nobody else has it open, and no service begins before the end
        bring_up_to_date(target)
        with source.reading() as rows, target.writing() as connection:
            if full := holds_anything(count_rows(connection)):
                raise StoreError(
                    f"the target holds something already (table {', '.join(full)})", "Name an empty database."
                )
            return copy_rows(rows, connection)


@contextmanager
def service_stopped(database: Database) -> Iterator[None]:
    """Keeps a service from running on the store meanwhile. Raises `StoreError` if one does."""
    try:
        with InstanceLock(database):
            yield
    except HeldElsewhere as error:
        raise StoreError(
            f"a service runs on the store ({error})", "Stop it first: this needs the store alone."
        ) from None
