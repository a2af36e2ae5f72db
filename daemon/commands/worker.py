"""`rapport worker`: does queued work in the foreground, until SIGTERM or SIGINT; SIGHUP reads the config again."""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from daemon.commands.usage import NO_SCALE, UsageError
from daemon.config.load import find, load
from daemon.output.logs import set_up_logs
from daemon.output.terminal import say
from daemon.service.supervisor import Signals, listen, notify, read_again
from daemon.store.db.engine import Database

if TYPE_CHECKING:
    from daemon.workers.worker import Worker

log = structlog.get_logger()

_STOPS_WITHIN_SECONDS = 8.0
_WATCH_SECONDS = 5.0


def worker(path: Path | None) -> int:
    """Works until it is told to stop, or the store is a newer version's; 0 then. Raises `ConfigError`, `StoreError`."""
    file = find(path).absolute()
    config = load(file)
    config.resolve_secrets()
    set_up_logs(config.log)
    for warning in config.warnings:
        say(f"warning: {warning}")
    if not config.scale.workers:
        raise UsageError("there is no work for workers: set scale.workers = true, with PostgreSQL in store.url")
    try:
        from daemon.workers.worker import Worker
    except ModuleNotFoundError as error:
        raise UsageError(NO_SCALE) from error
    database = Database(config.store_url())
    try:
        made = Worker(config=config, database=database)
        threading.Thread(target=_obey, args=(made, listen(), file), name="signals", daemon=True).start()
        log.info("started", process=os.getpid(), worker=made.name)
        notify("READY=1", "STATUS=doing queued work")
        made.run()
        notify("STOPPING=1")
    finally:
        database.close()
    log.info("stopped")
    return 0


def _obey(made: Worker, signals: Signals, file: Path) -> None:
    """Passes signals on. What does not end in time is abandoned: nothing half-done is kept, and it stays due."""
    while True:
        try:
            number = signals.get(timeout=_WATCH_SECONDS)
        except queue.Empty:
            if made.alive():
                notify("WATCHDOG=1")
            continue
        if number != signal.SIGHUP:
            break
        config = read_again(file)
        if config is not None:
            made.reload(config)
    made.stop()
    time.sleep(_STOPS_WITHIN_SECONDS)
    log.warning("abandoned", what="jobs that did not end in time; they are still due")
    os._exit(0)
