"""What the service's web answers, and to whom: `/healthz`, `/readyz`, `/metrics`, as a Starlette application.

Whoever asks is not trusted: a request has so many bytes, and one from a page in somebody's browser that was led here by
a forged name (DNS rebinding) is told nothing.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Protocol
from urllib.parse import urlsplit

import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from daemon.web.metrics import Metrics

log = structlog.get_logger()

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104  # compared with, not listened on
_METHODS = ("GET", "HEAD")
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_MOST_HEADERS, _MOST_HEADER_BYTES, _LONGEST_TARGET = 100, 16 * 1024, 8 * 1024
_MOST_BODY_BYTES, _BODY_SECONDS = 64 * 1024, 0.5
_MOST_ASKING_THE_STORE = 4


class Health(Protocol):
    """Asked as often as somebody likes. What it says names no person, client or address."""

    def alive(self) -> bool:
        """Whether the service's loop turned lately. Must answer at once and ask nobody, the store least of all:
        whoever gets a no restarts the service, and that mends no database."""
        ...

    def ready(self) -> tuple[bool, str]:
        """Whether the store answers and the last sync is fresh; and why not, or what is to be known all the same, in a
        clause. Asked from threads."""
        ...


def make_app(listens_at: str, token: str | None, health: Health, metrics: Metrics) -> Starlette:
    """The application. `listens_at` is the host that is listened on, `token` None where none is asked for."""
    pages = _Pages(health, metrics)
    app = Starlette(
        routes=[
            Route("/healthz", pages.healthz),
            Route("/readyz", pages.readyz),
            Route("/metrics", pages.numbers),
        ],
        middleware=[Middleware(_Gate, listens_at=listens_at.lower(), token=token)],
        exception_handlers={HTTPException: _refused, Exception: _defect},
    )
    app.router.redirect_slashes = False
    return app


class _Pages:
    """What stands at each path. All run in one event loop; what asks the store does so in a thread."""

    def __init__(self, health: Health, metrics: Metrics) -> None:
        self._health = health
        self._metrics = metrics
        self._asking = 0

    async def healthz(self, _: Request) -> Response:
        return _line(200, "ok") if self._health.alive() else _line(503, "the loop has not turned lately")

    async def readyz(self, _: Request) -> Response:
        return await self._of_the_store(self._readyz)

    async def numbers(self, _: Request) -> Response:
        return await self._of_the_store(lambda: Response(self._metrics.text(), media_type=_METRICS_TYPE))

    async def _of_the_store(self, page: Callable[[], Response]) -> Response:
        """Few at a time, so that a store that hangs does not gather threads without end."""
        if self._asking >= _MOST_ASKING_THE_STORE:
            return _line(503, "busy")
        self._asking += 1
        try:
            return await run_in_threadpool(page)
        finally:
            self._asking -= 1

    def _readyz(self) -> Response:
        ready, why = self._health.ready()
        return _line(200, f"ready, but {why}" if why else "ready") if ready else _line(503, why)


class _Gate:
    """Judges each request before any page is asked."""

    def __init__(self, app: ASGIApp, listens_at: str, token: str | None) -> None:
        self._app = app
        self._listens_at = listens_at
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        await _take_body(request)
        refusal = self._refusal(request)
        answer = self._app if refusal is None else _line(refusal)
        if refusal == 401:
            answer = _line(401, headers={"WWW-Authenticate": 'Bearer realm="rapport"'})
        if refusal == 405:
            answer = _line(405, headers={"Allow": ", ".join(_METHODS)})
        await answer(scope, receive, send)

    def _refusal(self, request: Request) -> int | None:
        """The status that the request is refused with, or None."""
        headers = request.headers.raw
        hosts = request.headers.getlist("Host")
        if request.scope["http_version"] not in ("1.0", "1.1"):
            return 505
        if len(request.scope["raw_path"]) + len(request.scope["query_string"]) > _LONGEST_TARGET:
            return 414
        if len(headers) > _MOST_HEADERS or sum(len(name) + len(value) for name, value in headers) > _MOST_HEADER_BYTES:
            return 431
        if len(hosts) != 1:
            return 400
        if not self._is_ours(hosts[0]):
            return 421
        if not self._is_allowed(request):
            return 401
        return None if request.method in _METHODS else 405

    def _is_ours(self, host: str) -> bool:
        """Whether a Host header names us. Beyond loopback on every address the token alone decides: a page that was
        led here by a forged name has none. Without a token only addresses in figures count, which cannot be forged so.
        """
        try:
            parts = urlsplit(f"//{host}")
            name, well_formed = (parts.hostname or "").lower(), parts.netloc == host and parts.username is None
            _ = parts.port
        except ValueError:
            return False
        if not name or not well_formed:
            return False
        if name in _LOOPBACK or name == self._listens_at:
            return True
        return self._listens_at in _EVERYWHERE and (self._token is not None or _is_figures(name))

    def _is_allowed(self, request: Request) -> bool:
        """Whether the token is right, where one is asked for. Compared in constant time."""
        if self._token is None:
            return True
        given = request.headers.getlist("Authorization")
        scheme, _, value = (given[0] if len(given) == 1 else "").partition(" ")
        same = hmac.compare_digest(value.strip().encode("latin-1"), self._token.encode())
        return same and scheme.lower() == "bearer"


async def _take_body(request: Request) -> None:
    """Takes a body that nobody wants, within bounds: closed on unread bytes, a connection is reset before the other
    side has the answer."""
    left = _MOST_BODY_BYTES
    with suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(_BODY_SECONDS):
            async for part in request.stream():
                left -= len(part)
                if left <= 0:
                    return


def _line(status: int, text: str | None = None, headers: dict[str, str] | None = None) -> Response:
    return PlainTextResponse(f"{text or HTTPStatus(status).phrase}\n", status, headers)


async def _refused(_: Request, error: Exception) -> Response:
    return _line(error.status_code if isinstance(error, HTTPException) else 500)


async def _defect(request: Request, error: Exception) -> Response:
    """A defect must neither end the web nor be shown to strangers."""
    log.error("page_defect", page=request.url.path, kind=type(error).__name__, exc_info=error)
    return _line(500)


def _is_figures(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
