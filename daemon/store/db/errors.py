"""What can be wrong with the store as a whole, each a sentence and a remedy for people."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError


class StoreError(Exception):
    """The store cannot be used now. `remedy` says what to do; `exit_code` is 1 unless it is a matter of set-up."""

    exit_code = 1

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


class StoreNewer(StoreError):
    """Written by a newer version; this one refuses to touch it."""

    exit_code = 2


_NO_ACCESS = "Check the owner and the permissions of its file and folder."
_NO_SERVER = "Check store.url, and that the server runs."
_KNOWN = (
    ("database is locked", "the store is locked by another process", "Wait until it has finished, and try again."),
    ("disk is full", "the disk that holds the store is full", "Free some space and try again; nothing is lost."),
    ("disk i/o error", "the disk that holds the store reports an error", "Check the disk and its free space."),
    ("not a database", "the file of the store is no Rapport store", "Check store.url, or restore a backup."),
    ("malformed", "the file of the store is damaged", "Restore a backup, or begin a new store and sync again."),
    ("readonly database", "the store cannot be written", _NO_ACCESS),
    ("unable to open database", "the file of the store cannot be opened", _NO_ACCESS),
    ("connection refused", "the database server does not answer", _NO_SERVER),
    ("could not translate host", "the database server's name is not known", _NO_SERVER),
    ("password authentication failed", "the database server refuses the password", "Check the secret in store.url."),
)


def explained(error: BaseException | None) -> StoreError:
    """A driver's error in words. Its message may quote values, so only its kind is told."""
    text = str(error).lower()
    for mark, what, remedy in _KNOWN:
        if mark in text:
            return StoreError(what, remedy)
    return StoreError(
        f"the store failed ({type(error).__name__})",
        "Look at the database server's or system's log, then try again.",
    )


@contextmanager
def explaining() -> Iterator[None]:
    """Turns database errors into `StoreError`, without the statement and its values."""
    try:
        yield
    except DBAPIError as error:
        raise explained(error.orig) from None


@contextmanager
def explaining_sqlite() -> Iterator[None]:
    """The same for what is done with a file by SQLite's own driver, and SQLAlchemy's errors too."""
    with explaining():
        try:
            yield
        except sqlite3.Error as error:
            raise explained(error) from None
