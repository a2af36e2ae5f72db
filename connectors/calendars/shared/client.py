"""Asking a provider: at a pace, with patience, each request over a connection that is its alone meanwhile.

Knows not whom it asks, nor for what.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from connectors.calendars.shared.calendars import Closeable, RequestCounter
from connectors.calendars.shared.refusals import Refusal, json_object
from connectors.contract import Context
from connectors.net.rate_limit import RateLimiter
from connectors.net.retry import Again, Patience, Pause, patiently
from connectors.net.session import Session


class Subject(Protocol):
    """What a request is about."""

    @property
    def subject(self) -> str:
        """For whom it is paced."""
        ...


T = TypeVar("T")
ConnectionT = TypeVar("ConnectionT", bound=Closeable)
InfoT = TypeVar("InfoT", bound=Subject)
TokenT = TypeVar("TokenT")
Answer = Mapping[str, Any]


def session_of(context: Context) -> Session:
    """A session as the config's `[network]` wants it."""
    return Session(ca_file=context.ca_file, proxy=context.proxy, timeout_seconds=context.timeout_seconds)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pacing:
    """How often a provider is asked, and how long a request is tried. `pause` ends when the connector is closed."""

    limiter: RateLimiter
    patience: Patience
    pause: Pause


def pacing_of(
    context: Context, connector: str, *, per_minute: int, per_person: int, patience: Patience | None
) -> Pacing:
    """Requests a minute in all, of every process together where there are others, and for each person."""
    pause = Pause()
    shared = context.shared(connector, per_minute) if context.shared else None
    limiter = RateLimiter(per_minute=per_minute, per_person=per_person, sleep=pause, all_together=shared)
    return Pacing(limiter=limiter, patience=patience or Patience(), pause=pause)


class PatientClient(Generic[ConnectionT, InfoT, TokenT]):
    """Asks with a token, and once more with another where that was revoked before its time. For all threads.

    `wait` returns when a request for somebody may be made, `token` gives one for what is asked about, and `renewed`
    another in place of one that was refused; all raise `connectors.errors`' errors.
    """

    def __init__(
        self,
        pacing: Pacing,
        *,
        connect: Callable[[], ConnectionT],
        wait: Callable[[str], None],
        token: Callable[[ConnectionT, InfoT], TokenT],
        renewed: Callable[[ConnectionT, InfoT, TokenT], TokenT],
    ) -> None:
        self._pacing = pacing
        self._connect = connect
        self._wait = wait
        self._token = token
        self._renewed = renewed
        self._idle: queue.LifoQueue[ConnectionT] = queue.LifoQueue()
        self._unpacking = threading.Lock()

    def ask(
        self,
        info: InfoT,
        send: Callable[[ConnectionT, TokenT], bytes | Refusal],
        judge: Callable[[Refusal, TokenT], Exception],
        read: Callable[[bytes], T],
        counter: RequestCounter,
    ) -> T:
        """What `read` makes of the answer, tried again after each `Again`. Raises what `judge` says of a refusal."""

        def attempt() -> T:
            paced = time.monotonic()
            self._wait(info.subject)
            counter.seconds -= time.monotonic() - paced
            token = self._token(connection, info)
            counter.made += 1
            answer = send(connection, token)
            if isinstance(answer, Refusal) and answer.status == 401:
                token = self._renewed(connection, info, token)
                counter.made += 1
                answer = send(connection, token)
            if isinstance(answer, Refusal):
                raise judge(answer, token)
            with self._unpacking:  # a page may be ten times its size then, and threads would only share the core
                return read(answer)

        began = time.monotonic()
        try:
            with self._lent() as connection:
                return patiently(attempt, self._pacing.patience, self._pacing.pause)
        finally:
            counter.seconds += time.monotonic() - began

    @contextmanager
    def _lent(self) -> Iterator[ConnectionT]:
        """A connection for the caller alone, until it is given back: sessions are not for several threads."""
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = self._connect()
        try:
            yield connection
        finally:
            self._idle.put(connection)

    def close(self) -> None:
        """Lets go of every connection; a sleeping request ends."""
        self._pacing.pause.end()
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return


def unpacked(body: bytes, provider: str) -> Answer:
    """A JSON object. Raises `Again`."""
    answer = json_object(body)
    if answer is None:
        raise Again("garbled", f"{provider}'s answer is no JSON")
    return answer
