"""Requests for a feed by the shared session: to an address looked at first, at every hop, and within one deadline.

What answers may be hostile: it must neither hold this machine for ever nor fill its memory. `feed_addresses` decides
what may be asked at all. Errors and logs name the host alone.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.util.connection import create_connection

from connectors.calendars.ics.feed_addresses import (
    FeedAddress,
    Network,
    check_literal,
    checked_addresses,
    redirected,
    refused,
)
from connectors.calendars.ics.files import LARGEST_BYTES
from connectors.errors import ConnectorError
from connectors.net.retry import Again
from connectors.net.session import Session, TooMuch, body_of, proxies_for

REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 3
_HEADERS = {"Accept": "text/calendar, */*;q=0.1", "Accept-Encoding": "gzip, deflate"}


@dataclass(frozen=True, slots=True)
class FeedAnswer:
    """What came back; of anything but a 200 without its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Deadline:
    """A moment after which every socket of a request is shut, however slowly the other side keeps it alive.

    Timeouts of sockets, and looks at the clock between chunks, would let a server that sends a byte of a header now
    and then hold us for hours.
    """

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True
        self._timer.start()

    @property
    def left_seconds(self) -> float:
        return self._until - time.monotonic()

    def watch(self, opened: socket.socket) -> None:
        """TLS takes the socket over, so a second handle on the same connection is kept."""
        with self._lock:
            self._sockets.append(opened.dup())
        if self.left_seconds <= 0:
            self._expire()

    def close(self) -> None:
        self._timer.cancel()
        with self._lock:
            for watched in self._sockets:
                watched.close()
            self._sockets.clear()

    def _expire(self) -> None:
        with self._lock:
            for watched in self._sockets:
                with suppress(OSError):
                    watched.shutdown(socket.SHUT_RDWR)


def fetch(
    feed: FeedAddress, headers: Mapping[str, str], network: Network, deadline: Deadline
) -> tuple[FeedAnswer, int]:
    """The answer after at most three redirects, and how many requests it took. Raises `SkipCalendar` or `Again`."""
    target = feed
    for requests_made in range(1, _MOST_REDIRECTS + 2):
        answer = _request(target, feed, headers, network, deadline)
        if answer.status not in REDIRECTS:
            return answer, requests_made
        target = redirected(target, feed, answer.headers.get("Location", ""))
    raise refused("redirects", f"the feed at {feed.host} redirects more than {_MOST_REDIRECTS} times")


def _request(
    target: FeedAddress, feed: FeedAddress, headers: Mapping[str, str], network: Network, deadline: Deadline
) -> FeedAnswer:
    """One request. What went wrong is raised outside the handler, so that no chain holds the address."""
    problem: ConnectorError
    try:
        with (
            _session(target, feed, network, deadline) as session,
            session.get(target.url, headers={**_HEADERS, **headers}, stream=True) as response,
        ):
            body = body_of(response, deadline.left_seconds, LARGEST_BYTES) if response.status_code == 200 else b""
        if deadline.left_seconds > 0:  # a shut socket looks like an end
            return FeedAnswer(response.status_code, response.headers, body)
        problem = _too_slow(feed)
    except TooMuch:
        problem = refused("too_large", f"the feed at {feed.host} has more than {LARGEST_BYTES // 2**20} MB")
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        problem = _trouble(error, feed, deadline)
    raise problem


def _trouble(error: Exception, feed: FeedAddress, deadline: Deadline) -> ConnectorError:
    """A library's error in words that hold no address."""
    text = str(error)
    if deadline.left_seconds <= 0 or "timed out" in text.lower():
        return _too_slow(feed)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return refused("certificate", f"the certificate of the feed at {feed.host} is not trusted")
    return Again("unreachable", f"the feed at {feed.host} cannot be reached")


def _too_slow(feed: FeedAddress) -> Again:
    return Again("unreachable", f"the feed at {feed.host} took too long")


def _session(target: FeedAddress, feed: FeedAddress, network: Network, deadline: Deadline) -> Session:
    """A session of its own for each request: nothing of one host is ever told to another."""
    addresses: list[str] = []
    if proxies_for(target.url, network.proxy):
        check_literal(target, feed)
    else:
        addresses = checked_addresses(target, feed, network)
    left = deadline.left_seconds
    if left <= 0:
        raise _too_slow(feed)
    seconds = min(network.timeout_seconds, left)
    session = Session(ca_file=network.ca_file, proxy=network.proxy, timeout_seconds=seconds, observed=False)
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter(deadline, addresses))
    return session


class _Adapter(HTTPAdapter):
    """Opens connections to the checked addresses only (without any: to the proxy), each watched by the deadline."""

    def __init__(self, deadline: Deadline, addresses: list[str]) -> None:
        super().__init__(max_retries=0)
        self._deadline = deadline
        self._addresses = addresses

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        def connect(connection: HTTPConnection) -> socket.socket:
            return self._open(connection)

        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = type("Checked", (pool.ConnectionCls,), {"_new_conn": connect})  # urllib3's place for it
        return pool

    def _open(self, connection: HTTPConnection) -> socket.socket:
        for address in self._addresses or [connection.host]:
            with suppress(OSError):
                opened = create_connection(
                    (address, connection.port), connection.timeout, socket_options=connection.socket_options
                )
                self._deadline.watch(opened)
                return opened
        raise NewConnectionError(connection, "no address of it can be reached")
