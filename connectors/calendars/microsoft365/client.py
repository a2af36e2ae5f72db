"""Asking Graph: with which token, how often, with how much patience, and what a refusal means. Knows not what is asked.

The token is only ever sent to the host that the config names, by the same scheme and port.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from connectors.calendars.microsoft365.clouds import Place
from connectors.calendars.microsoft365.errors import Asked, Refusal, foreign_link
from connectors.calendars.microsoft365.tokens import Tokens, roles_of
from connectors.contract import Context
from connectors.net.endpoints import origin_of
from connectors.net.rate_limit import RateLimiter
from connectors.net.retry import Again, Patience, Pause, patiently, retry_after
from connectors.net.session import Session, exchange

T = TypeVar("T")
Answer = Mapping[str, Any]
Judge = Callable[[Refusal, Asked], Exception]


@dataclass(slots=True)
class Calls:
    """Requests that are counted together: one round's, or one roster's. Tokens are not among them."""

    made: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is asked: a whole address, and the headers beside the token."""

    url: str
    headers: Mapping[str, str]
    asked: Asked


class Access:
    """Graph, as a connector's config says. Used from several threads."""

    def __init__(
        self, tokens: Tokens, place: Place, context: Context, *, pacer: RateLimiter, patience: Patience, pause: Pause
    ) -> None:
        self.tokens = tokens
        self.endpoint = place.endpoint
        self._scope = place.scope
        self._origin = origin_of(place.endpoint)
        self._context = context
        self._pacer = pacer
        self._patience = patience
        self._pause = pause
        self._idle: queue.LifoQueue[Session] = queue.LifoQueue()
        self._reading = threading.Lock()
        self._has_read = False

    def get(self, request: Request, judge: Judge, calls: Calls, read: Callable[[Answer], T]) -> T:
        """What `read` makes of the answer, asked for with patience. Raises what `judge` says of a refusal."""
        if origin_of(request.url) != self._origin or self._origin is None:
            raise foreign_link()
        with self._lent() as session:
            return patiently(lambda: self._try(session, request, judge, calls, read), self._patience, self._pause)

    def _try(self, session: Session, request: Request, judge: Judge, calls: Calls, read: Callable[[Answer], T]) -> T:
        self._pacer.wait(request.asked.subject)
        token = self.tokens.get(self._scope)
        answer = _ask(session, request, token, calls)
        if isinstance(answer, Refusal) and answer.status == 401:
            self.tokens.drop(token)  # it was revoked before its time
            token = self.tokens.get(self._scope)
            answer = _ask(session, request, token, calls)
        if isinstance(answer, Refusal):
            permitted = any(one.startswith("Calendars.") for one in roles_of(token))
            raise judge(answer, replace(request.asked, permitted=permitted, others_work=self._has_read))
        found = self._read(answer, read)
        self._has_read = self._has_read or request.asked.subject != DIRECTORY
        return found

    def _read(self, body: bytes, read: Callable[[Answer], T]) -> T:
        """Unpacked a page is ten times its size, so one is unpacked at a time: threads would only share the core."""
        with self._reading:
            try:
                answer = json.loads(body)
            except (ValueError, RecursionError):
                answer = None
            if isinstance(answer, dict):
                return read(answer)
        raise Again("garbled", "Graph's answer is no JSON")

    @contextmanager
    def _lent(self) -> Iterator[Session]:
        """A session for the caller alone, until it is given back."""
        try:
            session = self._idle.get_nowait()
        except queue.Empty:
            context = self._context
            session = Session(ca_file=context.ca_file, proxy=context.proxy, timeout_seconds=context.timeout_seconds)
        try:
            yield session
        finally:
            self._idle.put(session)

    def close(self) -> None:
        """Lets go of every connection; a sleeping request ends."""
        self._pause.end()
        self.tokens.close()
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return


DIRECTORY = "directory"
"""The subject of what is asked of the directory."""


def _ask(session: Session, request: Request, token: str, calls: Calls) -> bytes | Refusal:
    calls.made += 1
    headers = {
        **request.headers,
        "Authorization": f"Bearer {token}",
        "Accept": "application/json",
        "User-Agent": "rapport-daemon",
    }
    status, found, body = exchange(session, "GET", request.url, None, headers)
    if status == 200:
        return body
    return Refusal(status, body, retry_after(found.get("Retry-After")))
