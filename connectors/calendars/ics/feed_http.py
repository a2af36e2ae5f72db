"""One HTTPS request for a feed: to an address looked at first, within one deadline, and for so many bytes at most.

What answers may be hostile: it must neither hold this machine for ever nor fill its memory. `feed_addresses` decides
what may be asked at all. Errors and logs name the host alone.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.util.connection import create_connection

from connectors.calendars.ics.feed_addresses import (
    Network,
    Place,
    Refused,
    Unreachable,
    addresses_of,
    check_literal,
    proxies_for,
    redirected,
)
from connectors.calendars.ics.files import LARGEST_BYTES

REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 3
_CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Deadline:
    """A moment after which every socket of a request is shut, however slowly the other side keeps it alive."""

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


def fetch(place: Place, headers: Mapping[str, str], network: Network, deadline: Deadline) -> tuple[Answer, int]:
    """The answer after at most three redirects, and how many requests it took. Raises `Refused` or `Unreachable`."""
    target = place
    for requests_made in range(1, _MOST_REDIRECTS + 2):
        answer = _request(target, place, headers, network, deadline)
        if answer.status not in REDIRECTS:
            return answer, requests_made
        target = redirected(target, place, answer.headers.get("Location", ""))
    raise Refused("redirects", f"the feed at {place.host} redirects more than {_MOST_REDIRECTS} times")


def _request(place: Place, first: Place, headers: Mapping[str, str], network: Network, deadline: Deadline) -> Answer:
    """One request. What went wrong is raised outside the handler, so that no chain holds the address."""
    problem: Exception
    try:
        with _session(place, first, network, deadline) as session:
            return _ask(session, place, first, headers, network, deadline)
    except (Refused, Unreachable) as error:
        problem = error
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        problem = _told(error, f"the feed at {first.host}", deadline)
    raise problem


def _told(error: Exception, feed: str, deadline: Deadline) -> Exception:
    """A library's error in words that hold no address."""
    text = str(error)
    if deadline.left_seconds <= 0 or "timed out" in text.lower():
        return Unreachable(f"{feed} took too long")
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return Refused("certificate", f"the certificate of {feed} is not trusted")
    return Unreachable(f"{feed} cannot be reached")


def _ask(
    session: requests.Session,
    place: Place,
    first: Place,
    headers: Mapping[str, str],
    network: Network,
    deadline: Deadline,
) -> Answer:
    left = deadline.left_seconds
    if left <= 0:
        raise Unreachable(f"the feed at {first.host} took too long")
    response = session.get(
        place.url,
        headers={"Accept": "text/calendar, */*;q=0.1", "Accept-Encoding": "gzip, deflate", **headers},
        timeout=min(network.timeout_seconds, left),
        allow_redirects=False,
        stream=True,
        verify=str(network.ca_file) if network.ca_file else True,
        proxies=proxies_for(place, network),
    )
    with response:
        body = b"" if response.status_code != 200 else _body(response, first)
    if deadline.left_seconds <= 0:  # a shut socket looks like an end
        raise Unreachable(f"the feed at {first.host} took too long")
    return Answer(response.status_code, response.headers, body)


def _body(response: requests.Response, place: Place) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in response.raw.stream(_CHUNK_BYTES, decode_content=True):
        size += len(part)
        if size > LARGEST_BYTES:
            raise Refused("too_large", f"the feed at {place.host} has more than {LARGEST_BYTES // 2**20} MB")
        parts.append(part)
    return b"".join(parts)


@contextmanager
def _session(place: Place, first: Place, network: Network, deadline: Deadline) -> Iterator[requests.Session]:
    """A session of its own for each request: nothing of one host is ever told to another."""
    proxied = bool(proxies_for(place, network))
    allowed = None if proxied else addresses_of(place, first, network)
    if proxied:
        check_literal(place, first)
    session = _Session()
    session.trust_env = False  # no .netrc; the proxy is told explicitly
    adapter = _Adapter(deadline, allowed)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    try:
        yield session
    finally:
        session.close()


class _Session(requests.Session):
    def get_redirect_target(self, _resp: requests.Response) -> None:
        """None: else the library reads the whole body of a redirect, however large, to look where it leads."""


class _Adapter(HTTPAdapter):
    """Opens connections to the checked addresses only, and hands every socket to the deadline."""

    def __init__(self, deadline: Deadline, addresses: list[str] | None) -> None:
        self._classes = _pool_classes(deadline, addresses)
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._classes

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self._classes
        return manager


def _pool_classes(deadline: Deadline, addresses: list[str] | None) -> dict[str, Any]:
    def connect(connection: HTTPConnection) -> socket.socket:
        opened = _open(connection, addresses or [connection.host])
        deadline.watch(opened)
        return opened

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return connect(self)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return connect(self)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _open(connection: HTTPConnection, addresses: list[str]) -> socket.socket:
    for address in addresses:
        with suppress(OSError):
            return create_connection(
                (address, connection.port), connection.timeout, socket_options=connection.socket_options
            )
    raise NewConnectionError(connection, "no address of it can be reached")
