"""How many requests were made and how they were answered, for whoever shows it. Knows no provider and no metrics."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping

NO_ANSWER = "none"
OTHER_HOSTS = "other"
_MOST_HOSTS = 50


class RequestCounts:
    """Counts requests by the host asked and the status answered, and tries that were repeated. For all threads.

    Holds host names alone, no path and no person, and not more than 50 of them.
    """

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str]] = Counter()
        self._hosts: set[str] = set()
        self._retries = 0
        self._lock = threading.Lock()

    def request(self, host: str, status: int | None) -> None:
        """One request was made; `status` is None where no answer came."""
        with self._lock:
            if len(self._hosts) < _MOST_HOSTS:
                self._hosts.add(host)
            known = host if host in self._hosts else OTHER_HOSTS
            self._requests[known, NO_ANSWER if status is None else str(status)] += 1

    def retry(self) -> None:
        """Something is about to be tried again."""
        with self._lock:
            self._retries += 1

    def requests(self) -> Mapping[tuple[str, str], int]:
        """Requests since the process began, by host and status."""
        with self._lock:
            return dict(self._requests)

    def retries(self) -> int:
        """Repeated tries since the process began."""
        with self._lock:
            return self._retries


REQUEST_COUNTS = RequestCounts()
"""The process's own."""
