"""`rapport run`: the service in the foreground, until SIGTERM or SIGINT; SIGHUP reads the config again."""

from __future__ import annotations

import os
import queue
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import structlog

from daemon.commands.common import opened
from daemon.commands.usage import NO_SCALE, UsageError
from daemon.config.load import find
from daemon.config.model import Config
from daemon.output.logs import tell_of_lost_threads
from daemon.output.terminal import say
from daemon.service.backend import Backend, Observer, Runtime
from daemon.service.instance_lock import HeldElsewhere, InstanceLock
from daemon.service.local_backend import LocalBackend
from daemon.service.service import Service
from daemon.service.supervisor import Signals, listen, notify, read_again
from daemon.web.metrics import Metrics
from daemon.web.snapshot import take_snapshot

log = structlog.get_logger()

_WATCH_SECONDS = 5.0


def run(path: Path | None) -> int:
    """Runs until it is told to stop; 0 then, 1 when another service has or takes the store. Raises `ConfigError`."""
    file = find(path).absolute()
    signals = listen()
    with ExitStack() as stack:
        session = stack.enter_context(opened(file, resolve_secrets=True))
        try:
            lock = stack.enter_context(InstanceLock(session.database))
        except HeldElsewhere as error:
            say(f"Another service runs on this store: {error}. Stop it first, or give this one a store of its own.")
            return 1
        metrics = Metrics(lambda: take_snapshot(session.database, session.config, datetime.now(UTC)))
        try:
            service = Service(
                config=session.config,
                database=session.database,
                observer=_observer(metrics),
                make_backend=_backend(session.config),
                confirm=lock.confirm,
            )
        except ModuleNotFoundError as error:
            raise UsageError(NO_SCALE) from error
        stack.enter_context(_web(session.config, service, metrics))
        tell_of_lost_threads()
        service.start()
        log.info("started", process=os.getpid(), connectors=len(session.config.connectors))
        notify("READY=1", "STATUS=reading calendars when they are due")
        _serve(service, signals, file)
        notify("STOPPING=1")
        ended = service.stop()
        code = 0
        if service.superseded_by is not None:
            say(
                f"Another service runs on this store: {service.superseded_by}. It took the store while the database "
                "server was away, so this one stops."
            )
            code = 1
        if not ended:
            log.warning("abandoned", what="work that did not end in time; the next start goes on from what is kept")
            session.database.close()
            os._exit(code)  # threads that wait for the network would hold the process; what they do is kept nowhere yet
    log.info("stopped")
    return code


def _observer(metrics: Metrics) -> Observer:
    return Observer(
        run_ended=metrics.run_ended,
        delivered=lambda state: metrics.delivered(state.value),
        store_up=metrics.store_up,
        rescored=metrics.rescored,
        config_refused=metrics.config_refused,
    )


def _backend(config: Config) -> Callable[[Runtime, Config], Backend]:
    """Workers elsewhere if the config says so (`[scale]`), threads of this process otherwise.

    Raises `ModuleNotFoundError` without the extra `scale`.
    """
    if config.scale.workers:
        from daemon.workers.backend import WorkersBackend

        return WorkersBackend
    return LocalBackend


@contextmanager
def _web(config: Config, service: Service, metrics: Metrics) -> Iterator[None]:
    """Health and metrics on `[web] listen`. An address that is taken is no reason not to read calendars."""
    if config.web.address is None:
        yield
        return
    from daemon.web.server import Web

    token = None if config.web.token is None else config.web.token.resolve(config.folder)
    try:
        web = Web(config.web.address, token, service, metrics)
        web.start()
    except OSError as error:
        log.error("web_off", listen=config.web.listen, problem=error.strerror or type(error).__name__)
        yield
        return
    try:
        yield
    finally:
        web.close()


def _serve(service: Service, signals: Signals, file: Path) -> None:
    """Waits for signals, or until another service has the store; tells the supervisor meanwhile that the loop turns."""
    while service.superseded_by is None:
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
    """The new config if it is good; else on with the old one."""
    config = read_again(file)
    if config is None:
        service.refuse()
        return
    if moved := _needs_restart(service.config, config):
        log.warning("needs_restart", keys=moved)
    service.reload(config)


def _needs_restart(old: Config, new: Config) -> list[str]:
    """What cannot be changed while running."""
    return [key for key in ("store", "web", "scale") if getattr(old, key) != getattr(new, key)]
