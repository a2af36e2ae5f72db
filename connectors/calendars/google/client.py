"""Asking Google: as whom, how often, with how much patience, and what a refusal means. Knows not what is asked for."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import googleapiclient.errors

from connectors.calendars.google.credentials import Key
from connectors.calendars.google.errors import Asked, DailyLimit, NotFound, Refusal, missing_calendar
from connectors.calendars.google.json_pages import UNUSUAL, Answer, in_parts, whole
from connectors.calendars.google.sessions import Line, Lines
from connectors.calendars.google.tokens import Tokens
from connectors.errors import ConnectorError, RetryLater
from connectors.net.rate_limit import RateLimiter
from connectors.net.retry import Again, Patience, Pause, patiently, retry_after

_QUIET_SECONDS = 600.0

# They log whole answers, and addresses with tokens in them, at levels that reach standard error.
for _name in ("googleapiclient", "google"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 10)

T = TypeVar("T")
Judge = Callable[[Refusal, Asked, Key], ConnectorError]
Make = Callable[[Line], Any]
"""Makes the request with a line's service objects."""


@dataclass(slots=True)
class Calls:
    """Requests that are counted together: one round's, or one roster's. Tokens are not among them."""

    made: int = 0


class Access:
    """Google, as a connector's config says. Used from several threads."""

    def __init__(self, tokens: Tokens, lines: Lines, *, pacer: RateLimiter, patience: Patience, pause: Pause) -> None:
        self.tokens = tokens
        self._lines = lines
        self._pacer = pacer
        self._patience = patience
        self._pause = pause
        self._reading = threading.Lock()
        self._has_read = False
        self._quiet_until = 0.0

    def call(self, asked: Asked, make: Make, judge: Judge, calls: Calls, read: Callable[[Answer], T]) -> T:
        """What `read` makes of the answer to one request, tried with patience. Raises `connectors.errors`' errors."""
        missed = False

        def attempt(line: Line) -> T:
            nonlocal missed
            try:
                return self._read(self._try(line, asked, make, judge, calls), asked, read)
            except NotFound:
                if missed:
                    raise missing_calendar() from None
                missed = True
                raise

        with self._lines.lent() as line:
            return patiently(lambda: attempt(line), self._patience, self._pause)

    def _read(self, body: bytes, asked: Asked, read: Callable[[Answer], T]) -> T:
        """One page is unpacked at a time: it may be ten times its size, and threads would only share the core."""
        with self._reading:
            if asked.api == "calendar":
                with suppress(*UNUSUAL):
                    return read(in_parts(body))
            answer = whole(body)
            if answer is not None:
                return read(answer)
        raise Again("garbled", "Google's answer is no JSON")

    def _try(self, line: Line, asked: Asked, make: Make, judge: Judge, calls: Calls) -> bytes:
        if time.monotonic() < self._quiet_until:
            raise RetryLater("quota", "Google's quota is used up for now")
        self._pacer.wait(asked.subject)
        token = self.tokens.of(line, asked)
        answer = self._ask(line, make, token, calls)
        if isinstance(answer, Refusal) and answer.status == 401:
            self.tokens.refresh(line, token, asked)  # it was revoked before its time
            answer = self._ask(line, make, token, calls)
        if not isinstance(answer, Refusal):
            self._has_read = self._has_read or asked.api == "calendar"
            return answer
        error = judge(answer, replace(asked, others_work=self._has_read), self.tokens.key)
        if isinstance(error, DailyLimit):
            self._quiet_until = time.monotonic() + _QUIET_SECONDS
        raise error

    def _ask(self, line: Line, make: Make, token: Any, calls: Calls) -> bytes | Refusal:
        """One request. What the library raises holds the address, so it goes no further than here."""
        request = make(line)
        token.apply(request.headers)
        calls.made += 1
        try:
            answer: bytes = request.execute(http=line.http)
        except googleapiclient.errors.HttpError as error:
            refusal = Refusal(error.resp.status, error.content, retry_after(error.resp.get("retry-after")))
        else:
            return answer
        return refusal

    def close(self) -> None:
        """Lets go of every connection; a sleeping request ends."""
        self._pause.end()
        self._lines.close()
