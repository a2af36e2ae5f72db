"""How often a provider may be asked: a bucket of permits, and a pace that many threads keep together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from connectors.contract import Allowance

_LATE_SECONDS = 2.0


class TokenBucket:
    """A token bucket: at most `per_minute` in any sixty seconds, a tenth of it at once and the rest evenly."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = max(1.0, per_minute / 10)
        self._per_second = max(1.0, per_minute - self._size) / 60
        self._level = self._size
        self._clock = clock
        self._filled_at = clock()
        self._lock = threading.Lock()

    def take(self) -> float:
        """Takes one, and answers how many seconds to wait before using it."""
        with self._lock:
            now = self._clock()
            self._level = min(self._size, self._level + (now - self._filled_at) * self._per_second)
            self._filled_at = now
            self._level -= 1
            return max(0.0, -self._level / self._per_second)


class RateLimiter:
    """Keeps a connector below its requests a minute, in all and for each person. Used from several threads.

    `all_together` is the allowance of all processes, where there are others.
    """

    def __init__(
        self,
        *,
        per_minute: int,
        per_person: int,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        all_together: Allowance | None = None,
    ) -> None:
        self._all = all_together or TokenBucket(per_minute, clock)
        self._per_person = min(per_person, per_minute)
        self._people: dict[str, TokenBucket] = {}
        self._sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()

    def wait(self, person: str) -> None:
        """Returns when one more request for this person may be made."""
        with self._lock:
            own = self._people.setdefault(person, TokenBucket(self._per_person, self._clock))
        own_seconds = own.take()
        while True:
            asked = self._clock()
            seconds = max(self._all.take(), own_seconds)
            if seconds > 0:
                self._sleep(seconds)
            if self._clock() - asked - seconds < _LATE_SECONDS:
                return
            own_seconds = 0.0  # the process was stopped meanwhile: what was allowed then is not allowed now
