"""A SQLite store as a file: copied while in use, held alone, made anew without what was deleted."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import URL

from daemon.store.db.engine import Database
from daemon.store.db.errors import StoreError, explained, explaining_sqlite

_MARGIN_BYTES = 1 << 20


def store_in(path: Path) -> Database:
    """The store in a file."""
    return Database(URL.create("sqlite", database=str(path)).render_as_string(hide_password=False))


def stamped(path: Path, what: str) -> Path:
    """A name beside a file that tells when and for what: `rapport.db.20261101T080000Z.replaced`."""
    return path.with_name(f"{path.name}.{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{what}")


def size_of(file: Path) -> int:
    """How many bytes a store takes, with its log."""
    parts = (file, file.with_name(f"{file.name}-wal"))
    return sum(part.stat().st_size for part in parts if part.exists())


def check_room(folder: Path, needed_bytes: int, what: str) -> None:
    """Raises `StoreError` where a disk has no room for so much more."""
    free = shutil.disk_usage(folder).free
    if free < needed_bytes + _MARGIN_BYTES:
        raise StoreError(
            f"{what} needs {needed_bytes / 1e6:.1f} MB on the disk of {folder}, which has {free / 1e6:.1f} MB free",
            "Free some space and try again; nothing is lost.",
        )


def copy_store(database: Database, target: Path) -> None:
    """Writes one consistent state of a SQLite store to a new file, its owner's alone, while others read and write.

    The file is there whole or not at all, and never in place of another. Raises `StoreError`.
    """
    if database.file is None:
        raise StoreError("the store is in no file", "Use the database server's own tools.")
    with database.engine.connect() as connection:
        raw = connection.connection.driver_connection
        if not isinstance(raw, sqlite3.Connection):
            raise StoreError("the store is in no file", "Use the database server's own tools.")
        copy_connected(raw, target)


def copy_connected(raw: sqlite3.Connection, target: Path) -> None:
    """The same from a connection that is open already."""
    with becoming(target) as partial, explaining_sqlite():
        (pages,), (size,) = raw.execute("PRAGMA page_count").fetchone(), raw.execute("PRAGMA page_size").fetchone()
        check_room(target.parent, pages * size, "the backup")
        raw.execute("VACUUM INTO ?", (str(partial),))


@contextmanager
def becoming(target: Path) -> Iterator[Path]:
    """An empty file, its owner's alone, that gets its name when it is filled, on the disk, and found whole.

    Raises `StoreError` where a file of that name is there, before or at the end.
    """
    if target.exists() or target.is_symlink():
        raise StoreError(f"{target} is there already", "Name another file; a backup never overwrites one.")
    if not target.parent.is_dir():
        raise StoreError(f"there is no folder {target.parent}", "Make it first, or name another.")
    partial = unfinished(target)
    try:
        make_private(partial)
        yield partial
        sync_to_disk(partial)
        if is_damaged(partial):
            raise StoreError("the copy of the store is damaged", "Check the disk, and try again.")
        _give_name(partial, target)
    except OSError as error:
        raise StoreError(f"{target} cannot be written ({error.strerror})", "Check the folder and its space.") from None
    finally:
        discard(partial)


def unfinished(target: Path) -> Path:
    """What a file is called until it is whole."""
    return target.with_name(f".{target.name}.{os.getpid()}.partial")


def discard(file: Path) -> None:
    """Deletes a store's file with its log, if it is there."""
    for part in _parts(file):
        with suppress(OSError):
            part.unlink()


def _parts(file: Path) -> list[Path]:
    return [file, *(file.with_name(file.name + ending) for ending in ("-wal", "-shm", "-journal"))]


def make_private(path: Path) -> None:
    """Makes an empty file that only its owner can read; SQLite then fills it."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _give_name(partial: Path, target: Path) -> None:
    """Never in place of a file that has come meanwhile."""
    try:
        os.link(partial, target)
    except FileExistsError:
        raise StoreError(f"{target} is there already", "Name another file; a backup never overwrites one.") from None
    except OSError:  # a file system without links
        partial.rename(target)
    sync_to_disk(target.parent)


def is_damaged(file: Path) -> bool:
    """Whether a file is no SQLite database, or one that does not hold together."""
    try:
        with closing(sqlite3.connect(file)) as connection:
            (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        raise explained(error) from None
    except sqlite3.DatabaseError:
        return True
    return bool(answer != "ok")


def copy_of(source: Path, target: Path) -> None:
    """Copies a backup into an empty file, without touching the backup. Raises `StoreError` unless it is whole."""
    if not source.is_file():
        raise StoreError(f"there is no file {source}", "Name a backup that `rapport db backup` has written.")
    check_room(target.parent, 3 * source.stat().st_size, "going back to this backup")
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as backup,
            closing(sqlite3.connect(target)) as copy,
        ):
            backup.backup(copy)
    except sqlite3.DatabaseError as error:
        known = explained(error)
        raise StoreError(
            f"{source} cannot be restored: {known.what}", "Name another backup; nothing was changed."
        ) from None
    if is_damaged(target):
        raise StoreError(f"{source} is damaged", "Name another backup; nothing was changed.")


def as_one_file(file: Path) -> None:
    """Leaves a store that nobody has open without a log beside it, as backups are kept."""
    with explaining_sqlite(), closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def move_aside(file: Path) -> Path:
    """A damaged store gets another name, with its log."""
    aside = stamped(file, "replaced")
    for part, other in zip(_parts(file), _parts(aside), strict=True):
        if part.exists():
            part.rename(other)
    return aside


def put_in_place(source: Path, file: Path) -> None:
    """A store that is whole gets its name; there is none of that name."""
    sync_to_disk(source)
    source.rename(file)
    sync_to_disk(file.parent)


def sync_to_disk(path: Path) -> None:
    """Waits until a file or a folder's list of names is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def held_alone(file: Path) -> Iterator[sqlite3.Connection]:
    """The store's file for this process alone, until the end. Raises `StoreError` where any other has it open."""
    with explaining_sqlite():
        connection = sqlite3.connect(file, timeout=1.0, isolation_level=None)
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
            yield connection
        finally:
            connection.close()


def replace_contents(source: Path, held: sqlite3.Connection) -> None:
    """Puts another store's contents in place of those of the one that is held: all of it, or, when killed, nothing."""
    with explaining_sqlite(), closing(sqlite3.connect(source)) as other:
        other.backup(held)
        held.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def compact(database: Database) -> None:
    """Makes a SQLite file anew, so that neither it nor its log holds anything that was deleted. Raises `StoreError`."""
    if database.file is None:
        return
    size = size_of(database.file)
    check_room(database.file.parent, size, "making the store's file anew")
    check_room(Path(tempfile.gettempdir()), size, "making the store's file anew")
    with explaining_sqlite(), database.engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)  # noqa: S101  # for the type checker: there is a file
        try:
            raw.execute("PRAGMA temp_store = FILE")  # else a large store would be copied through memory
            raw.execute("VACUUM")
            (busy, _, _) = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            connection.invalidate()
    if busy:
        raise StoreError(
            "another process reads the store, whose log may still hold what was deleted",
            "Run the same command again when it has ended.",
        )
