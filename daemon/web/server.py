"""The service's web: `/healthz`, `/readyz`, `/metrics`, in threads of its own, so that nobody who asks holds it up."""

from __future__ import annotations

import ipaddress
import socket
import socketserver
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import HTTPServer
from typing import Any
from urllib.parse import urlsplit

import structlog

from daemon.web.handler import Answer, Handler
from daemon.web.health import Health
from daemon.web.metrics import Metrics

log = structlog.get_logger()

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104  # compared with, not listened on
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_MOST_CONNECTIONS = 16
_MOST_ASKING_THE_STORE = 4
LOOK_SECONDS = 0.5  # how long closing may take


class Site(socketserver.ThreadingMixIn, HTTPServer):
    """The listening socket and what stands behind it."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = _MOST_CONNECTIONS

    def __init__(self, address: tuple[str, int], token: str | None, health: Health, metrics: Metrics) -> None:
        self.token = token
        self._listens_at = address[0].lower()
        self._health = health
        self._metrics = metrics
        self._places = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        self._asking = threading.BoundedSemaphore(_MOST_ASKING_THE_STORE)
        self._pages: dict[str, Callable[[], Answer]] = {
            "/healthz": self._healthz,
            "/readyz": lambda: self._of_the_store(self._readyz),
            "/metrics": lambda: self._of_the_store(self._numbers),
        }
        found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        self.address_family = found[0][0]
        super().__init__(found[0][4][:2], Handler)  # type: ignore[arg-type]  # a name's address begins with host, port

    def server_bind(self) -> None:
        """Without the library's look-up of this machine's name, which may wait for a name server."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self._listens_at, self.server_address[1]

    def is_ours(self, host: str) -> bool:
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
        return self._listens_at in _EVERYWHERE and (self.token is not None or _is_figures(name))

    def answer(self, path: str) -> Answer:
        """The page at a path, or that there is none."""
        page = self._pages.get(path)
        if page is None:
            return Answer(status=404, body=b"Not Found\n")
        try:
            return page()
        except Exception as error:  # a defect must neither end the web nor be shown to strangers
            log.error("page_defect", page=path, kind=type(error).__name__, exc_info=True)
            return Answer(status=500, body=b"Internal Server Error\n")

    def _healthz(self) -> Answer:
        if self._health.alive():
            return Answer(status=200, body=b"ok\n")
        return Answer(status=503, body=b"the loop has not turned lately\n")

    def _of_the_store(self, page: Callable[[], Answer]) -> Answer:
        """A page that asks the store: few at a time, so that a store that hangs leaves places for `/healthz`."""
        if not self._asking.acquire(blocking=False):
            return Answer(status=503, body=b"busy\n")
        try:
            return page()
        finally:
            self._asking.release()

    def _readyz(self) -> Answer:
        ready, why = self._health.ready()
        return Answer(status=200, body=b"ready\n") if ready else Answer(status=503, body=f"{why}\n".encode())

    def _numbers(self) -> Answer:
        return Answer(status=200, body=self._metrics.text(), kind=_METRICS_TYPE)

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread for the connection, or its end where there are too many already."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, *_: Any) -> None:
        """Instead of a traceback on standard error."""
        log.warning("connection_defect", exc_info=True)


class Web:
    """The web of the running service. Raises `OSError` where the address cannot be listened on."""

    def __init__(self, address: tuple[str, int], token: str | None, health: Health, metrics: Metrics) -> None:
        self._site = Site(address, token, health, metrics)
        self._thread = threading.Thread(target=self._site.serve_forever, args=(LOOK_SECONDS,), name="web", daemon=True)

    @property
    def port(self) -> int:
        """The port that is listened on; for 0 in the config, the one that was free."""
        return self._site.server_port

    def start(self) -> None:
        """Answers from now on."""
        self._thread.start()

    def close(self) -> None:
        """Answers nobody any more. May be called twice, and before `start`."""
        if self._thread.is_alive():
            self._site.shutdown()
            self._thread.join(5)
        with suppress(OSError):
            self._site.server_close()


def _is_figures(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
