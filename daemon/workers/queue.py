"""The queue: jobs on their way from the scheduler to workers, by procrastinate in a schema of its own.

It is a courier and nothing else. Jobs hold numbers and names of the config; what is due stands in the store, so the
whole queue may be dropped and made anew at any time. Finished jobs are deleted at once, or fetching would become slow.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import procrastinate
from procrastinate import exceptions
from procrastinate.jobs import Job, Status

from daemon.store.db.engine import Database, server_options
from daemon.store.scale.queue_schema import SCHEMA, explaining_queue, make_queue, queue_made_by

ANYBODY = "anybody"
"""The queue of jobs that any worker may take; the others are named after their worker."""
READ, ROSTER, DERIVE, DIGEST, TEND = "read", "roster", "derive", "digest", "tend"
_CONNECTIONS = 4
_OPEN = (Status.TODO, Status.DOING)


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenJob:
    """A job that waits or, where it does not, is being done.

    `id` is procrastinate's, `queue` the name of the worker that it is for, or `ANYBODY`.
    """

    id: int
    task: str
    queue: str
    arguments: Mapping[str, Any]
    waits: bool


def prepare(database: Database) -> bool:
    """Makes the queue where there is none, or one of another version of procrastinate; whether it did.

    What was in it is handed out again, because it is still due.
    """
    if queue_made_by(database) == procrastinate.__version__:
        return False
    make_queue(database, app_of(database).schema_manager.get_schema(), procrastinate.__version__)
    return True


def is_there(database: Database) -> bool:
    """Whether there is a queue that this version can use."""
    return queue_made_by(database) == procrastinate.__version__


def app_of(database: Database, *, asynchronous: bool = False) -> procrastinate.App:
    """procrastinate over the store's database; not opened yet."""
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)  # each job and its trouble are logged by ourselves
    kind: Any = procrastinate.PsycopgConnector if asynchronous else procrastinate.SyncPsycopgConnector
    made: Any = kind(
        conninfo=database.address,
        kwargs=server_options(database.address, f"-c search_path={SCHEMA}"),
        min_size=1,
        max_size=_CONNECTIONS,
    )
    return procrastinate.App(connector=made)


class Queue:
    """The scheduler's end: puts jobs in, and sees which are open. A context manager through `opened`."""

    def __init__(self, app: procrastinate.App) -> None:
        self._app = app

    def put(self, task: str, queue: str, *, only_one: bool = False, apart: bool = False, **arguments: Any) -> bool:
        """A job for a queue. Whether it was put in.

        `only_one` of the same task and arguments waits at a time; `apart`, and only one is being done.
        """
        name = f"{task} {' '.join(str(value) for value in arguments.values())}"
        deferrer = self._app.configure_task(
            task, queue=queue, queueing_lock=name if only_one else None, lock=name if apart else None
        )
        try:
            deferrer.defer(**arguments)
        except exceptions.AlreadyEnqueued:
            return False
        return True

    def open_jobs(self) -> list[OpenJob]:
        """Everything that waits or is being done."""
        manager = self._app.job_manager
        return [_open_job(job) for status in _OPEN for job in manager.list_jobs(status=status.value)]

    def take_back(self, job: OpenJob) -> None:
        """Removes a job that nobody has begun."""
        self._app.job_manager.cancel_job_by_id(job.id, delete_job=True)


def _open_job(job: Job) -> OpenJob:
    if job.id is None:
        raise TypeError("a job that is kept has a number")
    return OpenJob(
        id=job.id,
        task=job.task_name,
        queue=job.queue,
        arguments=dict(job.task_kwargs),
        waits=job.status == Status.TODO.value,
    )


@contextmanager
def opened(database: Database) -> Iterator[Queue]:
    """The queue while `with` lasts. Raises `StoreError` when the database does not answer."""
    with explaining_queue():
        app = app_of(database)
        app.open()
    try:
        yield Queue(app)
    finally:
        app.close()


Task = Callable[..., Any]


def with_tasks(app: procrastinate.App, tasks: Mapping[str, Task]) -> procrastinate.App:
    """Tells an app what to do for each task; a coroutine function is run on the worker's loop, others in threads."""
    for name, function in tasks.items():
        app.task(name=name)(function)
    return app
