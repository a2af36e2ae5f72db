"""`rapport run`: reads calendars and sends digests when they are due, until it is told to stop.

What is due lives in the store (`daemon.agenda`). Two jobs of a scheduler look every second whether something is: one
reads calendars, one sends digests; a third only proves that the loop turns.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from connectors.contract import Calendars
from connectors.skew import observed
from daemon.agenda import (
    digest_due,
    is_planned,
    is_sync_planned,
    month_due,
    next_after,
    set_digest_due,
    set_sync_due,
    sync_due,
)
from daemon.alerts import Alarm, problems_of
from daemon.config import Config
from daemon.digests import Newsroom
from daemon.due import stale_for
from daemon.outbox import NO_SEND, Outbox, sending_is_off
from daemon.outside import NoSender, Senders, connect
from daemon.passes import ConnectorResult, Pass
from daemon.reports import NothingRead, UnknownMonth, known_months, reach_of
from daemon.rescore import rescore
from daemon.scope import Scope, known_scope
from daemon.settings import Digest
from daemon.store.deliveries import State, read_deliveries
from daemon.store.engine import Database
from daemon.store.errors import StoreError
from daemon.sync import note_clock, run_pass
from scoring.months import Month, missing

log = structlog.get_logger()

_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 300.0
_STOPS_WITHIN_SECONDS = 8.0
_ALERTS_EVERY_SECONDS = 60.0
_TURNS_WITHIN_SECONDS = 60.0


class Pauses:
    """Growing pauses after trouble with something of ours; none once it works again."""

    def __init__(self) -> None:
        self._until = 0.0
        self._next = _FIRST_PAUSE

    def over(self) -> bool:
        return time.monotonic() >= self._until

    def lengthen(self) -> float:
        """Begins a pause, twice as long as the last; answers how many seconds."""
        seconds = self._next
        self._until = time.monotonic() + seconds
        self._next = min(2 * seconds, _LONGEST_PAUSE)
        return seconds

    def end(self) -> None:
        self._until, self._next = 0.0, _FIRST_PAUSE


@dataclass(kw_only=True)
class Listener:
    """Who is told what the service did: metrics, alerts. Each is called from the service's own threads."""

    passed: Callable[[Sequence[ConnectorResult], float], None] = lambda *_: None
    delivered: Callable[[State], None] = lambda _: None
    store_up: Callable[[bool], None] = lambda _: None
    rescored: Callable[[float], None] = lambda _: None


@dataclass(kw_only=True)
class Service:
    """The running service over one store. `reload` may be called from any thread."""

    config: Config
    database: Database
    listener: Listener = field(default_factory=Listener)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    tick_seconds: float = 1.0

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._reading = threading.Lock()  # one pass at a time: the scheduled one, or the one before a digest
        self._sending = threading.Lock()
        self._turned = time.monotonic()
        self._calendars: list[Calendars] | None = None
        self._pauses = {name: Pauses() for name in ("sync", "digests", "stale", "alerts")}
        self._looked_at = -_ALERTS_EVERY_SECONDS
        self._new_config: Config | None = None
        self._scheduler = _scheduler()

    def start(self) -> None:
        """Begins to look at what is due. Raises `StoreError` when the store cannot be used now."""
        self._plan()
        for job in (self._turn, self._sync, self._digests, self._alerts):
            self._scheduler.add_job(job, "interval", seconds=self.tick_seconds, max_instances=1, coalesce=True)
        self._scheduler.start()

    def stop(self) -> bool:
        """Ends what is going on, or abandons it: nothing half-done is kept. Whether all of it ended in time."""
        self._stopping.set()
        self._let_go()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        until = time.monotonic() + _STOPS_WITHIN_SECONDS
        ended = True
        for lock in (self._reading, self._sending):
            ended = lock.acquire(timeout=max(until - time.monotonic(), 0.01)) and ended
        return ended

    def reload(self, config: Config) -> None:
        """From the next round on, this config. The store stays the one that was opened."""
        self._new_config = config

    def alive(self) -> bool:
        """Whether the loop turns."""
        return time.monotonic() - self._turned < _TURNS_WITHIN_SECONDS

    def ready(self) -> tuple[bool, str]:
        """Whether the store answers and the calendars were read lately; else what is wrong."""
        try:
            with self.database.reading() as connection:
                due = sync_due(connection, self.clock(), self.config.sync.every)
        except StoreError as error:
            return False, error.what
        late = self.clock() - due
        if late > max(2 * self.config.sync.every, timedelta(minutes=5)):
            return False, f"the calendars should have been read {late.total_seconds() / 60:.0f} minutes ago"
        return True, "the store answers, and calendars are read in time"

    def _turn(self) -> None:
        self._turned = time.monotonic()

    def _plan(self) -> None:
        """Writes down what is due next where nothing is planned yet."""
        now = self.clock()
        with self.database.writing() as connection:
            scope = known_scope(connection, self.config)
            for digest in self.config.digests:
                set_digest_due(connection, digest, digest_due(connection, digest, scope, now))

    def _take_new_config(self) -> None:
        """Between two rounds: connectors are made anew."""
        if self._new_config is None:
            return
        with self._sending:
            self.config, self._new_config = self._new_config, None
            self._let_go()
            self._calendars = None
            self._plan()
        log.info("config_reloaded")

    def _let_go(self) -> None:
        for one in self._calendars or ():
            with suppress(Exception):
                one.close()

    def _connectors(self) -> list[Calendars]:
        if self._calendars is None:
            self._calendars = [connect(one, self.config) for one in self.config.connectors]
        return self._calendars

    def _sync(self) -> None:
        self._guarded("sync", self._sync_if_due)

    def _sync_if_due(self) -> None:
        with self._reading:
            self._take_new_config()
            now = self.clock()
            every = self.config.sync.every
            with self.database.reading() as connection:
                due = sync_due(connection, now, every)
                planned = is_sync_planned(connection, due)
            self.listener.store_up(True)
            if not planned:  # the first time, or the clock was set back
                with self.database.writing() as connection:
                    set_sync_due(connection, due)
            if now < due or self._stopping.is_set():
                return
            self._pass(now)
            if not self._stopping.is_set():
                with self.database.writing() as connection:
                    set_sync_due(connection, now + every)

    def _pass(self, now: datetime, only: frozenset[int] | None = None) -> None:
        began = time.monotonic()
        work = Pass(
            database=self.database,
            scope=self._scope(),
            now=now,
            only=only,
            stopping=self._stopping.is_set,
            rescored=self.listener.rescored,
        )
        results = run_pass(work, self._connectors(), all_connectors=only is None)
        if not self._stopping.is_set():
            self.listener.passed(results, time.monotonic() - began)
            for one in results:
                log.info(
                    "read",
                    connector=one.name,
                    calendars=one.calendars,
                    failed=len(one.failed),
                    changed=one.changed,
                    requests=one.requests,
                )

    def _scope(self) -> Scope:
        with self.database.reading() as connection:
            return known_scope(connection, self.config)

    def _digests(self) -> None:
        self._guarded("digests", self._send_what_is_due)

    def _send_what_is_due(self) -> None:
        """Each digest that is due, and what waits for another try."""
        with self._sending:
            for digest in self.config.digests:
                if self._stopping.is_set():
                    return
                self._digest(digest)

    def _digest(self, digest: Digest) -> None:
        now = self.clock()
        scope = self._scope()
        with self.database.reading() as connection:
            due = digest_due(connection, digest, scope, now)
            planned = is_planned(connection, digest, due)
            waiting = {
                one.month
                for one in read_deliveries(connection, digest.name)
                if one.state is State.WAITING and one.next_try <= now
            }
        if not planned:  # the clock was set back
            with self.database.writing() as connection:
                set_digest_due(connection, digest, due)
        if due <= now and not self._waits_for_clock() and self._can_go(digest, due, now):
            self._deliver(digest, month_due(digest, due, now, scope))
            with self.database.writing() as connection:
                set_digest_due(connection, digest, next_after(digest.schedule, now, scope))
        elif waiting and not self._waits_for_clock():
            self._deliver(digest, max(waiting))

    def _waits_for_clock(self) -> bool:
        return note_clock(self.database, observed.seconds()) != 0

    def _can_go(self, digest: Digest, due: datetime, now: datetime) -> bool:
        """Whether the month's calendars are all read, or were waited for long enough (`digests.wait`)."""
        month = month_due(digest, due, now, self._scope())
        if stale := stale_for(self._scope(), now, month):
            if not self._reading.acquire(blocking=False):  # calendars are being read at this moment
                return now >= due + digest.wait
            try:
                if self._pauses["stale"].over():
                    self._pauses["stale"].lengthen()
                    self._pass(now, frozenset(one.id for one in stale))
            finally:
                self._reading.release()
        scope = self._scope()
        lacks = missing(month, [reach_of(one, scope) for one in scope.calendars], scope.zone)
        if not lacks:
            self._pauses["stale"].end()
        return not lacks or now >= due + digest.wait

    def _deliver(self, digest: Digest, month: Month) -> None:
        if sending_is_off():
            log.warning("sending_is_off", because=NO_SEND, digest=digest.name, month=month)
            return
        now = self.clock()
        scope = self._scope()
        rescore(self.database, scope, now)
        with self.database.reading() as connection:
            try:
                known = known_months(connection, scope, now)
                editions = Newsroom(connection, scope, digest, known.check(month), known, now).editions()
            except (NothingRead, UnknownMonth) as error:
                log.warning("nothing_to_tell", digest=digest.name, month=month, problem=str(error))
                return
        with Senders(self.config) as senders:
            outbox = Outbox(database=self.database, senders=senders, digest=digest.name, month=month, clock=self.clock)
            try:
                deliveries = outbox.deliver(editions, patient=True)
            except NoSender as error:
                log.error("no_sender", digest=digest.name, problem=str(error))
                return
        for one in deliveries:
            self.listener.delivered(one.state)

    def _alerts(self) -> None:
        if time.monotonic() - self._looked_at >= _ALERTS_EVERY_SECONDS:
            self._guarded("alerts", self._tell_what_is_wrong)
            self._looked_at = time.monotonic()

    def _tell_what_is_wrong(self) -> None:
        """What needs somebody goes to `[alerts]`, and into the log in any case."""
        now = self.clock()
        scope = self._scope()
        with self.database.reading() as connection:
            found = problems_of(connection, scope, now)
        with Senders(self.config) as senders:
            if not sending_is_off():
                Alarm(self.database, self.config, senders).tell(found, now)

    def _guarded(self, what: str, work: Callable[[], None]) -> None:
        """Nothing that fails here ends the service: it is told, and tried again after a growing pause."""
        pauses = self._pauses[what]
        if self._stopping.is_set() or not pauses.over():
            return
        try:
            work()
        except StoreError as error:
            self.listener.store_up(False)
            log.error("store_trouble", during=what, problem=error.what, again_in_seconds=pauses.lengthen())
        except Exception as error:  # a defect must not end the service
            seconds = pauses.lengthen()
            log.error("defect", during=what, kind=type(error).__name__, again_in_seconds=seconds, exc_info=True)
        else:
            pauses.end()


def _scheduler() -> Any:
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.schedulers.background import BackgroundScheduler

    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)  # says every second that a long job still runs
    return BackgroundScheduler(executors={"default": ThreadPoolExecutor(4)}, timezone=UTC)
