"""Whether a worker may take jobs, and its place on the list of those that are there."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from datetime import datetime

import structlog

from daemon.store.db.engine import Database
from daemon.store.db.errors import StoreError
from daemon.store.meta import SCHEDULER, get_meta
from daemon.store.scale.workers import drop_worker, read_workers, see_worker
from daemon.store.schema import REVISIONS, revision_of
from daemon.workers import queue as queues

log = structlog.get_logger()


class StoreUpgraded(Exception):
    """A newer version has upgraded the store."""


class NotEligible(Exception):
    """This worker may take no jobs now. Says why."""


class StoreNotReady(NotEligible):
    """The store is not made for workers yet."""


class Membership:
    """One worker's: while its config and rules (`fingerprint`) are the scheduler's, and it knows the store's schema."""

    def __init__(self, database: Database, worker: str, *, lease_seconds: float, began_at: datetime) -> None:
        self._database = database
        self._worker = worker
        self._lease_seconds = lease_seconds
        self._began_at = began_at
        self._listed = False
        self._said: str | None = None

    def check(self, fingerprint: str) -> None:
        """Raises `StoreUpgraded`, `NotEligible` and `StoreError`."""
        with self._database.reading() as connection:
            revision = revision_of(connection)
            if revision is not None and revision not in REVISIONS:
                raise StoreUpgraded
            if revision is not None and revision != REVISIONS[-1]:
                raise StoreNotReady("the store is of an older version: run `rapport db upgrade`")
            theirs = None if revision is None else get_meta(connection, SCHEDULER)
        if theirs is None or not queues.is_there(self._database):
            raise StoreNotReady("no scheduler has been here yet: start `rapport run` with the same config")
        if theirs != fingerprint:
            raise NotEligible("its config or rules differ from the scheduler's: give both the same config and version")

    def look(self, fingerprint: str) -> str | None:
        """None if this worker may take jobs, else why not; told when it changes.

        Raises `StoreUpgraded` and `StoreError`.
        """
        reason = None
        try:
            self.check(fingerprint)
            self._listed = True
        except NotEligible as error:
            reason = str(error)
            self._listed = not isinstance(error, StoreNotReady)
        if reason != self._said:
            self._said = reason
            if reason is None:
                log.info("works", worker=self._worker)
            else:
                log.warning("takes_no_jobs", worker=self._worker, because=reason)
        self.sign()
        return reason

    def sign(self) -> None:
        """Notes in the store that this worker is there, whether it takes jobs or ends those that it has."""
        if not self._listed:
            return
        with self._database.noting() as connection:
            see_worker(
                connection,
                name=self._worker,
                host=socket.gethostname(),
                process=os.getpid(),
                began_at=self._began_at,
                lease_seconds=self._lease_seconds,
                idle_because=self._said,
            )

    def leave(self) -> None:
        """Signs off: what it has not done is nobody's fault."""
        self._listed = False
        with suppress(StoreError), self._database.noting() as connection:
            drop_worker(connection, self._worker)

    def of(self, worker: str) -> bool | None:
        """Whether another worker is there; None if it has signed off."""
        with self._database.reading() as connection:
            return next((seen.alive for seen in read_workers(connection) if seen.name == worker), None)
