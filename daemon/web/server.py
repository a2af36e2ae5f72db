"""The service's web: uvicorn in a thread of its own, so that nobody who asks holds the service up."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import threading
from collections import Counter

from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from daemon.web.app import Health, make_app
from daemon.web.metrics import Metrics

SECONDS_FOR_A_REQUEST = 10.0
MOST_CONNECTIONS = 128
_BACKLOG = 32  # few beside the places: who is let in is read before as many others could take their place
_MOST_HEADER_BYTES = 64 * 1024  # beyond what the application refuses by itself, with a better answer
_STOPS_WITHIN_SECONDS = 5
_HEADERS = [
    ("Server", "rapport"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'"),
    ("Connection", "close"),
]


class _BoundedProtocol(H11Protocol):
    """One connection: one of few, and with little time, which uvicorn by itself leaves to a proxy before it.

    Where all places are taken, a newcomer gets that of whoever has waited longest without having asked, among those of
    the address that holds most: so silence holds up nobody, health is answered, and a crowd cuts off its own.
    """

    _is_cut = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._since = self.loop.time()
        self._deadline = self.loop.call_later(SECONDS_FOR_A_REQUEST, self._cut_off)
        others = [other for other in self.connections if isinstance(other, _BoundedProtocol) and not other._is_cut]
        if len(others) > MOST_CONNECTIONS:
            held = Counter(other.address for other in others)
            waiting = [other for other in others if other is not self and not other.is_answered]
            max(waiting, key=lambda other: (held[other.address], -other._since), default=self).cut()

    @property
    def address(self) -> str:
        """Who is at the other side; of IPv6 the network, as whoever has one has all of its addresses."""
        host = self.client[0] if self.client else ""
        if ":" not in host or host.startswith("::ffff:"):
            return host
        return str(ipaddress.ip_network((host.partition("%")[0], 64), strict=False))

    @property
    def is_answered(self) -> bool:
        """Whether it has asked whole and its answer is being made."""
        return bool(self.cycle) and not self.cycle.more_body and not self.cycle.response_complete

    def cut(self) -> None:
        """Ends it, whatever it is at."""
        self._is_cut = True
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.cancel()
        super().connection_lost(exc)

    def _cut_off(self) -> None:
        """Whoever has not asked by now, or has not taken the answer; a page that takes so long is waited for."""
        if self.cycle and not self.cycle.response_complete:
            self._deadline = self.loop.call_later(SECONDS_FOR_A_REQUEST, self._cut_off)
        else:
            self.cut()

    def send_400_response(self, msg: str) -> None:
        """Only where no answer has begun: uvicorn would raise."""
        if self.cycle:
            self.transport.abort()
        else:
            super().send_400_response(msg)


class Web:
    """The web of the running service. Raises `OSError` where the address cannot be listened on."""

    def __init__(self, address: tuple[str, int], token: str | None, health: Health, metrics: Metrics) -> None:
        self._socket = _listening(*address)
        self._server = Server(
            Config(
                make_app(address[0], token, health, metrics),
                http=_BoundedProtocol,
                ws="none",
                loop="asyncio",
                lifespan="off",
                interface="asgi3",
                workers=1,
                proxy_headers=False,
                server_header=False,
                headers=_HEADERS,
                backlog=_BACKLOG,
                h11_max_incomplete_event_size=_MOST_HEADER_BYTES,
                timeout_graceful_shutdown=1,
                log_config=None,
                log_level=logging.CRITICAL,  # what was asked is the other side's text; defects are told by the pages
                access_log=False,
            )
        )
        # A daemon, as are then the threads in which pages ask the store: one that hangs must not hold up our end.
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="web", daemon=True)

    @property
    def port(self) -> int:
        """The port that is listened on; for 0 in the config, the one that was free."""
        port: int = self._socket.getsockname()[1]
        return port

    def start(self) -> None:
        """Answers from now on."""
        self._thread.start()

    def close(self) -> None:
        """Answers nobody any more. May be called twice, and before `start`."""
        self._server.should_exit = self._server.force_exit = True
        if self._thread.is_alive():
            self._thread.join(_STOPS_WITHIN_SECONDS)
        self._socket.close()


def _listening(host: str, port: int) -> socket.socket:
    """A socket that takes connections already. `::` takes those of IPv4 too."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
    return socket.create_server(address[:2], family=family, backlog=_BACKLOG, dualstack_ipv6=both)
