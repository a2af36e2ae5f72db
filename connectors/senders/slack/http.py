"""One request to Slack, sent once: an answer, or what is known of why there is none.

Whoever posts has to know whether the request may have arrived. Its body is read only after the connection stands, so
where it was never touched nothing went out; from then on nobody can tell (`Lost`).
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from connectors.errors import ConnectorError, RetryLater
from connectors.net.retry import retry_after
from connectors.net.session import Session, transport_trouble

JSON = "application/json; charset=utf-8"


class Lost(RetryLater):
    """The request went out, and nobody can tell what became of it. Asking again is safe for a question only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpAnswer:
    """What came back; header names are lower-case. The body is nobody's to show: it may quote what was sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def after_seconds(self) -> float | None:
        return retry_after(self.headers.get("retry-after"))

    def fields(self) -> dict[str, Any] | None:
        """The JSON object that Slack's Web API answers with; None if something else answered."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


class _Body(io.BytesIO):
    """Knows whether anybody has begun to send it."""

    touched = False

    def read(self, size: int | None = -1, /) -> bytes:
        self.touched = True
        return super().read(size)


def post(session: Session, url: str, data: bytes, headers: Mapping[str, str]) -> HttpAnswer:
    """Sends it. Raises `Lost`, or what `transport_trouble` says when nothing went out.

    A connection of its own each time: one that was kept could be closed by the other side at the moment of sending.
    """
    body = _Body(data)
    problem: ConnectorError
    try:
        response = session.post(url, data=body if data else None, headers={**headers, "Connection": "close"})
        found = {name.lower(): value for name, value in response.headers.items()}
        return HttpAnswer(status=response.status_code, headers=found, body=response.content)
    except (requests.RequestException, OSError) as error:
        problem = transport_trouble(error, host_of(url))
    finally:
        session.close()
    if body.touched:  # raised outside the handler, so that no chain holds the address
        raise Lost(problem.code, f"{problem.what}, after the request had gone out", problem.remedy)
    raise problem


def host_of(url: str) -> str:
    """The host's name, for sentences."""
    return urlsplit(url).hostname or "Slack"


def check_is_slacks(answer: HttpAnswer, host: str) -> None:
    """Raises unless the Web API itself has answered: something on the way may have, or its machinery without it."""
    if answer.status == 429:
        return
    if answer.fields() is not None:
        return
    if answer.status in (200, 408) or answer.status >= 500:
        raise Lost("garbled", f"{host} answers {answer.status} with something that is not Slack's")
    raise blocked(answer.status, host)


def blocked(status: int, host: str) -> RetryLater:
    """A proxy or a firewall has answered in Slack's place."""
    what = f"something on the way to {host} answers {status}"
    return RetryLater(
        "blocked", what, "Look at the proxy and the firewall: slack.com, files.slack.com and hooks.slack.com."
    )
