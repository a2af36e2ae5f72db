"""Asking Google: as whom, when not to ask any more, and what a refusal means (`docs/providers.md` A6, D).

Knows not what is asked for.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from connectors.calendars.google.credentials import Key
from connectors.calendars.google.errors import DailyLimit, NotFound, RequestInfo, missing_calendar
from connectors.calendars.google.json_pages import UNUSUAL, in_parts
from connectors.calendars.google.sessions import Connection
from connectors.calendars.google.tokens import Tokens
from connectors.calendars.google.transport import Refused
from connectors.calendars.shared.calendars import RequestCounter
from connectors.calendars.shared.client import Answer, Pacing, PatientClient, unpacked
from connectors.calendars.shared.refusals import Refusal
from connectors.errors import ConnectorError, RetryLater

_QUIET_SECONDS = 600.0

# They log whole answers, and addresses with tokens in them, at levels that reach standard error.
for _name in ("googleapiclient", "google"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 10)

T = TypeVar("T")
Judge = Callable[[Refusal, RequestInfo, Key], ConnectorError]
Make = Callable[[Connection], Any]
"""Makes the request with a connection's service objects."""


class GoogleClient:
    """Google, as a connector's config says. Used from several threads."""

    def __init__(self, tokens: Tokens, connect: Callable[[], Connection], pacing: Pacing) -> None:
        self.tokens = tokens
        self._limiter = pacing.limiter
        self._client = PatientClient(
            pacing, connect=connect, wait=self._wait, token=tokens.of, renewed=tokens.refreshed
        )
        self._has_read = False
        self._quiet_until = 0.0

    def ask(
        self, info: RequestInfo, make: Make, judge: Judge, counter: RequestCounter, read: Callable[[Answer], T]
    ) -> T:
        """What `read` makes of the answer to one request, tried with patience. Raises `connectors.errors`' errors."""
        missed = False

        def judged(refusal: Refusal, _token: Any) -> ConnectorError:
            nonlocal missed
            error = judge(refusal, replace(info, others_work=self._has_read), self.tokens.key)
            if isinstance(error, DailyLimit):
                self._quiet_until = time.monotonic() + _QUIET_SECONDS
            if isinstance(error, NotFound):
                error, missed = missing_calendar() if missed else error, True
            return error

        return self._client.ask(info, partial(_send, make), judged, partial(self._read, info, read), counter)

    def _wait(self, subject: str) -> None:
        if time.monotonic() < self._quiet_until:
            raise RetryLater("quota", "Google's quota is used up for now")
        self._limiter.wait(subject)

    def _read(self, info: RequestInfo, read: Callable[[Answer], T], body: bytes) -> T:
        if info.api == "calendar":
            self._has_read = True
            with suppress(*UNUSUAL):
                return read(in_parts(body))
        return read(unpacked(body, "Google"))

    def close(self) -> None:
        """Lets go of every connection; a sleeping request ends."""
        self._client.close()


def _send(make: Make, connection: Connection, token: Any) -> bytes | Refusal:
    """One request. What the library raises holds the address, so it goes no further than here."""
    request = make(connection)
    token.apply(request.headers)
    try:
        answer: bytes = request.execute(http=connection.http)
    except Refused as error:
        refusal = error.refusal
    else:
        return answer
    return refusal
