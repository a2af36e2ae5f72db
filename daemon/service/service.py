"""`rapport run`: looks at what is due, until it is told to stop.

What is due lives in the store (`daemon.service.schedule`). Jobs of a scheduler look every second whether something is;
how it gets done is the backend's business. One more job only proves that the loop turns, and one tells what is wrong.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog

from daemon.config.model import Config
from daemon.digests.outbox import sending_is_off
from daemon.digests.senders import Senders
from daemon.figures.scoring_context import read_scoring_context
from daemon.service.alerts import Alarm, problems_of
from daemon.service.backend import Backend, Backoff, Observer, Runtime
from daemon.service.instance_lock import HeldElsewhere
from daemon.service.local_backend import LocalBackend
from daemon.store.db.engine import Database
from daemon.store.db.errors import StoreError
from daemon.store.meta import CONFIG_REFUSED, set_meta

log = structlog.get_logger()

_CONFIG_KEPT = (
    "the config was wrong when it was read again, so the one before is in force; `rapport check` says what is wrong"
)
_STOPS_WITHIN_SECONDS = 8.0
_ALERTS_EVERY_SECONDS = 60.0
_TURNS_WITHIN_SECONDS = 60.0


@dataclass(kw_only=True)
class Service:
    """The running service over one store. `reload` may be called from any thread."""

    config: Config
    database: Database
    observer: Observer = field(default_factory=Observer)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    tick_seconds: float = 1.0
    make_backend: Callable[[Runtime, Config], Backend] = LocalBackend
    confirm: Callable[[], None] = lambda: None
    """Asked before anything is done: raises `HeldElsewhere` when the store has become another service's."""

    def __post_init__(self) -> None:
        self.superseded_by: str | None = None
        self._refused: str | None = None
        self._noted: str | None = ""  # nothing yet: what a former process noted is not known
        self._stopping = threading.Event()
        self._turned = time.monotonic()
        self._pauses: dict[str, Backoff] = {}
        self._looked_at = -_ALERTS_EVERY_SECONDS
        runtime = Runtime(database=self.database, clock=self.clock, observer=self.observer, stopping=self._stopping)
        self.backend = self.make_backend(runtime, self.config)
        self._scheduler = _scheduler()

    def start(self) -> None:
        """Begins to look at what is due. Raises `StoreError` when the store cannot be used now."""
        self.backend.plan(self.config)
        looks = {"config": self._note_config, **self.backend.looks(), "alerts": self._alerts}
        self._pauses = {name: Backoff() for name in looks}
        for job in (self._turn, *(partial(self._guarded, name, look) for name, look in looks.items())):
            self._scheduler.add_job(job, "interval", seconds=self.tick_seconds, max_instances=1, coalesce=True)
        self._scheduler.start()

    def stop(self) -> bool:
        """Ends what is going on, or abandons it: nothing half-done is kept. Whether all of it ended in time."""
        self._stopping.set()
        self.backend.stop()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        return self.backend.ended(_STOPS_WITHIN_SECONDS)

    def reload(self, config: Config) -> None:
        """From the next look on, this config. The store stays the one that was opened."""
        self.config = config
        self.backend.plan(config)
        self._set_refused(None)

    def refuse(self) -> None:
        """A changed config was wrong: on by the one before, which is told wherever people and machines look."""
        self._set_refused(_CONFIG_KEPT)

    def _set_refused(self, text: str | None) -> None:
        self._refused = text
        self.observer.config_refused(text is not None)

    def alive(self) -> bool:
        """Whether the loop turns."""
        return time.monotonic() - self._turned < _TURNS_WITHIN_SECONDS

    def ready(self) -> tuple[bool, str]:
        """Whether the store answers and the calendars were read lately, and what has to be said about it."""
        try:
            ready, why = self.backend.ready(self.clock())
        except StoreError as error:
            return False, error.what
        return ready, (self._refused or "") if ready else why

    def _turn(self) -> None:
        self._turned = time.monotonic()

    def _note_config(self) -> None:
        """For `rapport status`, and for alerts."""
        refused = self._refused
        if refused != self._noted:
            with self.database.writing() as connection:
                set_meta(connection, CONFIG_REFUSED, refused)
            self._noted = refused

    def _alerts(self) -> None:
        if time.monotonic() - self._looked_at >= _ALERTS_EVERY_SECONDS:
            self.tell_what_is_wrong()
            self._looked_at = time.monotonic()

    def tell_what_is_wrong(self) -> None:
        """What needs somebody goes to `[alerts]`, and into the log in any case."""
        now = self.clock()
        with self.database.reading() as connection:
            context = read_scoring_context(connection, self.config)
            found = problems_of(connection, context, now)
        with Senders(self.config) as senders:
            if not sending_is_off():
                Alarm(self.database, self.config, senders).tell(found, now)

    def _give_way(self, other: str) -> None:
        """Begins nothing more; whoever runs the service sees it by `superseded_by`, and stops it."""
        if not self._stopping.is_set():
            log.error("superseded", by=other)
        self._stopping.set()
        self.superseded_by = other

    def _guarded(self, what: str, look: Callable[[], None]) -> None:
        """Nothing that fails here ends the service: it is told, and tried again after a growing pause."""
        pauses = self._pauses[what]
        if self._stopping.is_set() or not pauses.over():
            return
        try:
            self.confirm()
            look()
        except HeldElsewhere as error:
            self._give_way(str(error))
        except StoreError as error:
            self.observer.store_up(False)
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
