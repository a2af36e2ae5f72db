"""The scheduler's side: what is due in the store is handed out as jobs, a few to each worker that is there.

Nothing is remembered here but what is cheap to lose: which job is open is asked of the queue, what is due of the store.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from daemon.config.model import Config
from daemon.figures.affected_months import months_due
from daemon.figures.scoring_context import ScoringContext, read_scoring_context
from daemon.service.backend import Runtime
from daemon.service.digest_job import DigestJob
from daemon.service.schedule import digest_due, roster_due, set_sync_due, sync_due
from daemon.store.deliveries import State, read_deliveries
from daemon.store.meta import DERIVED_IN, SCHEDULER, get_meta, set_meta
from daemon.store.scale.batches import (
    Batch,
    batches_asked_back,
    drop_empty_batches,
    due_batches,
    next_due,
    read_batch,
    suspects,
    unread,
)
from daemon.store.scale.queue_schema import explaining_queue
from daemon.store.scale.workers import Worker, read_workers
from daemon.store.schema import check_revision
from daemon.sync.run import let_others_go
from daemon.sync.run_values import SyncRun
from daemon.workers import queue as queues
from daemon.workers.assignment import JOBS_A_WORKER, assign, capacity_of, first_piece, in_turns, least_busy
from daemon.workers.config_fingerprint import fingerprint
from daemon.workers.queue import ANYBODY, DERIVE, DIGEST, READ, ROSTER, TEND, OpenJob, Queue

log = structlog.get_logger()

_TEND_EVERY_SECONDS = 5.0
_ALONE_SECONDS = 20.0
_APART_EVERY_SECONDS = 10.0
_DIGEST_EVERY_SECONDS = 5.0
_DERIVE_EVERY_SECONDS = 10.0
_DERIVE_SHARE = 5.0  # while calendars are being read all the time, figures are derived a sixth of the time


class WorkersBackend:
    """See `Backend` in `daemon/service/backend.py`."""

    def __init__(self, runtime: Runtime, config: Config) -> None:
        self._runtime = runtime
        self._database = runtime.database
        self._config = config
        self._new_config: Config | None = None
        self._queue: Queue | None = None
        self._opened = ExitStack()
        self._last: dict[str, float] = {}
        self._alone_since: float | None = None
        self._told = False
        self._anew = True  # another config may ask for other figures

    def plan(self, config: Config) -> None:
        """Makes the queue, says by which config workers have to work, and lets go of connectors that are no more."""
        if config is not self._config:
            self._new_config = config  # taken at the next look, whose trouble is told and tried again
            return
        self._anew = True
        if queues.prepare(self._database):
            log.info("queue_made")
        now = self._runtime.clock()
        DigestJob(self._runtime, config, lambda *_: True).plan()
        with self._database.writing() as connection:
            context = read_scoring_context(connection, config)
            let_others_go(
                connection,
                SyncRun(database=self._database, context=context, now=now),
                [connector.name for connector in config.connectors],
            )
            drop_empty_batches(connection)
            set_meta(connection, SCHEDULER, fingerprint(config))

    def looks(self) -> Mapping[str, Callable[[], None]]:
        return {"hand_out": self._look}

    def ready(self, now: datetime) -> tuple[bool, str]:
        with self._database.reading() as connection:
            workers = [worker for worker in read_workers(connection) if worker.alive]
            due = next_due(connection)
        if not any(worker.idle_because is None for worker in workers):
            reasons = sorted({worker.idle_because for worker in workers if worker.idle_because})
            return False, f"no worker does anything ({'; '.join(reasons) or 'none is there'})"
        if due is not None and now - due > max(2 * self._config.sync.every, timedelta(minutes=5)):
            return False, f"calendars should have been read {(now - due).total_seconds() / 60:.0f} minutes ago"
        return True, "the store answers, and calendars are read in time"

    def stop(self) -> None:
        pass  # what is handed out is done by the workers, which are stopped by themselves

    def ended(self, seconds: float) -> bool:  # noqa: ARG002  # nothing goes on here
        self._opened.close()
        return True

    def _look(self) -> None:
        if (taken := self._new_config) is not None:
            self._config = taken
            self.plan(taken)  # what fails here is tried again, for it is still the new one
            if self._new_config is taken:
                self._new_config = None
            log.info("config_reloaded")
        if self._queue is None:
            self._queue = self._opened.enter_context(queues.opened(self._database))
        with explaining_queue():
            self._tick(self._queue, self._runtime.clock())
        self._runtime.observer.store_up(True)

    def _tick(self, queue: Queue, now: datetime) -> None:
        check_revision(self._database)
        with self._database.reading() as connection:
            workers = [worker for worker in read_workers(connection) if worker.alive and worker.idle_because is None]
        jobs = self._without_lost(queue, workers)
        self._tell_if_alone(workers)
        if not workers:
            return
        if self._is_time(TEND, _TEND_EVERY_SECONDS):
            queue.put(TEND, ANYBODY, only_one=True)
        self._rosters(queue, jobs, now)
        self._batches(queue, jobs, workers, now)
        self._derive(queue, jobs, now)
        self._digests(queue, now)

    def _without_lost(self, queue: Queue, workers: Sequence[Worker]) -> list[OpenJob]:
        """The open jobs; those that wait for a worker that is gone are taken back, for they are still due."""
        there = {ANYBODY, *(worker.name for worker in workers)}
        kept = []
        for job in queue.open_jobs():
            if job.waits and job.queue not in there:
                queue.take_back(job)
            else:
                kept.append(job)
        return kept

    def _tell_if_alone(self, workers: Sequence[Worker]) -> None:
        if workers:
            self._alone_since, self._told = None, False
        elif self._alone_since is None:
            self._alone_since = time.monotonic()
        elif not self._told and time.monotonic() - self._alone_since > _ALONE_SECONDS:
            log.warning(
                "no_worker",
                remedy="Start `rapport worker` with the same config, on any machine; `rapport status` tells of those "
                "that are there and take no jobs.",
            )
            self._told = True

    def _is_time(self, what: str, every_seconds: float) -> bool:
        """Whether something was last done so long ago; then it is done now."""
        if time.monotonic() - self._last.get(what, -every_seconds) < every_seconds:
            return False
        self._last[what] = time.monotonic()
        return True

    def _rosters(self, queue: Queue, jobs: Sequence[OpenJob], now: datetime) -> None:
        going_on = {job.arguments.get("connector") for job in jobs if job.task == ROSTER}
        with self._database.reading() as connection:
            due = [
                connector.name
                for connector in self._config.connectors
                if connector.name not in going_on
                and roster_due(connection, connector.name, now, self._config.sync.every) <= now
            ]
        for name in due:
            queue.put(ROSTER, ANYBODY, only_one=True, apart=True, connector=name)

    def _batches(self, queue: Queue, jobs: Sequence[OpenJob], workers: Sequence[Worker], now: datetime) -> None:
        reads = [job for job in jobs if job.task == READ]
        going_on = {int(job.arguments["batch"]) for job in reads}
        capacity = capacity_of(
            [worker.name for worker in workers], [(job.queue, "calendars" in job.arguments) for job in reads]
        )
        most = sum(capacity.values())
        with self._database.reading() as connection:
            self._note_next(next_due(connection), sync_due(connection, now, self._config.sync.every))
            due = in_turns(
                [due_batches(connection, now, going_on, most, connector.name) for connector in self._config.connectors]
            )
            taken = going_on | {batch.id for batch in due}
            back = [number for number in batches_asked_back(connection, now) if number not in taken]
            due += [batch for number in back if (batch := read_batch(connection, number)) is not None]
            suspected = suspects(connection, [batch.id for batch in due])
            parts = {
                batch.id: first_piece([each.id for each in unread(connection, batch, now)], suspected[batch.id])
                for batch in due
                if batch.id in suspected
            }
        waiting = [batch for batch in due if parts.get(batch.id) is not None]
        if waiting:
            self._one_apart(queue, waiting[0], parts[waiting[0].id] or (), capacity)
        for batch, worker in assign([batch for batch in due if batch not in waiting], capacity):
            queue.put(READ, worker, batch=batch.id)

    def _one_apart(self, queue: Queue, batch: Batch, calendars: Sequence[int], capacity: dict[str, int]) -> None:
        """What may kill who reads it goes to a worker that does nothing else; until one is idle, that one gets no more.

        In between, the others have their turns, for there may be one worker alone.
        """
        apart = least_busy(capacity)
        pause = min(_APART_EVERY_SECONDS, self._config.sync.every.total_seconds())
        if apart is None or time.monotonic() - self._last.get("apart", -pause) < pause:
            return
        if capacity.pop(apart) == JOBS_A_WORKER:
            queue.put(READ, apart, batch=batch.id, calendars=list(calendars))
            self._last["apart"] = time.monotonic()

    def _note_next(self, due: datetime | None, known: datetime) -> None:
        """For `rapport status`: when calendars are read next."""
        if due is not None and abs(due - known) > timedelta(seconds=1) and self._is_time("status", 5.0):
            with self._database.noting() as connection:
                set_sync_due(connection, due)

    def _derive(self, queue: Queue, jobs: Sequence[OpenJob], now: datetime) -> None:
        """Figures are derived when nothing is being read, and every now and then while something always is."""
        if any(job.task == DERIVE for job in jobs):
            return
        with self._database.reading() as connection:
            if not months_due(connection, self._config, now) and not self._anew:
                return
            took = float(get_meta(connection, DERIVED_IN) or 0)
        reads = any(job.task == READ for job in jobs)
        if not reads or self._is_time(DERIVE, max(_DERIVE_EVERY_SECONDS, _DERIVE_SHARE * took)):
            queue.put(DERIVE, ANYBODY, only_one=True, apart=True)
            self._anew = False

    def _digests(self, queue: Queue, now: datetime) -> None:
        context = ScoringContext(self._config, ())  # whose calendars there are does not matter for when it is due
        with self._database.reading() as connection:
            names = [
                digest.name
                for digest in self._config.digests
                if digest_due(connection, digest, context, now) <= now or _has_waiting(connection, digest.name, now)
            ]
        for name in names:
            if self._is_time(f"{DIGEST} {name}", _DIGEST_EVERY_SECONDS):
                queue.put(DIGEST, ANYBODY, only_one=True, apart=True, name=name)


def _has_waiting(connection: Connection, digest: str, now: datetime) -> bool:
    return any(
        delivery.state is State.WAITING and delivery.next_try <= now for delivery in read_deliveries(connection, digest)
    )
