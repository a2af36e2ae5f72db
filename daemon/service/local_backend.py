"""What is due, done by threads of the service itself: the way of one machine (`docs/design.md` 11)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from connectors.contract import Calendars
from daemon.config.model import Config
from daemon.figures.scoring_context import read_scoring_context
from daemon.service.backend import Backoff, Runtime
from daemon.service.digest_job import DigestJob
from daemon.service.schedule import is_sync_planned, set_sync_due, sync_due
from daemon.store.calendars import Calendar
from daemon.sync.connect import close_all, connect
from daemon.sync.run import run_sync
from daemon.sync.run_values import SyncRun, log_results

log = structlog.get_logger()


class LocalBackend:
    """One run over the calendars at a time, the scheduled one or the one before a digest; see `Backend`."""

    def __init__(self, runtime: Runtime, config: Config) -> None:
        self._runtime = runtime
        self._database = runtime.database
        self._config = config
        self._new_config: Config | None = None
        self._digest_job = DigestJob(runtime, config, self._catch_up)
        self._reading = threading.Lock()
        self._sending = threading.Lock()
        self._stale = Backoff()
        self._calendars: list[Calendars] | None = None

    def plan(self, config: Config) -> None:
        if config is self._config:
            self._digest_job.plan()
        else:
            self._new_config = config  # taken between two runs

    def looks(self) -> Mapping[str, Callable[[], None]]:
        return {"sync": self._sync_if_due, "digests": self._send_what_is_due}

    def ready(self, now: datetime) -> tuple[bool, str]:
        every = self._config.sync.every
        with self._database.reading() as connection:
            late = now - sync_due(connection, now, every)
        if late > max(2 * every, timedelta(minutes=5)):
            return False, f"the calendars should have been read {late.total_seconds() / 60:.0f} minutes ago"
        return True, "the store answers, and calendars are read in time"

    def stop(self) -> None:
        close_all(self._calendars or ())

    def ended(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        ended = True
        for lock in (self._reading, self._sending):
            if lock.acquire(timeout=max(until - time.monotonic(), 0.01)):
                lock.release()  # a look may wait for it, and the process for that look's thread
            else:
                ended = False
        return ended

    def _take_new_config(self) -> None:
        """Between two runs: connectors are made anew."""
        taken = self._new_config
        if taken is None:
            return
        with self._sending:
            self._config = taken
            self.stop()
            self._calendars = None
            self._digest_job = DigestJob(self._runtime, taken, self._catch_up)
            self._digest_job.plan()  # what fails here is tried again, for it is still the new one
        if self._new_config is taken:  # else there is a newer one by now
            self._new_config = None
        log.info("config_reloaded")

    def _sync_if_due(self) -> None:
        with self._reading:
            if self._runtime.stopping.is_set():
                return
            self._take_new_config()
            now = self._runtime.clock()
            every = self._config.sync.every
            with self._database.reading() as connection:
                due = sync_due(connection, now, every)
                planned = is_sync_planned(connection, due)
            self._runtime.observer.store_up(True)
            if not planned:  # the first time, or the clock was set back
                with self._database.writing() as connection:
                    set_sync_due(connection, due)
            if now < due or self._runtime.stopping.is_set():
                return
            self._run_sync(now)
            if not self._runtime.stopping.is_set():
                with self._database.writing() as connection:
                    set_sync_due(connection, now + every)

    def _send_what_is_due(self) -> None:
        with self._sending:
            self._digest_job.send_what_is_due()

    def _catch_up(self, stale: Sequence[Calendar], now: datetime) -> bool:
        """Reads calendars before a digest, with growing pauses while they stay stale."""
        if not stale:
            self._stale.end()
            return True
        if not self._reading.acquire(blocking=False):  # calendars are being read at this moment
            return False
        try:
            if self._stale.over():
                self._stale.lengthen()
                self._run_sync(now, frozenset(calendar.id for calendar in stale))
        finally:
            self._reading.release()
        return True

    def _run_sync(self, now: datetime, only: frozenset[int] | None = None) -> None:
        began = time.monotonic()
        with self._database.reading() as connection:
            context = read_scoring_context(connection, self._config)
        work = SyncRun(
            database=self._database,
            context=context,
            now=now,
            only=only,
            stopping=self._runtime.stopping.is_set,
            rescored=self._runtime.observer.rescored,
        )
        results = run_sync(work, self._connectors(), all_connectors=only is None)
        if not self._runtime.stopping.is_set():
            self._runtime.observer.run_ended(results, time.monotonic() - began)
            log_results(results)

    def _connectors(self) -> list[Calendars]:
        if self._calendars is None:
            self._calendars = [connect(settings, self._config) for settings in self._config.connectors]
        return self._calendars
