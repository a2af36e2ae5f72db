"""A provider's calendars as its package makes them: of a client, a directory and a listing. Costs no library."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Generic, Protocol, TypeVar

from connectors.contract import Done, Page, Person, Reading, Roster
from connectors.errors import ConnectorError


class Closeable(Protocol):
    """A client, or a connection of it."""

    def close(self) -> None: ...


ClientT = TypeVar("ClientT", bound=Closeable)


@dataclass(slots=True)
class RequestCounter:
    """Requests that are counted together: one listing's, or one roster's. Those for tokens are not among them.

    `seconds` is how long they took, with waits that the provider asked for and without those for our own pace.
    """

    made: int = 0
    seconds: float = 0.0


class ProviderCalendars(Generic[ClientT]):
    """See `connectors.contract.Calendars`. The client is made on first use: its libraries take half a second to import.

    `version` says what is asked for and how it is read, which `query` makes a short text of; `roster` and `listing` are
    given what counts their requests.
    """

    def __init__(
        self,
        name: str,
        *,
        version: Callable[[], str],
        connect: Callable[[], ClientT],
        roster: Callable[[ClientT, RequestCounter], Roster],
        listing: Callable[[ClientT, RequestCounter, Person, Reading], Iterator[Page | Done]],
    ) -> None:
        self.name = name
        self.roster_requests = 0
        self._version = version
        self._connect = connect
        self._roster = roster
        self._listing = listing
        self._connected: ClientT | None = None
        self._connecting = threading.Lock()

    def query(self) -> str:
        return blake2b(self._version().encode(), digest_size=8).hexdigest()

    def people(self) -> Roster:
        counter = RequestCounter()
        try:
            return self._roster(self._client(), counter)
        finally:
            self.roster_requests = counter.made

    def pull(self, person: Person, reading: Reading) -> Iterator[Page | Done]:
        counter = RequestCounter()
        try:
            yield from self._listing(self._client(), counter, person, reading)
        except ConnectorError as error:
            error.requests = counter.made
            raise

    def _client(self) -> ClientT:
        with self._connecting:
            if self._connected is None:
                self._connected = self._connect()
            return self._connected

    def close(self) -> None:
        if self._connected is not None:
            self._connected.close()
