"""Bounds on the work that one piece of a hostile file may cause, inside the child process that reads calendars."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

MEMORY_BYTES = 1_500_000_000
_AGAIN_SECONDS = 0.5


class TooCostly(BaseException):
    """The time for this piece of work is over. No `Exception`, so that no library takes it for one of its own."""


def set_up() -> None:
    """Bounds this process for good, and makes `cpu_limit` work. Only for the child: it changes the whole process."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGVTALRM, _expire)


@contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """Raises `TooCostly` inside when so much processor time has gone. Limits do not nest."""
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, _AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _expire(_signal: int, _frame: FrameType | None) -> None:
    raise TooCostly
