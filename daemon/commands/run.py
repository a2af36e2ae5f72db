"""`rapport run`: the service in the foreground, until SIGTERM or SIGINT; SIGHUP reads the config again."""

from __future__ import annotations

import os
import queue
import signal
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

import structlog

from daemon.commands.common import opened
from daemon.config import Config, ConfigError, find, load
from daemon.holder import Held, Holder
from daemon.notify import notify
from daemon.output import say
from daemon.service import Service

log = structlog.get_logger()

_WATCH_SECONDS = 5.0


def run(path: Path | None) -> int:
    """Runs until it is told to stop; 0 then, 1 when another service holds the store. Raises `ConfigError`."""
    file = find(path).absolute()
    signals: queue.SimpleQueue[int] = queue.SimpleQueue()
    _listen(signals)
    with ExitStack() as stack:
        session = stack.enter_context(opened(file, resolve_secrets=True))
        try:
            stack.enter_context(Holder(session.database))
        except Held as error:
            say(f"Another service runs on this store: {error}. Stop it first, or give this one a store of its own.")
            return 1
        service = Service(config=session.config, database=session.database)
        service.start()
        log.info("started", process=os.getpid(), connectors=len(session.config.connectors))
        notify("READY=1", "STATUS=reading calendars when they are due")
        _serve(service, signals, file)
        notify("STOPPING=1")
        if not service.stop():
            log.warning("abandoned", what="work that did not end in time; the next start goes on from what is kept")
            session.database.close()
            os._exit(0)  # threads that wait for the network would hold the process; what they do is kept nowhere yet
    log.info("stopped")
    return 0


def _listen(signals: queue.SimpleQueue[int]) -> None:
    """A second signal to stop is obeyed at once, whatever goes on."""
    asked = False

    def take(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if number != signal.SIGHUP:
            if asked:
                os._exit(0)
            asked = True
        signals.put(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, take)


def _serve(service: Service, signals: queue.SimpleQueue[int], file: Path) -> None:
    """Waits for signals; in between tells the supervisor that the loop turns."""
    while True:
        try:
            number = signals.get(timeout=_WATCH_SECONDS)
        except queue.Empty:
            if service.alive():
                notify("WATCHDOG=1")
            continue
        if number != signal.SIGHUP:
            return
        _reload(service, file)


def _reload(service: Service, file: Path) -> None:
    """The new config if it is good; else what is wrong with it, and on with the old one."""
    try:
        config = load(file)
        config.resolve_secrets()
    except ConfigError as error:
        log.error("config_kept", problem=str(error))
        return
    if moved := _needs_restart(service.config, config):
        log.warning("needs_restart", keys=moved)
    service.reload(config)


def _needs_restart(old: Config, new: Config) -> list[str]:
    """What cannot be changed while running."""
    return [key for key, was, becomes in (("store", old.store, new.store), ("web", old.web, new.web)) if was != becomes]
