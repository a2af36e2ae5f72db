"""A request to the child process that reads calendars, and the bounds on the work that a hostile file may cause there.

Imports little, so that the parent, which asks, stays small.
"""

from __future__ import annotations

import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

PAGE = 500
"""So many occurrences and problems go to the parent at once."""
VERSION = 2
"""Of what is read from a calendar and how; a change lists every calendar again."""
MEMORY_BYTES = 1_500_000_000
_AGAIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Request:
    """One source to read. `start` and `end` bound the window, in seconds since 1970 (UTC); `size` bytes follow.

    `owner` is an address, `source` a key that stays, `zone` the IANA name of the company's zone, for floating times.
    """

    owner: str
    source: str
    start: int
    end: int
    zone: str
    size: int


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


class Allowance:
    """Processor time for many pieces of work of one kind in a file, so that costly ones cannot use it up for the rest.

    A piece gets `first` seconds, and less the more was wasted on pieces that did not end in time, up to about `waste`;
    `least` it gets in any case, until `total` is spent.
    """

    def __init__(self, *, first: float, least: float, waste: float, total: float) -> None:
        self._first, self._least, self._waste, self._total = first, least, waste, total
        self._wasted = self._spent = 0.0

    @contextmanager
    def piece(self) -> Iterator[None]:
        """One piece of work. Raises `TooCostly` inside when its time is over, and before it when all is spent."""
        if self._spent >= self._total:
            raise TooCostly
        began = time.process_time()
        ended = False
        try:
            with cpu_limit(max(self._least, self._first * (1 - self._wasted / self._waste))):
                yield
            ended = True
        finally:
            took = time.process_time() - began
            self._spent += took
            if not ended:
                self._wasted += took


def _expire(_signal: int, _frame: FrameType | None) -> None:
    raise TooCostly
