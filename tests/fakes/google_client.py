"""The connector under test, made for a fake of Google: quick to lose patience, else as the config makes it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connectors.calendars.google import Settings, connect
from connectors.calendars.shared.items import Origin
from connectors.contract import Calendars, Context, Done, Page, Person, Reading
from connectors.net.retry import Patience
from scoring.meetings.values import Copy, Window
from tests.fakes.google import FakeGoogle
from tests.fakes.google_world import at

NOW = datetime(2026, 11, 15, 9, 0, tzinfo=UTC)
WINDOW = Window(start=datetime(2026, 9, 1, tzinfo=UTC), end=datetime(2027, 1, 15, tzinfo=UTC))
QUICK = Patience(tries=5, seconds=5.0, first_wait_seconds=0.01, longest_wait_seconds=0.05)
JO, ANA = "jo@northwind.example", "ana@acme.example"
ORIGIN = Origin(connector="workspace", calendar=JO, addresses=(JO,), read_at=NOW)


def workspace(google: FakeGoogle, folder: Path, *, patience: Patience = QUICK, **settings: Any) -> Calendars:
    """A connector to the fake; Jo's calendar by her address, unless `settings` say otherwise."""
    if not (folder / "google-service-account.json").exists():
        google.key_file(folder)
    given = {
        "name": "workspace",
        "kind": "google",
        "credentials_file": "google-service-account.json",
        "calendars": [JO],
        "api_endpoint": google.url,
        **settings,
    }
    timeout = given.pop("timeout_seconds", 5.0)
    context = Context(folder=folder, zone=ZoneInfo("Europe/London"), timeout_seconds=timeout)
    return connect(Settings(**given), context, patience)


def person(address: str = JO) -> Person:
    return Person(id=address, addresses=(address,))


def reading(cursor: str | None = None, *, window: Window = WINDOW, now: datetime = NOW) -> Reading:
    return Reading(cursor=cursor, window=window, now=now)


def pull(
    connector: Calendars, cursor: str | None = None, *, address: str = JO, window: Window = WINDOW
) -> tuple[list[Page], Done]:
    """One round: its pages, and its end."""
    *pages, done = connector.pull(person(address), reading(cursor, window=window))
    assert isinstance(done, Done)
    return [one for one in pages if isinstance(one, Page)], done


def copies(pages: Iterable[Page]) -> dict[str, Copy]:
    """The copies of a round by entry, the last of each."""
    return {copy.entry: copy for page in pages for copy in page.copies}


def removed(pages: Iterable[Page]) -> set[str]:
    return {entry for page in pages for entry in page.removed}


def meeting(
    entry: str, begins: datetime = NOW - timedelta(days=5), minutes: int = 60, /, **more: Any
) -> dict[str, Any]:
    """An item: Jo with Ana, five days ago, for an hour, unless `more` says otherwise."""
    return {
        "id": entry,
        "start": at(begins),
        "end": at(begins + timedelta(minutes=minutes)),
        "attendees": [
            {"email": JO, "self": True, "organizer": True, "responseStatus": "accepted"},
            {"email": ANA, "responseStatus": "accepted"},
        ],
        **more,
    }
