"""How Google's two libraries reach the network: over `connectors.net.session` instead of their own httplib2.

httplib2 ignores a proxy unless PySocks is there, follows redirects with the token, has no deadline, and is not
thread-safe (`docs/providers.md` D). googleapiclient asks of its `http` only `request` and `close`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import google.auth.transport
import httplib2

from connectors.calendars.google.errors import passing
from connectors.calendars.shared.refusals import Refusal, json_object
from connectors.net.retry import Again, retry_after
from connectors.net.session import Session, exchange

_PASSING_TOKEN_ERRORS = ("internal_failure", "server_error", "temporarily_unavailable", "rate_limit_exceeded")


class Refused(Exception):
    """A refusal that the library does not get to see: it would take it apart, and fails over one that is odd."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__()
        self.refusal = refusal


class Http:
    """What googleapiclient takes for httplib2. Raises `ConnectorError` where no answer came, and `Refused`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def request(
        self, uri: str, method: str = "GET", body: Any = None, headers: Mapping[str, str] | None = None, **_: Any
    ) -> tuple[httplib2.Response, bytes]:
        """One request, sent once."""
        status, found, data = exchange(self._session, method, uri, body, headers)
        if status >= 300:
            raise Refused(Refusal(status, data, retry_after(found.get("Retry-After"))))
        response = httplib2.Response({name.lower(): value for name, value in found.items()})
        response.status = status
        response.reason = ""
        return response, data

    def close(self) -> None:
        self._session.close()


class TokenRequest(google.auth.transport.Request):
    """What google-auth fetches a token with. Passing trouble is raised as such: our own patience deals with it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.made = 0

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002  # the session has one
        **_: Any,
    ) -> google.auth.transport.Response:
        self.made += 1
        status, found, data = exchange(self._session, method, url, body, headers)
        answer = json_object(data) or {}
        if status == 200 and not isinstance(answer.get("access_token"), str):
            raise Again("garbled", "Google's answer is no token")
        refusal = Refusal(status, data, retry_after(found.get("Retry-After")))
        if status != 200 and answer.get("error") in _PASSING_TOKEN_ERRORS:
            raise Again("unavailable", "Google gives no token for now", after_seconds=refusal.retry_after)
        if status != 200 and not isinstance(answer.get("error"), str):
            raise passing(refusal) or Again("unavailable", f"Google answers {status} instead of a token")
        if status == 429 or status >= 500:
            raise Again("unavailable", "Google gives no token for now", after_seconds=refusal.retry_after)
        return _TokenAnswer(status, found, data)


class _TokenAnswer(google.auth.transport.Response):
    def __init__(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self._status, self._headers, self._data = status, headers, data

    @property
    def status(self) -> int:
        return self._status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._headers

    @property
    def data(self) -> bytes:
        return self._data
