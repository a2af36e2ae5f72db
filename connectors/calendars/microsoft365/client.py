"""Asking Graph: where tokens may be sent, and what a refusal means. Knows not what is asked for.

The token is only ever sent to the host that the config names, by the same scheme and port (`docs/providers.md` B1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from connectors.calendars.microsoft365.errors import RequestInfo, foreign_link
from connectors.calendars.microsoft365.settings import Endpoints
from connectors.calendars.microsoft365.tokens import Tokens, roles_of
from connectors.calendars.shared.calendars import RequestCounter
from connectors.calendars.shared.client import Answer, Pacing, PatientClient, unpacked
from connectors.calendars.shared.refusals import Refusal
from connectors.net.endpoints import origin_of
from connectors.net.retry import retry_after
from connectors.net.session import Session, exchange

T = TypeVar("T")
Judge = Callable[[Refusal, RequestInfo], Exception]
DIRECTORY = "directory"
"""The subject of what is asked of the directory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is asked: a whole address, and the headers beside the token."""

    url: str
    headers: Mapping[str, str]
    info: RequestInfo


class GraphClient:
    """Graph, as a connector's config says. Used from several threads."""

    def __init__(self, tokens: Tokens, endpoints: Endpoints, connect: Callable[[], Session], pacing: Pacing) -> None:
        self.tokens = tokens
        self.endpoint = endpoints.graph
        self._scope = endpoints.scope
        self._origin = origin_of(endpoints.graph)
        self._client = PatientClient(
            pacing, connect=connect, wait=pacing.limiter.wait, token=self._token, renewed=self._renewed
        )
        self._has_read = False

    def leads_to(self, url: str) -> bool:
        """Whether an address is this Graph's: no token is sent to another."""
        return self._origin is not None and url.isascii() and origin_of(url) == self._origin

    def get(self, request: Request, judge: Judge, counter: RequestCounter, read: Callable[[Answer], T]) -> T:
        """What `read` makes of the answer, asked for with patience. Raises what `judge` says of a refusal."""
        if not self.leads_to(request.url):
            raise foreign_link()

        def judged(refusal: Refusal, token: str) -> Exception:
            permitted = any(role.startswith("Calendars.") for role in roles_of(token))
            return judge(refusal, replace(request.info, permitted=permitted, others_work=self._has_read))

        def found(body: bytes) -> T:
            answer = read(unpacked(body, "Graph"))
            self._has_read = self._has_read or request.info.subject != DIRECTORY
            return answer

        return self._client.ask(request.info, partial(_send, request), judged, found, counter)

    def _token(self, _session: Session, _info: RequestInfo) -> str:
        return self.tokens.get(self._scope)

    def _renewed(self, _session: Session, _info: RequestInfo, token: str) -> str:
        self.tokens.drop(token)
        return self.tokens.get(self._scope)

    def close(self) -> None:
        """Lets go of every connection; a sleeping request ends."""
        self._client.close()
        self.tokens.close()


def _send(request: Request, session: Session, token: str) -> bytes | Refusal:
    headers = {
        **request.headers,
        "Authorization": f"Bearer {token}",
        "Accept": "application/json",
        "User-Agent": "rapport-daemon",
    }
    status, found, body = exchange(session, "GET", request.url, None, headers)
    return body if status == 200 else Refusal(status, body, retry_after(found.get("Retry-After")))
