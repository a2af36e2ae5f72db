"""What the fakes of web services share: a small server over HTTP or TLS, requests that are noted, faults on demand."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, Any, Self
from urllib.parse import unquote

_OK = b"HTTP/1.1 200 OK\r\n"
DRIPS = {
    "body of a length": (_OK + b"Content-Length: 100000\r\n\r\n", b"x"),
    "body without a length": (_OK + b"\r\n{", b" "),
    "chunks": (_OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "refusal": (b"HTTP/1.1 400 Bad\r\nContent-Length: 100000\r\n\r\n", b"x"),
    "redirect": (b"HTTP/1.1 302 Found\r\nLocation: /", b"x"),
    "headers": (_OK, b"X: y\r\n"),
    "one header": (_OK + b"X: ", b"y"),
    "continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}
"""Answers that never end though no single wait is long: how each begins, and what then comes again and again."""


@dataclass(kw_only=True)
class Fault:
    """What goes wrong with requests whose path holds `path`: so many `times`, after letting `after` of them pass.

    `who` restricts it to one person's requests. `drop` closes the connection unanswered, `cut` in the middle of the
    answer; `endless` never stops answering; `drip` neither, a little at a time (one of `DRIPS`); `only_delay` answers
    as usual, late.
    """

    path: str = "/"
    who: str | None = None
    status: int = 500
    times: int = 1
    after: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    drop: bool = False
    cut: bool = False
    endless: bool = False
    drip: str = ""
    delay_seconds: float = 0.0
    only_delay: bool = False

    def takes(self, path: str, who: str | None) -> bool:
        """Whether this request is hit; counts down."""
        if self.times <= 0 or self.path not in path or (self.who is not None and self.who != who):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.times -= 1
        return True


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    endless: bool = False
    drip: str = ""


class Drop(Exception):
    """The connection is closed without an answer."""


def json_answer(status: int, value: Any, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(value).encode(), headers or {})


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up, or do not trust the certificate, are part of the tests."""


class HttpFake(ABC):
    """A server on this machine, in a thread while `with` lasts. What it answers is up to `answer`.

    `spoil` is given each request's path and headers and the answer, and gives what goes out instead.
    """

    spoil: Callable[[str, Message, Answer], Answer] = staticmethod(lambda _path, _headers, answer: answer)

    packed_from_bytes = 1000
    """Answers that are larger are gzipped, for whoever takes that."""

    def __init__(self, port: int = 0, context: ssl.SSLContext | None = None) -> None:
        self._server = _Quiet(("127.0.0.1", port), _handler(self))
        if context is not None:  # the handshake then takes place in the connection's own thread
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def serve(self) -> None:
        """In the foreground, until interrupted."""
        self._server.serve_forever()

    @abstractmethod
    def answer(self, method: str, target: str, headers: Message, body: bytes) -> Answer:
        """One request, from any thread. Raises `Drop`."""


def struck(fault: Fault, body: bytes, headers: dict[str, str] | None = None) -> Answer | None:
    """What a fault makes of a request; None where it only delays. Raises `Drop`."""
    time.sleep(fault.delay_seconds)
    if fault.only_delay:
        return None
    if fault.drop:
        raise Drop
    sent = body if fault.body is None else fault.body
    return Answer(
        fault.status, sent, {**(headers or {}), **fault.headers}, cut=fault.cut, endless=fault.endless, drip=fault.drip
    )


def _drip(file: IO[bytes], start: bytes, piece: bytes) -> None:
    """Until the other side has had enough: within ten seconds."""
    with suppress(OSError):
        file.write(start)
        for _ in range(200):
            file.write(piece)
            time.sleep(0.05)


def _packs(headers: Message, answer: Answer, from_bytes: int) -> bool:
    large = len(answer.body) > from_bytes
    return large and "Content-Encoding" not in answer.headers and "gzip" in headers.get("Accept-Encoding", "")


def _handler(fake: HttpFake) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, body: bytes) -> None:
            try:
                answer = fake.answer(self.command, self.path, self.headers, body)
                answer = fake.spoil(unquote(self.path), self.headers, answer)
            except Drop:
                self.close_connection = True
                return
            if answer.drip:
                self.close_connection = True
                _drip(self.wfile, *DRIPS[answer.drip])
                return
            data = answer.body
            more = {"Content-Type": "application/json"} | answer.headers
            if _packs(self.headers, answer, fake.packed_from_bytes):
                data, more["Content-Encoding"] = gzip.compress(data, 1), "gzip"
            if answer.endless:
                more["Transfer-Encoding"] = "chunked"
            else:
                more["Content-Length"] = str(len(data))
            head = [f"HTTP/1.1 {answer.status} Fake", *(f"{name}: {value}" for name, value in more.items())]
            self.wfile.write("\r\n".join(head).encode() + b"\r\n\r\n")
            if answer.endless:
                self._go_on()
            else:
                self.wfile.write(data[: len(data) // 2] if answer.cut else data)
            self.close_connection = self.close_connection or answer.cut or answer.endless

        def _go_on(self) -> None:
            """Blanks, until the other side has had enough: within ten seconds."""
            with suppress(OSError):
                for _ in range(1000):
                    self.wfile.write(b"400\r\n" + b" " * 1024 + b"\r\n")
                    time.sleep(0.01)

    return Handler
