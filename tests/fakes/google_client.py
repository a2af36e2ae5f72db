"""The connector under test, made for a fake of Google: quick to lose patience, else as the config makes it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connectors.calendars.google import Settings, connect
from connectors.calendars.shared.items import Origin
from connectors.contract import Calendars, Context
from connectors.net.retry import Patience
from tests.fakes.google import FakeGoogle
from tests.fakes.google_world import at
from tests.fakes.reading import ANA, JO, NOW, QUICK

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
