"""What a process in the foreground is told (by signals: stop, read the config again), and what it tells systemd."""

from __future__ import annotations

import os
import queue
import signal
import socket
from pathlib import Path
from types import FrameType

import structlog

from daemon.config.load import load
from daemon.config.model import Config
from daemon.config.problems import ConfigError

log = structlog.get_logger()

Signals = queue.SimpleQueue[int]


def listen() -> Signals:
    """SIGTERM, SIGINT and SIGHUP as they come. A second one to stop is obeyed at once, whatever goes on."""
    signals: Signals = queue.SimpleQueue()
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
    return signals


def read_again(file: Path) -> Config | None:
    """The config as it is now; None, and a line in the log, when something is wrong with it."""
    try:
        config = load(file)
        config.resolve_secrets()
    except ConfigError as error:
        log.error("config_kept", problem=str(error))
        return None
    return config


def notify(*states: str) -> None:
    """A datagram to the socket that systemd names (`sd_notify(3)`), nothing without one: `READY=1`, `STOPPING=1`,
    `WATCHDOG=1`, `STATUS=…`. A supervisor that does not listen is no error."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    target = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.connect(target)
            sender.sendall("\n".join(states).encode())
    except OSError:
        return
