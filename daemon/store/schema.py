"""Versions of the store: a newer one is refused, an older one is migrated after a backup beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from daemon.store.db.engine import WRITERS, Database
from daemon.store.db.errors import StoreError, StoreNewer, explaining
from daemon.store.files.sqlite_file import copy_store, stamped

REVISIONS = ("0001", "0002", "0003", "0004", "0005")
"""Every revision in order; a test compares this with the migrations. Known here so that opening needs no Alembic."""


RETIRED = frozenset(
    {
        ("calendars", name)
        for name in (
            "last_try",
            "last_success",
            "read_through",
            "last_full",
            "held_at",
            "error_code",
            "error",
            "standing",
            "cursor",
            "query",
            "window_start",
            "window_end",
        )
    }
)
"""Columns that nothing reads any more and that PostgreSQL keeps, empty, for a process of the version before."""


def revision_of(connection: Connection) -> str | None:
    """The store's revision, None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def bring_up_to_date(database: Database, *, upgrade: bool = False) -> Path | None:
    """Creates or migrates the schema; answers with the backup made before migrating, if one was.

    On a server, which other machines use as well, an older schema is migrated only if `upgrade` (`rapport db upgrade`).
    Raises `StoreNewer` for a store written by a newer version, `StoreError` for a database that is somebody else's.
    """
    database.prepare_file()
    found = check_revision(database)
    if found == REVISIONS[-1]:
        return None
    if found is not None and not database.is_sqlite and not upgrade:
        raise StoreError(
            f"the store is of an older version (schema {found}; this one needs {REVISIONS[-1]})",
            "Run `rapport db upgrade` once; whatever runs on the older version may go on meanwhile.",
        )
    backup = _back_up(database, found) if found is not None else None
    migrate(database)
    return backup


def check_revision(database: Database) -> str | None:
    """The store's revision, which this version knows; None for an empty database. Raises as `bring_up_to_date`."""
    with database.reading() as connection:
        found = revision_of(connection)
        foreign = found is None and bool(inspect(connection).get_table_names())
    if foreign:
        raise StoreError(
            "the database holds tables that are not Rapport's",
            "Give Rapport a database of its own in store.url.",
        )
    if found is not None and found not in REVISIONS:
        raise StoreNewer(
            f"the store was written by a newer version of Rapport (schema {found}; this one knows {REVISIONS[-1]})",
            "Install the newer version again, or restore the backup that was made before its upgrade.",
        )
    return found


def _back_up(database: Database, found: str) -> Path | None:
    if database.file is None:
        return None
    backup = stamped(database.file.with_name(f"{database.file.name}.{found}"), "backup")
    copy_store(database, backup)
    return backup


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def migrate(database: Database, change: Callable[[Connection], object] = _upgrade) -> None:
    """Changes the schema in one transaction, with foreign keys off and checked at the end.

    With them on, Alembic's batch mode (copy, drop, rename) would cascade the drop into every child row.
    """
    with explaining(), database.engine.connect().execution_options(rapport_writes=True) as connection:
        if database.is_sqlite:
            connection.connection.cursor().execute("PRAGMA foreign_keys = OFF")
        try:
            with connection.begin():
                if not database.is_sqlite:  # of two that begin at once the second finds everything done
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS})")
                change(connection)
                if database.is_sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                    raise StoreError(
                        "the migration would leave rows without their parents", "Report this; nothing was changed."
                    )
        finally:
            connection.invalidate()  # the pool must not hand out a connection without foreign keys
