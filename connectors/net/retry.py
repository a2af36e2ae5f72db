"""Trying again: what may be tried again, how often, with which pauses, and how long a server asks us to wait."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_any,
    stop_before_delay,
    wait_random,
    wait_random_exponential,
)

from connectors.errors import RetryLater
from connectors.net.http_date import http_date
from connectors.net.request_counts import REQUEST_COUNTS

T = TypeVar("T")

_LONGEST_ASKED_SECONDS = 86_400.0


class Again(RetryLater):
    """Passing trouble that is worth another try within the same request's deadline."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long one request is tried: so often, so many seconds in all, first waits of about `first_wait_seconds`."""

    tries: int = 5
    seconds: float = 60.0
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 20.0


class Pause:
    """Sleeps that end when the connector is closed; then they raise `RetryLater`."""

    def __init__(self) -> None:
        self._closing = threading.Event()

    def __call__(self, seconds: float) -> None:
        if self._closing.wait(seconds):
            raise RetryLater("stopped", "the service is stopping")

    def end(self) -> None:
        self._closing.set()


def patiently(
    attempt: Callable[[], T],
    patience: Patience,
    sleep: Callable[[float], None] = time.sleep,
    *,
    observed: bool = True,
) -> T:
    """What `attempt` returns, tried again after each `Again`, which is raised when patience ends.

    Waits grow and are random, so that many callers spread; `after_seconds` is waited out, and raised at once when it
    lies beyond the deadline. `observed`: the tries are counted.
    """
    grows = wait_random_exponential(multiplier=patience.first_wait_seconds, max=patience.longest_wait_seconds)
    spread = wait_random(0, patience.first_wait_seconds)

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        asked = error.after_seconds if isinstance(error, Again) else None
        return grows(state) if asked is None else asked + spread(state)

    retrying = Retrying(
        retry=retry_if_exception_type(Again),
        stop=stop_any(stop_after_attempt(patience.tries), stop_before_delay(patience.seconds)),
        wait=wait,
        sleep=sleep,
        before_sleep=(lambda _: REQUEST_COUNTS.retry()) if observed else None,
        reraise=True,
    )
    return retrying(attempt)


def retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """The seconds of a `Retry-After` (RFC 9110 10.2.3): a number, also a broken one, or a date; a day at most.

    None where it says nothing.
    """
    text = (value or "").strip()
    try:
        seconds = float(text)
    except ValueError:
        moment = http_date(text)
        if moment is None:
            return None
        seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), _LONGEST_ASKED_SECONDS) if math.isfinite(seconds) else None
