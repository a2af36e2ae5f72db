"""What the service and those who do its work have in common: what surrounds them, who is told, pauses after trouble.

The service does not know how what is due gets done: by threads of its own (`LocalBackend`), or by workers
elsewhere (`WorkersBackend`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from daemon.config.model import Config
from daemon.store.db.engine import Database
from daemon.store.deliveries import State
from daemon.sync.run_values import ConnectorResult

_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 300.0


class Backoff:
    """Growing pauses after trouble with something of ours; none once it works again."""

    def __init__(self) -> None:
        self._until = 0.0
        self._next = _FIRST_PAUSE

    def over(self) -> bool:
        return time.monotonic() >= self._until

    def lengthen(self) -> float:
        """Begins a pause, twice as long as the last; answers how many seconds."""
        seconds = self._next
        self._until = time.monotonic() + seconds
        self._next = min(2 * seconds, _LONGEST_PAUSE)
        return seconds

    def end(self) -> None:
        self._until, self._next = 0.0, _FIRST_PAUSE


@dataclass(kw_only=True)
class Observer:
    """Who is told what was done: metrics, alerts. Each is called from the threads that did it."""

    run_ended: Callable[[Sequence[ConnectorResult], float], None] = lambda *_: None
    delivered: Callable[[State], None] = lambda _: None
    store_up: Callable[[bool], None] = lambda _: None
    rescored: Callable[[float], None] = lambda _: None
    config_refused: Callable[[bool], None] = lambda _: None


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """What work needs of the process it is done in. When `stopping` is set, nothing further is begun."""

    database: Database
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    observer: Observer = field(default_factory=Observer)
    stopping: threading.Event = field(default_factory=threading.Event)


class Backend(Protocol):
    """How what is due gets done."""

    def plan(self, config: Config) -> None:
        """From now on with this config, at the start and after each change: writes down what is due next."""
        ...

    def looks(self) -> Mapping[str, Callable[[], None]]:
        """What to look after at every tick, by name, each in a thread of its own. They may raise anything."""
        ...

    def ready(self, now: datetime) -> tuple[bool, str]:
        """Whether calendars are read in time; else what is wrong. Raises `StoreError`."""
        ...

    def stop(self) -> None:
        """Lets go of what waits for the network, so that what goes on ends soon."""
        ...

    def ended(self, seconds: float) -> bool:
        """Whether all that went on has ended, waited for so long."""
        ...
