"""What can be wrong with the store as a whole, each a sentence and a remedy for people."""

from __future__ import annotations

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


_KNOWN = (
    ("database is locked", "the store is locked by another process", "Wait for it to finish, or stop it, and try again."),
    ("disk is full", "the disk that holds the store is full", "Free some space and run the command again; nothing is lost."),
    ("disk i/o error", "the disk that holds the store reports an error", "Check the disk and its free space, then try again."),
    ("not a database", "the file of the store is not a Rapport store", "Check store.url, or restore a backup."),
    ("malformed", "the file of the store is damaged", "Restore a backup (the copies can also be read again by a new store)."),
    ("readonly database", "the store cannot be written", "Check the owner and the permissions of its file and folder."),
    ("unable to open database", "the file of the store cannot be opened", "Check that its folder exists and may be written."),
    ("connection refused", "the database server does not answer", "Check store.url and that the server runs."),
    ("could not translate host", "the database server's name is not known", "Check store.url."),
    ("password authentication failed", "the database server refuses the password", "Check the secret behind store.url."),
)  # fmt: skip


def explained(error: DBAPIError) -> StoreError:
    """A database error in words. The driver's message may quote values, so only its kind is told."""
    text = str(error.orig).lower()
    for mark, what, remedy in _KNOWN:
        if mark in text:
            return StoreError(what, remedy)
    return StoreError(
        f"the store failed ({type(error.orig).__name__})",
        "Look at the database server's or system's log, then try again.",
    )


@contextmanager
def explaining() -> Iterator[None]:
    """Turns database errors into `StoreError`, without the statement and its values."""
    try:
        yield
    except DBAPIError as error:
        raise explained(error) from None
