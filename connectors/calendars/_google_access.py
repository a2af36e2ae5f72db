"""Asking Google: as whom, how often, with how much patience, and what a refusal means. Knows not what is asked for."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import googleapiclient.errors

from connectors.calendars._google_errors import Asked, DailyLimit, NotFound, Refusal, missing_calendar
from connectors.calendars._google_key import Key
from connectors.calendars._google_lines import Line, Lines
from connectors.calendars._google_tokens import Tokens
from connectors.errors import ConnectorError, RetryLater
from connectors.http import Again, Pacer, Patience, Pause, patiently
from connectors.retry_after import retry_after

_QUIET_SECONDS = 600.0

# They log whole answers, and addresses with tokens in them, at levels that reach standard error.
for _name in ("googleapiclient", "google"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 10)

Judge = Callable[[Refusal, Asked, Key], ConnectorError]
Make = Callable[[Line], Any]
"""Makes the request with a line's service objects."""


@dataclass(slots=True)
class Calls:
    """Requests that are counted together: one round's, or one roster's. Tokens are not among them."""

    made: int = 0


class Access:
    """Google, as a connector's config says. Used from several threads."""

    def __init__(self, tokens: Tokens, lines: Lines, *, pacer: Pacer, patience: Patience, pause: Pause) -> None:
        self.tokens = tokens
        self._lines = lines
        self._pacer = pacer
        self._patience = patience
        self._pause = pause
        self._has_read = False
        self._quiet_until = 0.0

    def call(self, asked: Asked, make: Make, judge: Judge, calls: Calls) -> dict[str, Any]:
        """The answer to one request, tried with patience. Raises the errors of `connectors.errors`."""
        missed = False

        def attempt(line: Line) -> dict[str, Any]:
            nonlocal missed
            try:
                return self._try(line, asked, make, judge, calls)
            except NotFound:
                if missed:
                    raise missing_calendar() from None
                missed = True
                raise

        with self._lines.lent() as line:
            return patiently(lambda: attempt(line), self._patience, self._pause)

    def _try(self, line: Line, asked: Asked, make: Make, judge: Judge, calls: Calls) -> dict[str, Any]:
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

    def _ask(self, line: Line, make: Make, token: Any, calls: Calls) -> dict[str, Any] | Refusal:
        """One request. What the library raises holds the address, so it goes no further than here."""
        request = make(line)
        token.apply(request.headers)
        calls.made += 1
        answer = refusal = None
        try:
            answer = request.execute()
        except googleapiclient.errors.HttpError as error:
            refusal = Refusal(error.resp.status, error.content, retry_after(error.resp.get("retry-after")))
        except ValueError:  # no JSON
            pass
        if refusal is not None:
            return refusal
        if not isinstance(answer, dict):
            raise Again("garbled", "Google's answer is no JSON")
        return answer

    def close(self) -> None:
        """Lets go of every connection; a sleeping request ends."""
        self._pause.end()
        self._lines.close()
