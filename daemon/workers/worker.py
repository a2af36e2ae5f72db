"""`rapport worker`: takes jobs while it may, and says why when it may not.

It may while its config and rules are the scheduler's and the store's schema is one that it knows. It looks again every
few seconds, and before each job. A store that a newer version has upgraded ends it: it finishes what it does, exit 0.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import procrastinate
import structlog

from daemon.config.model import Config
from daemon.service.backend import Runtime
from daemon.store.db.engine import Database
from daemon.store.db.errors import StoreError
from daemon.workers import queue as queues
from daemon.workers.config_fingerprint import fingerprint
from daemon.workers.jobs import Jobs
from daemon.workers.membership import Membership, NotEligible, StoreUpgraded
from daemon.workers.queue import ANYBODY, DERIVE, DIGEST, READ, ROSTER, TEND

log = structlog.get_logger()

_JOBS_AT_ONCE = 3
_LOOK_SECONDS, _LOOKS_A_LEASE = 2.0, 10
_POLL_SECONDS = 1.0
_HEARTBEATS_A_LEASE = 5
_THREADS = 8
_LONGEST_PAUSE_SECONDS = 30.0
_TURNS_WITHIN_SECONDS = 30.0


def _in(loop: asyncio.AbstractEventLoop, function: Callable[[], object]) -> None:
    with suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(function)


@dataclass(frozen=True, kw_only=True, slots=True)
class InForce:
    """A config's fingerprint and the jobs that are done by it: one value, so that none is ever taken for another's."""

    fingerprint: str
    jobs: Jobs


@dataclass(kw_only=True)
class Worker:
    """One process that works. `stop` and `reload` may be called from any thread and from signal handlers.

    A worker that has not been heard of for `lease_seconds` is taken to be gone, and its jobs are handed out again.
    """

    config: Config
    database: Database
    lease_seconds: float = 25.0
    name: str = field(default_factory=lambda: secrets.token_hex(6))
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __post_init__(self) -> None:
        self._runtime = Runtime(database=self.database, clock=self.clock)
        self._swapping = threading.RLock()  # a signal may come while it is held
        self._in_force = self._made_of(self.config)
        self._membership = Membership(self.database, self.name, lease_seconds=self.lease_seconds, began_at=self.clock())
        self._wake: Callable[[], None] = lambda: None
        self._changed = asyncio.Event()
        self._new_config: Config | None = None
        self._turned = time.monotonic()

    def stop(self) -> None:
        """Ends what is going on; what is not done stays due."""
        self._runtime.stopping.set()
        with self._swapping:
            self._in_force.jobs.close()
        self._wake()
        threading.Thread(target=self._membership.leave, name="leaving", daemon=True).start()  # the store may not answer

    def reload(self, config: Config) -> None:
        """From the next look on, this config."""
        with self._swapping:
            self._new_config = config

    def run(self) -> None:
        """Works until it is stopped or the store is a newer version's."""
        asyncio.run(self._run())
        self._membership.leave()

    def alive(self) -> bool:
        """Whether the loop turns that takes jobs."""
        return time.monotonic() - self._turned < _TURNS_WITHIN_SECONDS

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(_THREADS, "job"))
        turning = asyncio.create_task(self._turn())
        self._changed = asyncio.Event()
        self._wake = lambda: _in(loop, self._changed.set)
        troubles = 0
        while not self._runtime.stopping.is_set():
            try:
                reason = await asyncio.to_thread(self._look)
                troubles = 0
                if reason is None:
                    await self._work()
            except StoreUpgraded:
                log.info("store_upgraded", remedy="Start a worker of the version that upgraded it.")
                return
            except Exception as error:  # noqa: BLE001  # whatever befell the queue, the worker begins anew
                self._trouble(error)
                troubles += 1
            await self._pause(2 ** min(troubles, 6))
        turning.cancel()

    async def _turn(self) -> None:
        """Shows that the loop turns, here and in the store, also while the last jobs are ended."""
        signing: asyncio.Task[None] | None = None
        while True:
            self._turned = time.monotonic()
            if signing is None or signing.done():  # the store may take its time
                signing = asyncio.create_task(self._sign())
            await asyncio.sleep(min(_LOOK_SECONDS, self.lease_seconds / _LOOKS_A_LEASE))

    async def _sign(self) -> None:
        with suppress(StoreError):  # who looks tells of it
            await asyncio.to_thread(self._membership.sign)

    async def _pause(self, times: int = 1) -> None:
        """A few seconds, or longer, or until something has changed."""
        seconds = min(_LOOK_SECONDS, self.lease_seconds / _LOOKS_A_LEASE) * times
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), min(seconds, _LONGEST_PAUSE_SECONDS))
        self._changed.clear()

    def _trouble(self, error: Exception) -> None:
        """The database, or the queue's registration of this worker, is gone: it begins anew after a moment."""
        what = error.what if isinstance(error, StoreError) else type(error).__name__
        log.error("worker_interrupted", problem=what, exc_info=not isinstance(error, StoreError))

    async def _work(self) -> None:
        """Takes jobs until something says that it may no more. Raises `StoreUpgraded`, and what befalls the queue."""
        app = self._with_tasks(queues.app_of(self.database, asynchronous=True))
        async with app.open_async():
            worker = asyncio.create_task(
                app.run_worker_async(
                    queues=[self.name, ANYBODY],
                    name=self.name,
                    concurrency=_JOBS_AT_ONCE,
                    fetch_job_polling_interval=_POLL_SECONDS,
                    update_heartbeat_interval=self.lease_seconds / _HEARTBEATS_A_LEASE,
                    stalled_worker_timeout=self.lease_seconds,
                    delete_jobs="always",
                    install_signal_handlers=False,
                )
            )
            watch = asyncio.create_task(self._watch())
            await asyncio.wait([worker, watch], return_when=asyncio.FIRST_COMPLETED)
            watch.cancel()
            worker.cancel()  # it takes no more, and ends when its jobs have
            results = await asyncio.gather(watch, worker, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _watch(self) -> None:
        """Ends when the worker may take no more jobs. Raises `StoreUpgraded`."""
        while not self._runtime.stopping.is_set():
            await self._pause()
            try:
                reason = await asyncio.to_thread(self._look)
            except StoreError as error:
                log.error("store_trouble", during="worker", problem=error.what)
                continue
            if reason is not None:
                return

    def _look(self) -> str | None:
        """None if this worker may take jobs, else why not. Raises `StoreUpgraded` and `StoreError`."""
        self._take_new_config()
        return self._membership.look(self._in_force.fingerprint)

    def _made_of(self, config: Config) -> InForce:
        return InForce(fingerprint=fingerprint(config), jobs=Jobs(self._runtime, config, self.name))

    def _take_new_config(self) -> None:
        with self._swapping:
            if self._new_config is None:
                return
            self.config, self._new_config = self._new_config, None
            former, self._in_force = self._in_force, self._made_of(self.config)
        former.jobs.retire()  # what is being read with it is read to its end
        log.info("config_reloaded")

    @contextmanager
    def _taken(self) -> Iterator[InForce]:
        """What is in force, for one job: it is in use before another config can take its place."""
        with ExitStack() as stack:
            with self._swapping:
                taken = self._in_force
                stack.enter_context(taken.jobs.in_use())
            yield taken

    def _with_tasks(self, app: procrastinate.App) -> procrastinate.App:
        return queues.with_tasks(
            app,
            {
                READ: lambda batch, calendars=None: self._do(lambda jobs: jobs.read(batch, calendars)),
                ROSTER: lambda connector: self._do(lambda jobs: jobs.roster(connector)),
                DERIVE: lambda: self._do(lambda jobs: jobs.derive()),
                DIGEST: lambda name: self._do(lambda jobs: jobs.digest(name)),
                TEND: self._tend(app),
            },
        )

    def _do(self, job: Callable[[Jobs], None]) -> None:
        """One job, if this worker still may; what it does not do stays due. Nothing that fails here ends it."""
        try:
            with self._taken() as taken:
                self._membership.check(taken.fingerprint)
                if not self._runtime.stopping.is_set():
                    job(taken.jobs)
        except (StoreUpgraded, NotEligible):
            self._wake()
        except StoreError as error:
            log.error("store_trouble", during="job", problem=error.what)
        except Exception:  # a defect must not end the worker
            log.error("defect", during="job", exc_info=True)

    def _tend(self, app: procrastinate.App) -> Callable[[], Any]:
        """Jobs of workers that are gone are removed, for they are still due; and counted against what they read."""

        async def tend() -> None:
            for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=self.lease_seconds):
                there = await asyncio.to_thread(self._membership.of, job.queue)
                if there:  # it ends what it has, and takes no more
                    continue
                arguments: dict[str, Any] = dict(job.task_kwargs)
                log.warning("job_abandoned", task=job.task_name, **arguments)
                if job.task_name == READ and there is not None:
                    await asyncio.to_thread(self._blame, arguments["batch"], arguments.get("calendars"))
                with suppress(procrastinate.exceptions.ConnectorException):  # somebody else has removed it
                    await app.job_manager.finish_job(job, procrastinate.jobs.Status.FAILED, delete_job=True)

        return tend

    def _blame(self, batch: int, among: list[int] | None) -> None:
        self._do(lambda jobs: jobs.blame(batch, among))
