"""The connector under test, made for a fake of Microsoft: quick to lose patience, else as the config makes it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connectors.calendars.microsoft365 import Settings, connect
from connectors.calendars.shared.items import Origin
from connectors.contract import Calendars, Context, Done, Page, Person, Reading
from connectors.net.retry import Patience
from scoring.meetings.values import Copy, Window
from tests.fakes.microsoft import FakeMicrosoft
from tests.fakes.microsoft_items import at, guest

NOW = datetime(2026, 11, 15, 9, 0, tzinfo=UTC)
WINDOW = Window(start=datetime(2026, 9, 1, tzinfo=UTC), end=datetime(2027, 1, 15, tzinfo=UTC))
QUICK = Patience(tries=5, seconds=5.0, first_wait_seconds=0.01, longest_wait_seconds=0.05)
JO, ANA = "jo@northwind.example", "ana@acme.example"
ORIGIN = Origin(connector="m365", calendar=JO, addresses=(JO,), read_at=NOW)


def tenant(
    graph: FakeMicrosoft, folder: Path, *, patience: Patience = QUICK, trusted: bool = True, **settings: Any
) -> Calendars:
    """A connector to the fake; Jo's calendar by her address, unless `settings` say otherwise."""
    reached = context(graph, folder, settings.pop("timeout_seconds", 5.0), trusted=trusted)
    return connect(settings_for(graph, **settings), reached, patience)


def settings_for(graph: FakeMicrosoft, **settings: Any) -> Settings:
    """The table of the config for the fake, by a secret unless `settings` name a certificate."""
    given = {
        "name": "m365",
        "kind": "microsoft365",
        "tenant_id": graph.tenant_id,
        "client_id": graph.client_id,
        "calendars": [JO],
        "authority": graph.authority,
        "graph_endpoint": graph.endpoint,
        **settings,
    }
    if "certificate_file" not in given:
        given.setdefault("client_secret", graph.secret)
    return Settings(**given)


def context(graph: FakeMicrosoft, folder: Path, timeout_seconds: float = 5.0, *, trusted: bool = True) -> Context:
    """How to reach the fake; its certificate is only good for who trusts its CA."""
    ca_file = graph.ca_file if trusted else None
    return Context(folder=folder, zone=ZoneInfo("Europe/London"), ca_file=ca_file, timeout_seconds=timeout_seconds)


def person(address: str = JO) -> Person:
    return Person(id=address, addresses=(address,))


def reading(
    cursor: str | None = None,
    *,
    window: Window = WINDOW,
    now: datetime = NOW,
    full: bool = False,
    held: Collection[str] = (),
) -> Reading:
    return Reading(cursor=cursor, window=window, now=now, full=full or cursor is None, held=lambda: held)


def pull(connector: Calendars, cursor: str | None = None, *, address: str = JO, **more: Any) -> tuple[list[Page], Done]:
    """One round: its pages, and its end. `more` goes to `reading`."""
    *pages, done = connector.pull(person(address), reading(cursor, **more))
    assert isinstance(done, Done)
    return [one for one in pages if isinstance(one, Page)], done


def copies(pages: Iterable[Page]) -> dict[str, Copy]:
    """The copies of a round by entry, the last of each."""
    return {copy.entry: copy for page in pages for copy in page.copies}


def removed(pages: Iterable[Page]) -> set[str]:
    return {entry for page in pages for entry in page.removed}


def erased(pages: Iterable[Page]) -> set[str]:
    return {entry for page in pages for entry in page.erased}


def meeting(name: str, begins: datetime = NOW - timedelta(days=5), minutes: int = 60, /, **more: Any) -> dict[str, Any]:
    """An item: Jo with Ana, five days ago, for an hour, unless `more` says otherwise."""
    return {
        "id": name,
        "start": at(begins),
        "end": at(begins + timedelta(minutes=minutes)),
        "attendees": [guest(ANA, "accepted")],
        **more,
    }
