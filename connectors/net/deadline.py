"""A deadline for a whole answer, from the first connection to the last byte, whoever is asked by whatever protocol."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any


class Deadline:
    """A moment after which every socket of a request is shut, however slowly the other side keeps it alive.

    Timeouts of sockets, and looks at the clock between chunks, would let a server that sends a byte of a header now
    and then hold us for hours. Begins at once; whoever made it closes it. What was shut looks like an end to whoever
    reads it, so `is_over` has to be asked before an end is believed.
    """

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._handles: list[socket.socket] = []
        self._lock = threading.Lock()
        self._was_cut = False
        self._timer = threading.Timer(seconds, self._shut)
        self._timer.daemon = True
        self._timer.start()

    @property
    def left_seconds(self) -> float:
        """Seconds until it, below zero after it."""
        return self._until - time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether it has passed, or was cut short."""
        return self._was_cut or self.left_seconds <= 0

    def watch(self, opened: socket.socket) -> None:
        """Shuts this connection too when the time has come, also once TLS has taken the socket over."""
        handle = socket.socket(fileno=os.dup(opened.fileno()))
        with self._lock:
            self._handles.append(handle)
        if self.is_over:
            self._shut()

    def connected(
        self,
        addresses: Sequence[str],
        port: int,
        timeout_seconds: float,
        socket_options: Sequence[tuple[Any, ...]] | None = None,
    ) -> socket.socket:
        """A connection to the first of a host's addresses that takes one, watched. Raises `OSError`.

        Each address has the timeout, all of them together no longer than the deadline.
        """
        problem: OSError = TimeoutError("no time is left to connect")
        for address in addresses:
            left = min(timeout_seconds, self.left_seconds)
            if left <= 0:
                break
            try:
                opened = _connected((address, port), left, socket_options or ())
            except OSError as error:
                problem = error
                continue
            self.watch(opened)
            return opened
        raise problem

    def cut(self) -> None:
        """Has it pass now. From any thread."""
        self._was_cut = True
        self._shut()

    def close(self) -> None:
        """It is not needed any more."""
        self._timer.cancel()
        with self._lock:
            for handle in self._handles:
                handle.close()
            self._handles.clear()

    def _shut(self) -> None:
        with self._lock:
            for handle in self._handles:
                with suppress(OSError):
                    handle.shutdown(socket.SHUT_RDWR)


def addresses_of(host: str, port: int) -> list[str]:
    """What the name resolves to, in the system's order. Raises `socket.gaierror` or `UnicodeError`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in found))


def _connected(
    address: tuple[str, int], timeout_seconds: float, socket_options: Sequence[tuple[Any, ...]]
) -> socket.socket:
    opened = socket.create_connection(address, timeout_seconds)
    for option in socket_options:
        opened.setsockopt(*option)
    return opened
