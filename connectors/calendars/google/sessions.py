"""A line to Google: a session, for one thread at a time, and the service objects that make requests.

Sessions are not meant to be shared between threads, so lines are lent. A service object takes milliseconds to make and
holds no connection here, so there is one for all lines.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import googleapiclient.discovery
import googleapiclient.model

from connectors.calendars.google.transport import Http, TokenRequest
from connectors.contract import Context
from connectors.net.session import Session


class _Unread(googleapiclient.model.JsonModel):  # type: ignore[misc]  # the library has no types
    """Leaves an answer as it came: who asked decides when there is room to unpack it."""

    no_content_response = b""

    def deserialize(self, content: bytes) -> bytes:
        return content


class Services:
    """The service objects, made once: they hold nothing of a request. `endpoint` is as in `Line`."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._parts: dict[str, Any] = {}
        self._making = threading.Lock()

    def part(self, api: str, version: str, name: str, path: str) -> Any:
        """A collection of an API. `api_endpoint` replaces root and service path (`docs/providers.md` D)."""
        with self._making:
            if name not in self._parts:
                options = {"api_endpoint": f"{self._endpoint}/{path}"} if self._endpoint else {}
                service = googleapiclient.discovery.build(
                    api,
                    version,
                    http=object(),  # each request is executed with its line's own
                    model=_Unread(),
                    static_discovery=True,
                    cache_discovery=False,
                    client_options=options,
                )
                self._parts[name] = getattr(service, name)()
            return self._parts[name]


class Line:
    """`endpoint` is another root for both APIs; empty for Google's own. Requests are executed with its `http`."""

    def __init__(self, context: Context, endpoint: str, services: Services | None = None) -> None:
        self.session = Session(ca_file=context.ca_file, proxy=context.proxy, timeout_seconds=context.timeout_seconds)
        self.tokens = TokenRequest(self.session)
        self.http = Http(self.session)
        self._services = services or Services(endpoint)

    @property
    def entries(self) -> Any:
        """`events` of the Calendar API."""
        return self._services.part("calendar", "v3", "events", "calendar/v3/")

    @property
    def users(self) -> Any:
        return self._services.part("admin", "directory_v1", "users", "")

    @property
    def members(self) -> Any:
        return self._services.part("admin", "directory_v1", "members", "")


class Lines:
    """The lines that are not in use; as many are made as are needed at once."""

    def __init__(self, context: Context, endpoint: str) -> None:
        self._context = context
        self._endpoint = endpoint
        self._services = Services(endpoint)
        self._idle: queue.LifoQueue[Line] = queue.LifoQueue()

    @contextmanager
    def lent(self) -> Iterator[Line]:
        """A line for the caller alone, until it is given back."""
        try:
            line = self._idle.get_nowait()
        except queue.Empty:
            line = Line(self._context, self._endpoint, self._services)
        try:
            yield line
        finally:
            self._idle.put(line)

    def close(self) -> None:
        while True:
            try:
                self._idle.get_nowait().session.close()
            except queue.Empty:
                return
