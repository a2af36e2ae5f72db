"""HTTP connections each use of which ends with a deadline: urllib3's, in the places that it leaves for others."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from connectors.net.deadline import Deadline, addresses_of

_PRESENT: ContextVar[tuple[Deadline, Sequence[str]]] = ContextVar("deadline and addresses of the request")


@contextmanager
def bound_by(deadline: Deadline, addresses: Sequence[str] = ()) -> Iterator[None]:
    """Requests that this thread makes meanwhile over a `BoundedAdapter` end with the deadline.

    `addresses` are the only ones that are connected to; without any, what the host's name (a proxy's, where there is
    one) resolves to.
    """
    before = _PRESENT.set((deadline, addresses))
    try:
        yield
    finally:
        _PRESENT.reset(before)


class _Bounded(HTTPConnection):
    _watched_by: Deadline | None = None

    def _new_conn(self) -> socket.socket:
        """urllib3's place for it; TLS and the talk with a proxy come after it, and so under the deadline."""
        deadline, addresses = _PRESENT.get()
        self._watched_by = deadline
        timeout = self.timeout if isinstance(self.timeout, int | float) else deadline.left_seconds
        try:
            return deadline.connected(
                addresses or addresses_of(self.host, self.port), self.port, timeout, self.socket_options
            )
        except (socket.gaierror, UnicodeError) as error:
            raise NameResolutionError(self.host, self, socket.gaierror(str(error))) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "the connection timed out") from error
        except OSError as error:
            raise NewConnectionError(self, "no address of it can be reached") from error

    def request(self, *args: Any, **kwargs: Any) -> None:
        """A connection that was kept is watched by this request's deadline, no more by the last one's."""
        deadline, _ = _PRESENT.get()
        if self.sock is not None and self._watched_by is not deadline:
            deadline.watch(self.sock)
            self._watched_by = deadline
        super().request(*args, **kwargs)


class _BoundedTls(_Bounded, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Bounded


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _BoundedTls


class BoundedAdapter(HTTPAdapter):
    """Requests' adapter over such connections, within `bound_by` alone."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return manager
