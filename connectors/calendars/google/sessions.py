"""A connection to Google: a session, for one thread at a time, and the service objects that make requests.

A service object takes milliseconds to make and holds no session here, so there is one for all connections
(`docs/providers.md` D).
"""

from __future__ import annotations

import threading
from typing import Any

import googleapiclient.discovery
import googleapiclient.model

from connectors.calendars.google.transport import Http, TokenRequest
from connectors.calendars.shared.client import session_of
from connectors.contract import Context


class _Unread(googleapiclient.model.JsonModel):  # type: ignore[misc]  # the library has no types
    """Leaves an answer as it came: who asked decides when there is room to unpack it."""

    no_content_response = b""

    def deserialize(self, content: bytes) -> bytes:
        return content


class Services:
    """The service objects, made once: they hold nothing of a request.

    `endpoint` is another root for both APIs; empty for Google's own.
    """

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._collections: dict[str, Any] = {}
        self._making = threading.Lock()

    def collection(self, api: str, version: str, name: str, path: str) -> Any:
        """A collection of an API. `api_endpoint` replaces root and service path (`docs/providers.md` D)."""
        with self._making:
            if name not in self._collections:
                options = {"api_endpoint": f"{self._endpoint}/{path}"} if self._endpoint else {}
                service = googleapiclient.discovery.build(
                    api,
                    version,
                    http=object(),  # each request is executed with its connection's own
                    model=_Unread(),
                    static_discovery=True,
                    cache_discovery=False,
                    client_options=options,
                )
                self._collections[name] = getattr(service, name)()
            return self._collections[name]


class Connection:
    """Requests are executed with its `http`."""

    def __init__(self, context: Context, services: Services) -> None:
        session = session_of(context)
        self.tokens = TokenRequest(session)
        self.http = Http(session)
        self._services = services

    @property
    def events(self) -> Any:
        """`events` of the Calendar API."""
        return self._services.collection("calendar", "v3", "events", "calendar/v3/")

    @property
    def users(self) -> Any:
        return self._services.collection("admin", "directory_v1", "users", "")

    @property
    def members(self) -> Any:
        return self._services.collection("admin", "directory_v1", "members", "")

    def close(self) -> None:
        self.http.close()
