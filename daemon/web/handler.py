"""One request to the service's web: read within bounds, judged, answered, and the connection closed.

Whoever asks is not trusted: a request has so many bytes and so many seconds in all, and one from a page in somebody's
browser that was led here by a forged name (DNS rebinding) is told nothing.
"""

from __future__ import annotations

import hmac
import io
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol

SECONDS_FOR_A_REQUEST = 10.0
_MOST_BYTES = 16 * 1024
_LONGEST_LINE = 8 * 1024
_MOST_LEFT_OVER = 64 * 1024
_METHODS = ("GET", "HEAD")
_PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What is sent: a status, bytes, and what kind they are."""

    status: int
    body: bytes
    kind: str = _PLAIN


class Front(Protocol):
    """What a request is judged and answered by. `token` is None where none is asked for."""

    token: str | None

    def is_ours(self, host: str) -> bool:
        """Whether a Host header names us."""
        ...

    def answer(self, path: str) -> Answer:
        """What stands at a path."""
        ...


class _Bounded(io.RawIOBase):
    """What the other side sends: so many bytes and, however slowly it drips, until the deadline only."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline
        self._left = _MOST_BYTES
        self.exceeded = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left_seconds = self._deadline - time.monotonic()
        if left_seconds <= 0:
            raise TimeoutError("the request does not end")
        if self._left <= 0:
            self.exceeded = True
            return 0
        self._connection.settimeout(left_seconds)
        count = self._connection.recv_into(buffer[: self._left])
        self._left -= count
        return count


class Handler(BaseHTTPRequestHandler):
    """Made by the server for each connection, in a thread of its own."""

    protocol_version = "HTTP/1.1"
    server_version = "rapport"
    sys_version = ""
    server: Front  # type: ignore[assignment]  # the library says any server

    def setup(self) -> None:
        super().setup()
        self._bounded = _Bounded(self.connection, time.monotonic() + SECONDS_FOR_A_REQUEST)
        self.rfile = io.BufferedReader(self._bounded)

    def handle(self) -> None:
        """One request a connection: who asks again opens another."""
        self.close_connection = True
        try:
            self.raw_requestline = self.rfile.readline(_LONGEST_LINE + 1)
            if len(self.raw_requestline) > _LONGEST_LINE:
                self.requestline, self.request_version, self.command = "", "HTTP/1.1", ""
                self.send_error(414)
            elif self.raw_requestline and self.parse_request():
                self._answer()
        except OSError:  # gone, or too slow
            return
        self._leave()

    def _answer(self) -> None:
        refusal = self._refusal()
        if refusal is not None:
            self.send_error(refusal)
            return
        self._send(self.server.answer(self.path.partition("?")[0]))

    def _refusal(self) -> int | None:
        """The status that the request is refused with, or None."""
        hosts = self.headers.get_all("Host") or []
        if self._bounded.exceeded:
            return 431
        if len(hosts) != 1:
            return 400
        if not self.server.is_ours(hosts[0]):
            return 421
        if not self._is_allowed():
            return 401
        return None if self.command in _METHODS else 405

    def _is_allowed(self) -> bool:
        """Whether the token is right, where one is asked for. Compared in constant time."""
        token = self.server.token
        if token is None:
            return True
        given = self.headers.get_all("Authorization") or []
        scheme, _, value = (given[0] if len(given) == 1 else "").partition(" ")
        same = hmac.compare_digest(value.strip().encode("utf-8", "replace"), token.encode())
        return same and scheme.lower() == "bearer"

    def send_error(self, code: int, *_: str | None) -> None:
        """A plain line instead of the library's page, which repeats what was asked."""
        phrase = self.responses.get(code, ("refused",))[0]
        self._send(Answer(status=code, body=f"{phrase}\n".encode()))

    def _send(self, answer: Answer) -> None:
        code = answer.status
        self.request_version = self.protocol_version  # also to who spoke an older one, which has no status line
        self.connection.settimeout(SECONDS_FOR_A_REQUEST)
        self.send_response_only(code)
        self.send_header("Server", self.server_version)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Content-Security-Policy", "default-src 'none'")
        self.send_header("Connection", "close")
        if code == 401:
            self.send_header("WWW-Authenticate", 'Bearer realm="rapport"')
        if code == 405:
            self.send_header("Allow", ", ".join(_METHODS))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.wfile.flush()

    def _leave(self) -> None:
        """Takes what is left of the request, so that the other side gets the answer and not a reset connection."""
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(0.5)
            left = _MOST_LEFT_OVER
            while left > 0 and (part := self.connection.recv(min(left, 8192))):
                left -= len(part)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
        """Nothing: what was asked is the other side's text, and the numbers are in the metrics."""
