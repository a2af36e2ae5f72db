"""How far this machine's clock is from the providers', by the `Date` of their answers (RFC 9110 6.6.1).

One for the process: whoever asks a provider notes what it answers, and whoever acts by the clock looks here first.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections import deque
from datetime import UTC, datetime

from connectors.net.http_date import http_date

ALLOWED_SECONDS = 300.0
"""A clock further away is wrong. Answers travel for seconds and their date is whole seconds, so little is no sign."""
_LAST = 5
_APART_SECONDS = 5.0  # so often a host's date is looked at


class ClockSkew:
    """Used from several threads."""

    def __init__(self) -> None:
        self._found: dict[str, deque[float]] = {}
        self._looked: dict[str, float] = {}
        self._lock = threading.Lock()

    def note(self, host: str, date: str | None) -> None:
        """An answer's `Date`; one that is none says nothing."""
        with self._lock:
            if date is None or time.monotonic() - self._looked.get(host, -_APART_SECONDS) < _APART_SECONDS:
                return
            self._looked[host] = time.monotonic()
        theirs = http_date(date)
        if theirs is not None:
            seconds = (datetime.now(UTC) - theirs).total_seconds()
            with self._lock:
                self._found.setdefault(host, deque(maxlen=_LAST)).append(seconds)

    def seconds(self) -> float:
        """How far we are ahead, below zero behind; zero while within what is allowed, or while hosts disagree."""
        with self._lock:
            by_host = [statistics.median(found) for found in self._found.values()]
        if not by_host:
            return 0.0
        middle = statistics.median(by_host)
        agreed = all(abs(seconds - middle) < ALLOWED_SECONDS for seconds in by_host)
        return middle if agreed and abs(middle) > ALLOWED_SECONDS else 0.0

    def knows(self) -> bool:
        """Whether any host has told the time."""
        with self._lock:
            return bool(self._found)

    def forget(self) -> None:
        """Begins anew: a clock that was put right is right from now on."""
        with self._lock:
            self._found.clear()
            self._looked.clear()


observed = ClockSkew()
