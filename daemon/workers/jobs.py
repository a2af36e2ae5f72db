"""What a worker does, job by job, by the same functions as the service of one machine.

Every job may be done twice, by two workers at once, or not at all: what is due in the store says so until it is done.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog

from connectors.contract import Calendars, Person
from daemon.config.model import Config
from daemon.figures.scoring_context import ScoringContext, read_scoring_context
from daemon.service.backend import Runtime
from daemon.service.digest_job import DigestJob
from daemon.service.schedule import is_roster_known, set_roster_due
from daemon.store.calendars import Calendar, change_calendar
from daemon.store.db.engine import Database
from daemon.store.db.errors import StoreError
from daemon.store.meta import CLOCK_AHEAD, DERIVED_IN, ROSTER_MARK, get_meta, set_meta
from daemon.store.scale.batches import SPLIT_AFTER, Batch, fill_batches, make_due, put_off, read_batch, unread
from daemon.store.scale.rate_limits import shared_by_all
from daemon.sync.clock_guard import note_clock, observed_ahead
from daemon.sync.connect import close_all, connect
from daemon.sync.figures_step import derive
from daemon.sync.roster import end_first_run
from daemon.sync.run import read_roster, read_side_by_side
from daemon.sync.run_values import ConnectorResult, SyncRun, log_results
from daemon.workers.assignment import comes_back_after, next_slot

log = structlog.get_logger()

_DEFECT_PAUSE = timedelta(minutes=1)
_CLOCKS_APART = timedelta(minutes=1)
_CONTEXT_SECONDS = 600.0
_LONGEST_AWAY = timedelta(days=7)
_DEADLY = "kills"
_DEADLY_TEXT = "Whoever read it was killed, time and again; it is tried again later, alone. Report this."


class ContextCache:
    """The config with the calendars known, kept as long as nobody joins or leaves."""

    def __init__(self, database: Database, config: Config) -> None:
        self._database = database
        self._config = config
        self._lock = threading.Lock()
        self._kept: ScoringContext | None = None
        self._mark: str | None = None
        self._made_at = 0.0

    def current(self) -> ScoringContext:
        with self._lock, self._database.reading() as connection:
            mark = get_meta(connection, ROSTER_MARK)
            old = time.monotonic() - self._made_at > _CONTEXT_SECONDS
            if self._kept is None or mark != self._mark or old:
                self._kept, self._mark = read_scoring_context(connection, self._config), mark
                self._made_at = time.monotonic()
            return self._kept


class Jobs:
    """The jobs of one worker with one config. Used from several threads."""

    def __init__(self, runtime: Runtime, config: Config, worker: str) -> None:
        self._runtime = runtime
        self._database = runtime.database
        self._config = config
        self._worker = worker
        self._contexts = ContextCache(runtime.database, config)
        self._digest_job = DigestJob(runtime, config, self._catch_up)
        self._lock = threading.Lock()
        self._calendars: dict[str, Calendars] = {}
        self._users = 0
        self._retired = False

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """While a job is done with these."""
        with self._lock:
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                over = self._retired and self._users == 0
            if over:
                self.close()

    def retire(self) -> None:
        """Closes as soon as no job is done with these any more."""
        with self._lock:
            self._retired = True
            over = self._users == 0
        if over:
            self.close()

    def close(self) -> None:
        """Lets go of every connector; what waits for the network ends."""
        with self._lock:
            close_all(self._calendars.values())

    def read(self, number: int, among: Sequence[int] | None = None) -> None:
        """A batch's calendars, or those among them that are read apart. Raises `StoreError`."""
        with self._database.reading() as connection:
            batch = read_batch(connection, number)
            now = self._now(batch)
            calendars = [] if batch is None else unread(connection, batch, now, among)
        if batch is None or self._runtime.stopping.is_set():
            return
        try:
            if calendars:
                self._read(batch, calendars, now)
        except StoreError:
            raise
        except Exception:  # a defect must not end the worker, nor come again every second
            log.error("defect", during="read", batch=number, exc_info=True)
            with self._database.noting() as connection:
                put_off(connection, batch, now + _DEFECT_PAUSE, self._worker)
            return
        if not self._runtime.stopping.is_set():
            self._settle(batch)

    def _read(self, batch: Batch, calendars: Sequence[Calendar], now: datetime) -> None:
        context = self._contexts.current()
        result = ConnectorResult(name=batch.connector)
        began = time.monotonic()
        people = [
            (calendar, Person(id=calendar.key, addresses=(calendar.address, *calendar.aliases)))
            for calendar in calendars
        ]
        read_side_by_side(self._sync_run(context, now), context, self._connector(batch.connector), people, result)
        result.seconds = round(time.monotonic() - began, 3)
        note_clock(self._database, observed_ahead())
        if not self._runtime.stopping.is_set():
            log_results([result])
            self._runtime.observer.run_ended([result], result.seconds)

    def _now(self, batch: Batch | None) -> datetime:
        """By this clock, which may be a little behind the one by which the batch is due."""
        now = self._runtime.clock()
        if batch is not None and now < batch.due_at <= now + min(_CLOCKS_APART, self._config.sync.every / 4):
            return batch.due_at
        return now

    def _settle(self, batch: Batch) -> None:
        """Puts the batch off when nothing of it is left to read; else it stays due."""
        with self._database.noting() as connection:
            current = read_batch(connection, batch.id)
            now = self._now(current)
            if current is not None and current.due_at <= now and not unread(connection, current, now):
                put_off(connection, current, next_slot(batch.id, now, self._config.sync.every), self._worker)

    def roster(self, connector: str) -> None:
        """Whose calendars a connector has; new ones are put into batches. Raises `StoreError`."""
        now = self._runtime.clock()
        result = ConnectorResult(name=connector)
        with self._database.reading() as connection:
            context = read_scoring_context(connection, self._config)
        try:
            read_roster(self._sync_run(context, now), self._connector(connector), result)
        except StoreError:
            raise
        except Exception:  # asked again when it is due again
            log.error("defect", during="roster", connector=connector, exc_info=True)
        if self._runtime.stopping.is_set():
            return
        with self._database.writing() as connection:
            added = fill_batches(connection, connector, now)
            set_roster_due(connection, connector, now + self._config.sync.every)
            if all(is_roster_known(connection, settings.name) for settings in self._config.connectors):
                end_first_run(connection, now)
        log.info("roster_read", connector=connector, added=added, failed=len(result.failed), requests=result.requests)

    def derive(self) -> None:
        """The figures that changed. Raises `StoreError`."""
        now = self._runtime.clock()
        with self._database.reading() as connection:
            context = read_scoring_context(connection, self._config)
            ahead = float(get_meta(connection, CLOCK_AHEAD) or 0)
        began = time.monotonic()
        derive(self._sync_run(context, now), ahead)
        with self._database.noting() as connection:
            set_meta(connection, DERIVED_IN, f"{time.monotonic() - began:.1f}")

    def digest(self, name: str) -> None:
        """A digest that is due, if its calendars are read. Raises `StoreError`."""
        for digest in self._config.digests:
            if digest.name == name:
                self._digest_job.look_after(digest)

    def blame(self, number: int, among: Sequence[int] | None) -> None:
        """A worker was killed while it read these: counted for those it had not read. Raises `StoreError`.

        Who was read alone, after two workers had been killed over them, is `unreadable`, and left alone for a while.
        """
        now = self._runtime.clock()
        with self._database.writing() as connection:
            batch = read_batch(connection, number)
            if batch is None:
                return
            left = unread(connection, batch, now, among)
            guilty = among is not None and len(among) == 1
            for calendar in left:
                kills = calendar.kills + 1
                if guilty and kills > SPLIT_AFTER:
                    away = comes_back_after(kills, self._config.sync.every, _LONGEST_AWAY)
                    change_calendar(
                        connection,
                        calendar.id,
                        kills=kills,
                        again_at=now + away,
                        last_try=now,
                        error_code=_DEADLY,
                        error=_DEADLY_TEXT,
                        standing=True,
                    )
                    log.error("calendar_kills", connector=calendar.connector, calendar=calendar.id, workers=kills)
                else:
                    change_calendar(connection, calendar.id, kills=kills)

    def _catch_up(self, stale: Sequence[Calendar], now: datetime) -> bool:
        """What a digest needs is read before its time; not what was tried a moment ago."""
        lately = now - timedelta(minutes=1)
        wanted = [calendar for calendar in stale if calendar.last_try is None or calendar.last_try < lately]
        if wanted:
            with self._database.noting() as connection:
                make_due(connection, wanted, now)
        return True

    def _connector(self, name: str) -> Calendars:
        with self._lock:
            if name not in self._calendars:
                settings = next(each for each in self._config.connectors if each.name == name)
                self._calendars[name] = connect(settings, self._config, shared_by_all(self._database))
            return self._calendars[name]

    def _sync_run(self, context: ScoringContext, now: datetime) -> SyncRun:
        return SyncRun(
            database=self._database,
            context=context,
            now=now,
            stopping=self._runtime.stopping.is_set,
            rescored=self._runtime.observer.rescored,
        )
